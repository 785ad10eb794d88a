"""Follow a job: what it is now, and what it is when it has ended."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from imagemill.domain.job import Job
from imagemill.domain.ports import Doorbell, JobStore, Page
from imagemill.errors import UnknownToken

_FIRST_LOOK_SECONDS = 0.5
_LONGEST_LOOK_SECONDS = 2.0


@dataclass(frozen=True)
class Follow:
    """Answers questions about jobs.

    Args:
        clock: seconds of a clock that never goes back.
    """

    jobs: JobStore
    doorbell: Doorbell
    clock: Callable[[], float] = time.monotonic

    def job(self, token: UUID, owner: str) -> Job:
        """The owner's job. Raises UnknownToken."""
        job = self.jobs.find(token, owner)
        if job is None:
            raise UnknownToken("No job of yours has this token; it may have expired.")
        return job

    def await_end(self, job: Job, seconds: float) -> Job:
        """Wait until a job has ended, but not longer.

        The doorbell wakes at once. It can fail to ring, so the record is looked at too, ever less often.

        Args:
            job: as it was seen last.
            seconds: the longest wait.

        Returns:
            The job as it is then, ended or not.

        Raises:
            UnknownToken: it was erased meanwhile.
        """
        deadline = self.clock() + seconds
        look = _FIRST_LOOK_SECONDS
        with self.doorbell.listen(job.token) as ear:
            if ear.missed:
                job = self.job(job.token, job.owner)
            while not job.status.terminal and (left := deadline - self.clock()) > 0:
                ear.wait(min(look, left))
                look = min(look * 1.5, _LONGEST_LOOK_SECONDS)
                job = self.job(job.token, job.owner)
        return job

    def page(self, owner: str, cursor: str | None, limit: int) -> Page:
        """The owner's jobs, newest first. Raises MalformedRequest for a cursor that is not one."""
        return self.jobs.page(owner, cursor, limit)
