"""Settings of the deployment as a whole. Every other room's settings build on them."""

from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from imagemill.config.keeping import kept_secret
from imagemill.config.spelling import PREFIX, GoodSecret
from imagemill.domain.secret import MIN_CHARACTERS
from imagemill.errors import ConfigurationError


class Profile(StrEnum):
    """What the service is run for."""

    DEVELOPMENT = "development"
    TESTING = "testing"
    STAGING = "staging"
    PRODUCTION = "production"

    @property
    def guarded(self) -> bool:
        """Whether it refuses to start with what is only fit for a desk."""
        return self is not Profile.DEVELOPMENT


class Deployment(BaseModel):
    """What the service is run for, where it keeps things, and its secret."""

    # Only `Settings` is ever made; to make the rooms' parts ready as well would double the time that importing takes.
    model_config = ConfigDict(frozen=True, defer_build=True)

    profile: Profile = Field(
        Profile.DEVELOPMENT, description="What the service is run for; all but development refuse unsafe settings."
    )
    data: Path = Field(Path("data"), description="Folder for whatever is not given a place of its own.")
    secret_key: GoodSecret | None = Field(
        None,
        description="Secret that tokens are derived from, at least 32 random characters; changing it changes every "
        "token. Left out in development, one is made and kept in the data folder.",
    )

    def secret(self) -> str:
        """The deployment's secret; in development made on first use and kept in the data folder."""
        if self.secret_key:
            return self.secret_key.get_secret_value()
        try:
            secret = kept_secret(self.data / "secret_key")
        except OSError as error:
            raise ConfigurationError(
                f"{PREFIX}DATA: the secret key cannot be kept in the folder: {error.strerror}"
            ) from error
        if len(secret) < MIN_CHARACTERS:
            raise ConfigurationError(f"{PREFIX}DATA: the secret_key in the folder is too short; it may be cut off")
        return secret
