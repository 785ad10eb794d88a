"""Settings of delivery: how an output gets to who asks for it."""

from typing import Literal

from pydantic import Field

from imagemill.config.deployment import Deployment
from imagemill.config.spelling import HttpUrl


class Delivery(Deployment):
    """How an output gets to who asks for it."""

    accel_path: str | None = Field(
        None,
        pattern="^/[A-Za-z0-9/_-]*/$",
        description="Internal location of nginx that leads to the store's folder, such as /_objects/; nginx then sends "
        "the images (X-Accel-Redirect). Left out, the API sends them.",
    )
    delivery: Literal["proxy", "redirect", "public"] = Field(
        "proxy",
        description="How outputs reach those who ask: `proxy` sends them from here, `redirect` sends to a link of the "
        "bucket that expires, `public` gives out URLs under IMAGEMILL_CDN_URL.",
    )
    cdn_url: HttpUrl | None = Field(
        None, description="Where the world finds the outputs' keys, such as a CDN in front of the bucket."
    )
    images: Literal["public", "signed"] = Field(
        "public", description="Who may fetch an output: who knows its URL, or only with a signed link that expires."
    )
    link_seconds: int = Field(
        3600, ge=10, le=604_800, description="How long a signed link and a link of the bucket work, at most."
    )
