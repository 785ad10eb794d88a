"""A record of any kind with the test's hand on its clock, and the steps that the record's tests share."""

from collections.abc import Callable
from dataclasses import dataclass

from imagemill.domain.identity import KeyStore
from imagemill.domain.job import Failure, Job, NewJob
from imagemill.domain.ports import Claim, JobStore
from imagemill.errors import CorruptImage, RenderFailed
from tests.fakes.jobs import products

KEEP_SECONDS = 86_400
LEASE_SECONDS = 15.0
MAX_ATTEMPTS = 3
RESEND_SECONDS = 15
MANY = 1000
BROKEN = Failure.of(CorruptImage("The pixels end too early."))
PASSING = Failure.of(RenderFailed("It did not work."))


@dataclass(frozen=True)
class Record:
    """A store and how to advance its clock by seconds."""

    store: JobStore
    advance: Callable[[float], None]

    def accept(self, new: NewJob) -> Job:
        """A new job, accepted."""
        accepted = self.store.accept(new)
        assert accepted is not None
        assert not accepted.reused
        return accepted.job

    def claim(self, job: Job) -> Claim:
        """The job, claimed."""
        claim = self.store.claim(job.token, LEASE_SECONDS)
        assert claim is not None
        return claim

    def finish(self, job: Job) -> Job:
        """The job, claimed and finished."""
        claim = self.claim(job)
        assert self.store.finish(job.token, claim.lease, products(job))
        return self.find(job)

    def fail(self, job: Job, failure: Failure) -> Job:
        """The job, claimed and failed."""
        claim = self.claim(job)
        assert self.store.fail(job.token, claim.lease, failure)
        return self.find(job)

    def find(self, job: Job) -> Job:
        """The job as it stands now."""
        found = self.store.find(job.token, job.owner)
        assert found is not None
        return found

    def garbage(self) -> set[str]:
        """What is due to be deleted; it counts as deleted then."""
        keys = self.store.take_garbage(MANY)
        self.store.drop_garbage(keys)
        return set(keys)


@dataclass(frozen=True)
class KeyRecord:
    """A store of keys and how to advance its clock by seconds."""

    store: KeyStore
    advance: Callable[[float], None]
