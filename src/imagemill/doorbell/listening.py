"""Listening: one connection and one thread for all who wait in a process. Knows no broker; its kinds do."""

import logging
import math
import os
import threading
import time
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar
from uuid import UUID

from imagemill.domain.ports import Ear

log = logging.getLogger(__name__)

RING_SECONDS = 0.5
"""How long a ring, or the first connection for it, may take."""

_QUIET_SECONDS = 5.0
_REMEMBERED = 1024
_SETTLED_SECONDS = 5.0  # More than lies between a look at a job and listening for it, even if the broker is away.
_SUBSCRIBE_SECONDS = 0.2
_RECONNECT_SECONDS = 1.0


class ListeningDoorbell(ABC):
    """A Doorbell but for how a ring travels."""

    troubles: ClassVar[tuple[type[Exception], ...]]
    """What a broker that is away raises."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ears: dict[str, list[threading.Event]] = defaultdict(list)
        self._settled_at = math.inf
        self._heard: dict[str, None] = {}  # The tokens that were rung for last, the latest at the end.
        self._quiet_until = 0.0
        self._listener_pid: int | None = None
        self._subscribed = threading.Event()
        self._closed = threading.Event()

    @abstractmethod
    def publish(self, token: str) -> None:
        """Let every process that listens know; raises one of the troubles."""

    @abstractmethod
    def listen_until_trouble(self) -> None:
        """Call `subscribed` once, then `wake` for each ring, until closed; raises one of the troubles."""

    def ring(self, token: UUID) -> None:
        """Wake everyone who listens for this token. Never raises; after trouble it stays quiet for some seconds."""
        if time.monotonic() < self._quiet_until:
            return
        try:
            self.publish(str(token))
        except self.troubles:
            self._quiet_until = time.monotonic() + _QUIET_SECONDS

    @contextmanager
    def listen(self, token: UUID) -> Iterator[Ear]:
        """Listen from now on, until the context ends."""
        rung = threading.Event()
        with self._lock:
            self._ears[str(token)].append(rung)
            # Rings for all are heard here; but none before the first listener of a process, or while the line was down.
            missed = str(token) in self._heard or time.monotonic() < self._settled_at
            self._start_listener()
        # Only a process's first listener finds it unset; if the broker is away, the one who waits just polls.
        self._subscribed.wait(_SUBSCRIBE_SECONDS)
        try:
            yield _Ear(rung, missed)
        finally:
            with self._lock:
                self._ears[str(token)].remove(rung)
                if not self._ears[str(token)]:
                    del self._ears[str(token)]

    def close(self) -> None:
        """Listen no more; the thread ends at its next trouble or turn."""
        self._closed.set()

    @property
    def closed(self) -> bool:
        """Whether to listen no more."""
        return self._closed.is_set()

    def subscribed(self) -> None:
        """From now on no ring is missed."""
        self._settled_at = time.monotonic() + _SETTLED_SECONDS
        self._subscribed.set()

    def wake(self, token: str) -> None:
        """Wake those of this process who listen for the token."""
        with self._lock:
            self._heard.pop(token, None)
            self._heard[token] = None
            if len(self._heard) > _REMEMBERED:
                del self._heard[next(iter(self._heard))]
            for rung in self._ears.get(token, ()):
                rung.set()

    def _start_listener(self) -> None:
        if self._listener_pid == os.getpid():
            return
        try:
            threading.Thread(target=self._listen_until_closed, name="doorbell", daemon=True).start()
        except RuntimeError as error:
            log.warning("The doorbell has no thread to listen with; those who wait look at the record: %s", error)
        else:
            # Not before: the next one who waits is to try again.
            self._listener_pid = os.getpid()

    def _listen_until_closed(self) -> None:
        told = False
        while not self.closed:
            try:
                self.listen_until_trouble()
            except self.troubles as error:
                # Once for each time that it falls silent, not for each try to reach the broker.
                if (self._subscribed.is_set() or not told) and not self.closed:
                    log.warning("The doorbell is silent; those who wait look at the record: %s", error)
                told = True
            except Exception:
                log.exception("The doorbell failed; those who wait look at the record.")
            self._settled_at = math.inf
            self._subscribed.clear()
            self._closed.wait(_RECONNECT_SECONDS)


class _Ear:
    def __init__(self, rung: threading.Event, missed: bool) -> None:
        self._rung = rung
        self.missed = missed

    def wait(self, timeout_seconds: float) -> bool:
        """Sleep until the bell has rung or the time is over; True if it rang."""
        rang = self._rung.wait(timeout_seconds)
        self._rung.clear()
        return rang
