"""Signs of life: while a job is worked its lease is renewed, so that nobody else takes it. Knows no work.

A thread, because the work sits in libvips for seconds; libvips runs without the interpreter's lock. One for all jobs,
because to start one costs a small job as much as its claim does.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

from imagemill.domain.ports import JobStore
from imagemill.errors import MemoryLimitExceeded

log = logging.getLogger(__name__)


@dataclass(eq=False, slots=True)
class _Life:
    token: UUID
    lease: UUID
    lost: threading.Event
    overdue: Callable[[], object]
    end: float  # when it is overdue, by a clock that never goes back
    due: float  # when to look at it next


class Heartbeat:
    """Keeps leases.

    Args:
        jobs: the record.
        lease_seconds: how long a lease lasts; it is renewed in every third of that.
    """

    def __init__(self, jobs: JobStore, lease_seconds: float) -> None:
        self._jobs = jobs
        self._lease_seconds = lease_seconds
        self._lock = threading.Lock()
        self._lives: set[_Life] = set()
        self._thread: threading.Thread | None = None

    @contextmanager
    def keep(
        self,
        token: UUID,
        lease: UUID,
        lost: threading.Event,
        seconds: float,
        overdue: Callable[[], object] = lambda: None,
    ) -> Iterator[None]:
        """Keep a lease while the context lasts.

        Args:
            token: the job's.
            lease: under which it is worked.
            lost: set once the lease is known to be gone.
            seconds: how long to keep it at most: a job that takes longer is stuck, whatever else still lives.
            overdue: called by the heart's thread, once, when the lease is no longer kept.

        Raises:
            MemoryLimitExceeded: there is no room for the thread.
        """
        now = time.monotonic()
        end = now + seconds
        life = _Life(token, lease, lost, overdue, end, min(end, now + self._lease_seconds / 3))
        try:
            self._begin(life)
            yield
        finally:
            self._let_go(life)

    def _begin(self, life: _Life) -> None:
        with self._lock:
            self._lives.add(life)
            if self._thread is None:
                thread = threading.Thread(target=self._beat, args=(life,), name="heartbeat", daemon=True)
                try:
                    thread.start()
                except RuntimeError as error:
                    raise MemoryLimitExceeded("There was no memory left to begin with.") from error
                # Not before: the next job is to try again.
                self._thread = thread

    def _beat(self, first: _Life) -> None:
        life: _Life | None = first
        while life is not None:
            time.sleep(max(0.0, life.due - time.monotonic()))
            if life in self._lives:
                self._renew(life)
            # One that has begun meanwhile is due later than any that was there already.
            life = self._next()

    def _next(self) -> _Life | None:
        with self._lock:
            if not self._lives:
                self._thread = None
                return None
            return min(self._lives, key=lambda life: life.due)

    def _renew(self, life: _Life) -> None:
        now = time.monotonic()
        if now >= life.end:
            self._let_go(life)
            with _survived("A job that took too long could not be ended; its lease will run out.", life):
                life.overdue()
            return
        life.due = min(life.end, now + self._lease_seconds / 3)
        # Whatever goes wrong, the next beat may fare better.
        with _survived("The lease could not be renewed.", life):
            if not self._jobs.renew(life.token, life.lease, self._lease_seconds):
                life.lost.set()
                self._let_go(life)

    def _let_go(self, life: _Life) -> None:
        with self._lock:
            self._lives.discard(life)


@contextmanager
def _survived(trouble: str, life: _Life) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # noqa: BLE001 - other jobs need the heart
        log.warning(trouble, extra={"token": str(life.token), "cause": type(error).__name__})
