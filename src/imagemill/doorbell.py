"""The doorbell: Redis publish/subscribe that wakes waiting requests when a job has ended. A courtesy, not the truth."""

import logging
import os
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.retry import Retry

from imagemill.domain.ports import Ear

log = logging.getLogger(__name__)

_RING_SECONDS = 0.5
_QUIET_SECONDS = 5.0
_SUBSCRIBE_SECONDS = 0.2
_RECONNECT_SECONDS = 1.0
_SILENCE_SECONDS = 10.0
_TROUBLES = (RedisError, OSError)


class RedisDoorbell:
    """Rings and listens on one channel. One connection and one thread per process listen for all who wait.

    Args:
        url: of the broker, in Celery's spelling.
        channel: name of the channel.
    """

    def __init__(self, url: str, channel: str) -> None:
        self._url = _redis_url(url)
        self._channel = channel
        self._lock = threading.Lock()
        self._ears: dict[str, list[threading.Event]] = defaultdict(list)
        self._ringer: Redis | None = None
        self._quiet_until = 0.0
        self._listener_pid: int | None = None
        self._subscribed = threading.Event()
        self._closed = threading.Event()

    def ring(self, token: UUID) -> None:
        """Wake everyone who listens for this token. Never raises; after trouble it stays quiet for some seconds."""
        if time.monotonic() < self._quiet_until:
            return
        if self._ringer is None:
            self._ringer = self._connect(_RING_SECONDS)
        try:
            self._ringer.publish(self._channel, str(token))
        except _TROUBLES:
            self._quiet_until = time.monotonic() + _QUIET_SECONDS

    @contextmanager
    def listen(self, token: UUID) -> Iterator[Ear]:
        """Listen from now on, until the context ends."""
        rung = threading.Event()
        with self._lock:
            self._ears[str(token)].append(rung)
            self._start_listener()
        # Only a process's first listener finds it unset; if the broker is away, the one who waits just polls.
        self._subscribed.wait(_SUBSCRIBE_SECONDS)
        try:
            yield _Ear(rung)
        finally:
            with self._lock:
                self._ears[str(token)].remove(rung)
                if not self._ears[str(token)]:
                    del self._ears[str(token)]

    def _start_listener(self) -> None:
        if self._listener_pid != os.getpid():
            self._listener_pid = os.getpid()
            threading.Thread(target=self._listen_until_closed, name="doorbell", daemon=True).start()

    def close(self) -> None:
        """Listen no more; the thread ends at its next trouble or turn."""
        self._closed.set()

    def _listen_until_closed(self) -> None:
        told = False
        while not self._closed.is_set():
            try:
                self._listen_until_trouble()
            except _TROUBLES as error:
                # Once for each time that it falls silent, not for each try to reach the broker.
                if (self._subscribed.is_set() or not told) and not self._closed.is_set():
                    log.warning("The doorbell is silent; those who wait look at the record: %s", error)
                told = True
            except Exception:
                log.exception("The doorbell failed; those who wait look at the record.")
            self._subscribed.clear()
            self._closed.wait(_RECONNECT_SECONDS)

    def _listen_until_trouble(self) -> None:
        with self._connect(2 * _SILENCE_SECONDS) as client, client.pubsub() as subscription:
            subscription.subscribe(self._channel)
            asked = False
            while not self._closed.is_set():
                message = subscription.get_message(timeout=_SILENCE_SECONDS)
                if message is None:
                    # Nobody rang, or the line is dead without having been closed.
                    if asked:
                        raise RedisTimeoutError("no answer to a ping")
                    subscription.ping()
                asked = message is None
                if message and message["type"] == "subscribe":
                    self._subscribed.set()
                elif message and message["type"] == "message":
                    self._wake(message["data"].decode("ascii", "replace"))

    def _wake(self, token: str) -> None:
        with self._lock:
            for rung in self._ears.get(token, ()):
                rung.set()

    def _connect(self, timeout_seconds: float | None) -> Redis:
        return Redis.from_url(
            self._url,
            socket_timeout=timeout_seconds,
            socket_connect_timeout=_RING_SECONDS,
            # Its own default is to try three times with growing pauses, while a finished job waits.
            retry=Retry(NoBackoff(), 0),
        )


class _Ear:
    def __init__(self, rung: threading.Event) -> None:
        self._rung = rung

    def wait(self, timeout_seconds: float) -> bool:
        """Sleep until the bell has rung or the time is over; True if it rang."""
        rang = self._rung.wait(timeout_seconds)
        self._rung.clear()
        return rang


def _redis_url(celery_url: str) -> str:
    # Celery says redis+socket:///path?virtual_host=0 where redis-py says unix:///path?db=0.
    return celery_url.replace("redis+socket://", "unix://", 1).replace("virtual_host=", "db=", 1)
