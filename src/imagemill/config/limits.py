"""Settings of limits: what one image may cost, how much may wait, and how often anybody may ask."""

from ipaddress import IPv4Network, IPv6Network

from pydantic import Field

from imagemill.config.deployment import Deployment
from imagemill.config.spelling import Formats, Networks, formats, networks
from imagemill.domain.formats import TAKEN, ImageFormat
from imagemill.domain.limits import Limits


class Bounds(Deployment):
    """What one image may cost, how much may wait, and how often anybody may ask."""

    input_formats: Formats = Field(
        ",".join(TAKEN),
        description="Formats that images may be sent in, separated by commas. Also known, and off unless named: `svg`, "
        "which is made harmless and then drawn, and `heic`, which needs the extra `imagemill[heic]`.",
    )
    max_image_bytes: int = Field(32 * 2**20, ge=1024, le=2**30, description="Size of an image as it is sent.")
    max_pixels: int = Field(100_000_000, ge=1, description="Width × height × frames of an image.")
    max_frames: int = Field(1000, ge=1, description="Frames of an animation, or pages of a TIFF.")
    max_output_pixels: int = Field(50_000_000, ge=1, description="Width × height of an output.")
    max_pending: int = Field(100_000, ge=1, description="Jobs that may wait; past it a new one is answered 503.")
    max_pending_seconds: int = Field(
        21_600, ge=1, description="How long a job may have waited; while one has for longer, a new one is answered 503."
    )
    max_pending_per_owner: int | None = Field(
        None,
        ge=1,
        description="Jobs that one owner may have waiting; past it a new one is answered 429. Left out, any number; "
        "while `auth` is off there is one owner, and this is not looked at.",
    )
    requests_per_minute_per_key: int | None = Field(
        None, ge=1, description="Requests to the API with one key; past it they are answered 429. Left out, any number."
    )
    requests_per_minute_per_address: int | None = Field(
        None,
        ge=1,
        description="Requests to the API from one address, or one /64 of IPv6, counted before a key is looked at; "
        "past it they are answered 429. Left out, any number. Behind a proxy, `trusted_proxies` has to name it.",
    )
    trusted_proxies: Networks = Field(
        "",
        description="Addresses and networks whose X-Forwarded-For is believed, such as `10.0.0.0/8,::1`.",
    )

    @property
    def limits(self) -> Limits:
        """What one image may cost."""
        return Limits(self.max_image_bytes, self.max_pixels, self.max_output_pixels, self.max_frames)

    @property
    def taken(self) -> tuple[ImageFormat, ...]:
        """Formats that are taken in."""
        return formats(self.input_formats)

    @property
    def proxies(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """Networks of the proxies that are trusted."""
        return networks(self.trusted_proxies)
