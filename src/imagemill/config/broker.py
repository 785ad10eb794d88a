"""Settings of the broker."""

import hashlib
import os
import tempfile
from pathlib import Path
from urllib.parse import quote

from pydantic import Field

from imagemill.config.deployment import Deployment
from imagemill.config.spelling import BrokerUrl

_SOCKET = "broker.sock"
_MAX_SOCKET_PATH = 100  # sockaddr_un.sun_path holds 108 bytes on Linux, 104 on macOS (unix(7)).


class Broker(Deployment):
    """Where the broker is, and the queue's name there."""

    broker_url: BrokerUrl | None = Field(
        None,
        description="The broker: redis://, rediss:// or redis+socket:// for Redis and Valkey, amqp:// or amqps:// for "
        "RabbitMQ. Left out, `imagemill up` runs its own.",
    )
    queue: str = Field("imagemill", pattern="^[A-Za-z0-9._-]{1,64}$", description="Name of the broker's queue.")

    @property
    def broker(self) -> str:
        """URL of the broker."""
        return self.broker_url or f"redis+socket://{self.broker_socket}?virtual_host=0"

    @property
    def broker_socket(self) -> Path:
        """Unix socket of the embedded broker: in the data folder, else in a private one among the temporary files."""
        path = self.data.absolute() / _SOCKET
        # Too long for a socket, or with characters that would have to be quoted in a URL.
        if len(os.fsencode(path)) > _MAX_SOCKET_PATH or quote(str(path)) != str(path):
            digest = hashlib.sha256(os.fsencode(path)).hexdigest()[:16]
            return Path(tempfile.gettempdir(), f"imagemill-{os.getuid()}-{digest}", _SOCKET)
        return path
