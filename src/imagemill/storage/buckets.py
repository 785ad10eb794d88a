"""Where a bucket is and who may use it: what becomes an obstore client. Knows no keys and no objects.

What is left out here obstore looks for where the provider's own tools do: AWS_* or GOOGLE_* in the environment, a web
identity, the role of the container or of the machine.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from obstore.store import GCSStore, S3Store

if TYPE_CHECKING:
    from obstore.store import ClientConfig, GCSConfig, RetryConfig, S3Config, S3Credential

Client = S3Store | GCSStore
"""A client of one bucket: connections, time limits and credentials."""

RETRY: "RetryConfig" = {
    "max_retries": 5,
    "retry_timeout": timedelta(seconds=3),
    "backoff": {"init_backoff": timedelta(milliseconds=100), "max_backoff": timedelta(seconds=1), "base": 2},
}
"""A store that stumbles is asked again, and one that is away is known after three seconds: somebody is waiting."""


class Bucket(Protocol):
    """A bucket, told by its address and its credentials."""

    def connect(self, options: "ClientConfig") -> Client:
        """A client with these limits of time. Connects to nothing yet."""
        ...


@dataclass(frozen=True)
class S3Bucket:
    """A bucket of S3, or of a store that speaks its protocol.

    Args:
        name: of the bucket.
        prefix: of all its keys, without slashes at its ends; may be empty.
        endpoint: where the protocol is spoken; None is AWS.
        region: as the provider calls it; None leaves it to the environment, and is us-east-1 in the end.
        key: access key id and secret; None leaves them to the environment or to a role.
        path_style: whether the bucket is the first part of the path, else of the host name.
    """

    name: str
    prefix: str = ""
    endpoint: str | None = None
    region: str | None = None
    key: tuple[str, str] | None = None
    path_style: bool = True

    def connect(self, options: "ClientConfig") -> Client:
        """A client with these limits of time. Connects to nothing yet."""
        config: S3Config = {
            "virtual_hosted_style_request": not self.path_style,
            # One object at a time by DELETE: not all stores know how to delete several at once.
            "disable_bulk_delete": True,
        }
        if self.endpoint:
            config["endpoint"] = self.endpoint if self.path_style else self._host()
        if self.region:
            config["region"] = self.region
        return S3Store(
            self.name,
            prefix=self.prefix or None,
            config=config,
            client_options=options,
            retry_config=RETRY,
            credential_provider=_constant(*self.key) if self.key else None,
        )

    def _host(self) -> str:
        parts = urlsplit(self.endpoint or "")
        return parts._replace(netloc=f"{self.name}.{parts.netloc}").geturl()


@dataclass(frozen=True)
class GcsBucket:
    """A bucket of Google Cloud Storage.

    Args:
        name: of the bucket.
        prefix: of all its keys, without slashes at its ends; may be empty.
        service_account: file with the account's key; None leaves it to the environment or to the machine.
        endpoint: where the XML API is spoken; None is Google.
    """

    name: str
    prefix: str = ""
    service_account: Path | None = None
    endpoint: str | None = None

    def connect(self, options: "ClientConfig") -> Client:
        """A client with these limits of time. Connects to nothing yet."""
        config: GCSConfig = {}
        if self.service_account:
            config["service_account"] = str(self.service_account)
        if self.endpoint:
            config["base_url"] = self.endpoint
        return GCSStore(
            self.name, prefix=self.prefix or None, config=config, client_options=options, retry_config=RETRY
        )


def _constant(key_id: str, secret: str) -> "Callable[[], S3Credential]":
    # Not as configuration: a session token in the environment, of another key, would be added to it.
    return lambda: {"access_key_id": key_id, "secret_access_key": secret, "token": None, "expires_at": None}
