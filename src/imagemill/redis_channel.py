"""How messages lie in Redis or Valkey while a worker has them: not at all. Knows neither queue nor job.

Kombu keeps a note in Redis of each message that is out, and strikes it out when the message has been worked; two round
trips for each job, that took the worker's main process half of its time. The notes are for a worker that is killed, and
of its jobs the record knows better; so here the worker alone remembers what it has.
"""

import logging
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from kombu.transport import TRANSPORT_ALIASES, redis, virtual

log = logging.getLogger(__name__)


def register() -> None:
    """Let brokers of redis:// and rediss:// be spoken to in this way, in this process."""
    TRANSPORT_ALIASES.update(dict.fromkeys(("redis", "rediss"), f"{__name__}:Transport"))


def tls(url: str) -> dict[str, Any] | None:
    """How the broker of a URL proves who it is; None without TLS.

    The library itself would take any certificate. The authorities are the system's, or those of SSL_CERT_FILE.
    """
    return {"ssl_cert_reqs": ssl.CERT_REQUIRED, "ssl_check_hostname": True} if url.startswith("rediss://") else None


class Unworked(virtual.QoS):  # type: ignore[misc]
    """The messages that this worker has taken and not worked."""

    def restore_unacked_once(self, stderr: object = None) -> None:  # noqa: ARG002 - the library's
        """Give them back to the queue, once; called when the worker stops, and when it has lost the broker.

        What cannot be given back the sweep sends again. The library would write it to a file that nobody reads.
        """
        self._on_collect.cancel()
        self._flush()
        while self._delivered:
            message = self._delivered.popitem()[1]
            try:
                self.channel._restore(message)  # noqa: SLF001 - as the library does
            except Exception as error:  # noqa: BLE001 - whatever it is, the next one would fare no better
                log.info("Messages were not given back to the broker.", extra={"cause": type(error).__name__})
                self._delivered.clear()


class Channel(redis.Channel):  # type: ignore[misc]
    """A channel that makes one client and not one for each command, and takes no notes."""

    ack_emulation = False

    def __init__(self, *arguments: Any, **named: Any) -> None:
        self._own: Any = None
        super().__init__(*arguments, **named)
        self.QoS = Unworked

    @contextmanager
    def conn_or_acquire(self, client: Any = None) -> Iterator[Any]:
        """The client given, or this channel's own."""
        # Once the connection was lost the pool is another.
        if client is None and (self._own is None or self._own.connection_pool is not self.pool):
            self._own = self._create_client()
        yield client or self._own


class Transport(redis.Transport):  # type: ignore[misc]
    """Kombu's transport with such channels."""

    Channel = Channel
