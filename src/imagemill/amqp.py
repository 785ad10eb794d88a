"""AMQP: how RabbitMQ is connected to, so that nothing waits for it without end. Knows neither queue nor doorbell."""

import ssl
from typing import Any

from amqp import Connection as Line
from amqp.exceptions import AccessRefused, AMQPError, MessageNacked, NotAllowed
from kombu import Connection
from kombu.exceptions import OperationalError

SCHEMES = ("amqp://", "amqps://")
TROUBLES = (OperationalError, AMQPError, MessageNacked, OSError)
"""What a broker that is away, frozen or at odds with us raises."""


def spoken(url: str) -> bool:
    """Whether a broker's URL is one of AMQP."""
    return url.startswith(SCHEMES)


def transport_options(answer_seconds: float) -> dict[str, Any]:
    """What bounds each wait for an answer, and asks for one to each message.

    Args:
        answer_seconds: how long one answer may take.
    """
    return {
        # RabbitMQ answers when a message lies on the disks of most of the queue's nodes.
        "confirm_publish": True,
        "read_timeout": answer_seconds,
        "write_timeout": answer_seconds,
        "on_open": _end_reads_that_time_out,
        # Nobody waits for a broker to come up but a worker, which has a loop of its own for that.
        "max_retries": 0,
    }


def tls(url: str) -> dict[str, Any] | None:
    """How the broker of a URL proves who it is; None without TLS.

    The library itself would not compare the name. The authorities are the system's, or those of SSL_CERT_FILE.
    """
    # None: the name is the URL's.
    return {"cert_reqs": ssl.CERT_REQUIRED, "server_hostname": None} if url.startswith("amqps://") else None


def connect(url: str, answer_seconds: float, heartbeat_seconds: float = 0) -> Connection:
    """A connection that opens on first use, without confirms.

    Args:
        answer_seconds: how long each answer may take, the one to the first call included.
        heartbeat_seconds: how often each side has to be heard; 0 for never.
    """
    return Connection(
        url,
        ssl=tls(url) or False,
        connect_timeout=answer_seconds,
        heartbeat=heartbeat_seconds,
        transport_options=transport_options(answer_seconds) | {"confirm_publish": False},
    )


def refused(error: BaseException) -> bool:
    """Whether the broker is there and lets nobody in: a wrong name, password or virtual host."""
    return isinstance(error.__cause__ or error, AccessRefused | NotAllowed)


def _end_reads_that_time_out(line: Line) -> None:
    # Else the library asks the kernel again and again: it takes the time-out of the socket for an interruption.
    line.transport.raise_on_initial_eintr = True
