"""The sweep: what makes every accepted job end. Resend, release, expire, collect; safe beside other sweeps."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from imagemill.domain.ports import Doorbell, JobQueue, JobStore
from imagemill.errors import BrokerUnavailable
from imagemill.flow.erase import Erase

log = logging.getLogger(__name__)

BATCH = 500
"""Rows that one step of a sweep takes; what is left is the next sweep's, two seconds later."""


@dataclass(frozen=True, slots=True)
class Swept:
    """What one sweep did, in jobs; `collected` in objects."""

    released: int
    lost: int
    resent: int
    forgotten: int
    collected: int

    def __bool__(self) -> bool:
        return any((self.released, self.lost, self.resent, self.forgotten, self.collected))


@dataclass(frozen=True)
class Sweep:
    """Sweeps the record.

    Args:
        max_attempts: claims after which a job whose worker died is failed.
        resend_seconds: how long a job waits to be claimed before it is sent again, at first.
    """

    jobs: JobStore
    queue: JobQueue
    doorbell: Doorbell
    erase: Erase
    max_attempts: int
    resend_seconds: int

    def run(self) -> Swept:
        """Sweep once. Raises RecordUnavailable; the next sweep finds what this one left."""
        released = self.jobs.release_expired(self.max_attempts, BATCH)
        for token in released.lost:
            self.doorbell.ring(token)
        # After the release, so that what it returned is sent in the same sweep.
        due = self.jobs.take_due(self.resend_seconds, BATCH)
        return Swept(
            released=len(released.returned),
            lost=len(released.lost),
            resent=self._send(due),
            forgotten=self.jobs.forget_expired(BATCH),
            # Last, because forgetting makes garbage.
            collected=self.erase.collect(),
        )

    def _send(self, tokens: Sequence[UUID]) -> int:
        for sent, token in enumerate(tokens):
            try:
                self.queue.send(token)
            except BrokerUnavailable:
                log.warning("The broker is away; jobs will be sent when it is back.", extra={"waiting": len(tokens)})
                return sent
        return len(tokens)
