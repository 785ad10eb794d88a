"""The sweep: what makes every accepted job end. Resend, release, expire, collect; safe beside other sweeps."""

import logging
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import astuple, dataclass

from imagemill.domain.job import JobStatus
from imagemill.domain.ports import Doorbell, JobQueue, JobStore, Metrics
from imagemill.errors import BrokerUnavailable, Unavailable, WorkerLost
from imagemill.flow.erase import GARBAGE_BATCH, Erase
from imagemill.flow.orphans import Orphans

log = logging.getLogger(__name__)

BATCH = 500
"""Rows that one round of a step takes."""

SWEEP_SECONDS = 10.0
"""After this long no step begins another round, so that the next sweep's resending is not kept waiting."""


@dataclass(frozen=True, slots=True)
class Swept:
    """What one sweep did, in jobs; `given_up`, `orphans` and `collected` in objects."""

    released: int = 0
    lost: int = 0
    resent: int = 0
    forgotten: int = 0
    given_up: int = 0
    orphans: int = 0
    collected: int = 0

    def __bool__(self) -> bool:
        return any(astuple(self))


@dataclass(frozen=True)
class Sweep:
    """Sweeps the record.

    Args:
        max_attempts: claims after which a job whose worker died is failed.
        resend_seconds: how long a job waits to be claimed before it is sent again, at first.
        keep_originals_seconds: how long an original is kept once its jobs have ended; None as long as one of its
            jobs is.
        clock: seconds of a clock that never goes back.
    """

    jobs: JobStore
    queue: JobQueue
    doorbell: Doorbell
    erase: Erase
    orphans: Orphans
    metrics: Metrics
    max_attempts: int
    resend_seconds: int
    keep_originals_seconds: float | None = None
    clock: Callable[[], float] = time.monotonic

    def run(self) -> Swept:
        """Sweep once: each step, whatever became of the others, round after round while there is much to do.

        Raises:
            Exception: the first step's that failed, at the end; the next sweep finds what this one left.
        """
        deadline = self.clock() + SWEEP_SECONDS
        done: Counter[str] = Counter()
        troubles: list[Exception] = []
        # Released jobs are due to be sent; what is forgotten, given up or an orphan is garbage.
        for step, batch in (
            (self._release, BATCH),
            (self._resend, BATCH),
            (self._forget, BATCH),
            (self._give_up_originals, BATCH),
            (self._discard_orphans, BATCH),
            (self._collect, GARBAGE_BATCH),
        ):
            try:
                # Half a batch is worth another round: some of a full one may have failed.
                while 2 * step(done) >= batch and self.clock() < deadline:
                    pass
            except Exception as error:  # noqa: BLE001  # raised below
                # Of a part that is away each step would say the same.
                if not isinstance(error, Unavailable) or type(error) not in map(type, troubles):
                    _tell(step.__name__, error)
                troubles.append(error)
        self.metrics.swept(whole=not troubles)
        if troubles:
            raise troubles[0]
        return Swept(**done)

    def _release(self, done: Counter[str]) -> int:
        released = self.jobs.release_expired(self.max_attempts, BATCH)
        for token in released.returned:
            log.warning("A worker was lost; its job waits again.", extra={"token": str(token)})
            self.metrics.worker_lost(failed=False)
        for token in released.lost:
            log.warning("A worker was lost once too often; its job has failed.", extra={"token": str(token)})
            self.doorbell.ring(token)
            self.metrics.worker_lost(failed=True)
            self.metrics.ended(JobStatus.FAILURE, WorkerLost.code)
        done.update(released=len(released.returned), lost=len(released.lost))
        return len(released.returned) + len(released.lost)

    def _resend(self, done: Counter[str]) -> int:
        # One job goes ahead, to learn whether the broker is there: while it is away nothing else is touched.
        sent = self._send(1)
        if sent:
            sent += self._send(BATCH)
            self.metrics.resent(sent)
        done.update(resent=sent)
        return sent

    def _send(self, limit: int) -> int:
        due = self.jobs.take_due(self.resend_seconds, limit)
        for sent, token in enumerate(due):
            try:
                self.queue.send(token)
            except BrokerUnavailable:
                log.warning("The broker is away; jobs will be sent when it is back.")
                self.jobs.give_back(due[sent:])
                return sent
        return len(due)

    def _forget(self, done: Counter[str]) -> int:
        forgotten = self.jobs.forget_expired(BATCH)
        done.update(forgotten=forgotten)
        return forgotten

    def _give_up_originals(self, done: Counter[str]) -> int:
        if self.keep_originals_seconds is None:
            return 0
        given_up = self.jobs.give_up_originals(self.keep_originals_seconds, BATCH)
        done.update(given_up=given_up)
        return given_up

    def _discard_orphans(self, done: Counter[str]) -> int:
        orphans = self.orphans.discard()
        done.update(orphans=orphans)
        return orphans

    def _collect(self, done: Counter[str]) -> int:
        collected = self.erase.collect()
        done.update(collected=collected)
        return collected


def _tell(step: str, error: Exception) -> None:
    if isinstance(error, Unavailable):
        cause = repr(error.__cause__) if error.__cause__ else None
        log.warning("A step of the sweep failed: %s", error.detail, extra={"step": step.strip("_"), "cause": cause})
    else:
        log.error("A step of the sweep failed.", extra={"step": step.strip("_")}, exc_info=error)
