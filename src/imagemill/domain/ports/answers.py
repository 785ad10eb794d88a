"""What the record answers."""

from dataclasses import dataclass
from uuid import UUID

from imagemill.domain.job import Job

LAST_OF_KEEPING = 0.01
"""The part of a job's keeping, its end, in which the same request prolongs it: who is told of a job now must be able
to fetch it for more than a moment."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """What the record answers to a new job.

    Args:
        job: the job that stands in the record now.
        reused: True if it stood there before, so that there is nothing to send.
    """

    job: Job
    reused: bool


@dataclass(frozen=True, slots=True)
class Claim:
    """A worker's right to write a job's record.

    Args:
        job: as claimed; `attempts` counts this one.
        lease: the right's name; a later claim has another.
        age_seconds: how long ago the job was accepted.
    """

    job: Job
    lease: UUID
    age_seconds: float


@dataclass(frozen=True, slots=True)
class Page:
    """Some of an owner's jobs, newest first.

    Args:
        jobs: at most as many as asked for.
        cursor: where the next page begins; None at the end.
    """

    jobs: tuple[Job, ...]
    cursor: str | None


@dataclass(frozen=True, slots=True)
class Backlog:
    """Work that waits.

    Args:
        pending: jobs that are PENDING.
        oldest_seconds: how long ago the oldest of them was accepted; 0 if there is none.
        in_progress: jobs that a worker holds.
    """

    pending: int
    oldest_seconds: float
    in_progress: int = 0


@dataclass(frozen=True, slots=True)
class Released:
    """What became of leases that had run out.

    Args:
        returned: jobs that wait again.
        lost: jobs that ended in FAILURE.
    """

    returned: tuple[UUID, ...]
    lost: tuple[UUID, ...]
