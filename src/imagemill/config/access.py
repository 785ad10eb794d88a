"""Settings of access: who may use the API, and by whose word."""

from typing import Literal

from pydantic import Field

from imagemill.config.deployment import Deployment
from imagemill.config.spelling import IssuerUrl


class Access(Deployment):
    """Who may use the API."""

    auth: Literal["required", "off"] | None = Field(
        None,
        description="Who may use the API. `required`: who has a key; `off`: everybody. Left out, off in development "
        "and required elsewhere.",
    )
    auth_cache_seconds: float = Field(
        5,
        ge=0,
        le=60,
        description="How long an API process goes by what it has read of a key; so long a revoked key still opens.",
    )
    oidc_issuer: IssuerUrl | None = Field(
        None,
        description="OpenID Connect issuer whose tokens are accepted beside keys, spelt as in their `iss`; needs the "
        "extra `imagemill[oidc]`.",
    )
    oidc_audience: str | None = Field(None, min_length=1, description="What has to be in a token's `aud`.")
    oidc_scopes_claim: str = Field(
        "scope",
        min_length=1,
        description="Claim of a token that holds its scopes: a list, or words with spaces between.",
    )
    oidc_scopes_prefix: str = Field(
        "", description="What stands before a scope of ours in that claim, such as `imagemill:`."
    )

    @property
    def auth_required(self) -> bool:
        """Whether who uses the API has to show a key or a token."""
        return self.access == "required"

    @property
    def access(self) -> Literal["required", "off"]:
        """Who may use the API."""
        return self.auth or ("required" if self.profile.guarded else "off")
