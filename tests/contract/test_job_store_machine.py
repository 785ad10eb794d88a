"""Any order of requests, workers, crashes, sweeps and time: SQLite and the model agree, and the promises hold.

A worker that crashes is one whose claim no later rule picks up; a late one is picked up after its lease ran out. What
would lie in the object store is followed too: nothing that a record needs may go, nothing may stay in the end.
"""

import itertools
import shutil
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import BigInteger, bindparam

from imagemill.domain.job import Failure, Job, JobStatus, Original
from imagemill.domain.ports import Claim
from imagemill.errors import CorruptImage, RenderFailed
from imagemill.faults import NoFaults
from imagemill.jobs.store import SqlJobStore
from tests.fakes.jobs import LATE_SECONDS, MemoryJobStore, new_job, products

OWNER = "ada"
KEEP_SECONDS = 2 * LATE_SECONDS
LEASE_SECONDS = 15
MAX_ATTEMPTS = 3
RESEND_SECONDS = 15
MANY = 1000

IMAGES = st.sampled_from(["one", "two"])
WIDTHS = st.sampled_from([100, 200])
FAILURES = st.sampled_from([Failure.of(CorruptImage("Broken.")), Failure.of(RenderFailed("Not today."))])
PAUSES = st.sampled_from([1, RESEND_SECONDS, LEASE_SECONDS, 600, LATE_SECONDS, KEEP_SECONDS])


class Worker(NamedTuple):
    """A worker at a job: its right in the store and in the model, and since when."""

    claim: Claim
    twin: Claim
    since: float


class RecordMachine(RuleBasedStateMachine):
    """Does the same to the store and to the model."""

    found = Bundle("found")
    workers = Bundle("workers")
    numbers = itertools.count()

    def __init__(self, template: Path) -> None:
        super().__init__()
        self.file = template.with_name(f"{next(self.numbers)}.db")
        shutil.copy(template, self.file)
        self.model = MemoryJobStore(keep_seconds=KEEP_SECONDS)
        clock = bindparam("now", callable_=lambda: round(self.model.now * 1000), type_=BigInteger)
        self.store = SqlJobStore(f"sqlite:///{self.file}", keep_seconds=KEEP_SECONDS, faults=NoFaults(), clock=clock)
        self.objects: set[str] = set()
        self.seen: dict[str, Job] = {}  # by results_id, which names a record where tokens come again
        self.given_up: set[str] = set()
        self.published: set[str] = set()
        self.erased: set[str] = set()
        self.accepted: set[str] = set()

    @rule(target=found, image=IMAGES)
    def look(self, image: str) -> object:
        """A request finds an original, and may use it much later."""
        sha256 = new_job(image).original.sha256
        original = self.store.find_original(OWNER, sha256)
        assert original == self.model.find_original(OWNER, sha256)
        return multiple(original) if original else multiple()

    @rule(image=IMAGES, width=WIDTHS)
    def submit(self, image: str, width: int) -> None:
        """A request brings an image, again or for the first time."""
        original = self.store.find_original(OWNER, new_job(image).original.sha256)
        self._accept(image, width, original)

    @rule(original=consumes(found), width=WIDTHS)
    def submit_late(self, original: Original, width: int) -> None:
        """A request goes on with an original that it found before."""
        image = next(image for image in ("one", "two") if new_job(image).original.sha256 == original.sha256)
        self._accept(image, width, original)

    def _accept(self, image: str, width: int, original: Original | None) -> None:
        new = new_job(image, width=width, original=original)
        if original is None:
            self.objects.add(new.original.key)
        accepted = self.store.accept(new)
        assert accepted == self.model.accept(new)
        if accepted and not accepted.reused:
            assert new.original.key in self.objects, "a job was accepted without its bytes"
            self.accepted.add(new.results_id)
        elif original is None:
            self.objects.discard(new.original.key)

    @rule(target=workers, image=IMAGES, width=WIDTHS)
    def claim(self, image: str, width: int) -> object:
        """A message reaches a worker, perhaps for a second time."""
        token = new_job(image, width=width).token
        claim, twin = self.store.claim(token, LEASE_SECONDS), self.model.claim(token, LEASE_SECONDS)
        assert (claim and claim.job) == (twin and twin.job)
        return multiple(Worker(claim, twin, self.model.now)) if claim and twin else multiple()

    @rule(worker=workers)
    def renew(self, worker: Worker) -> None:
        """A worker's heartbeat."""
        token = worker.claim.job.token
        kept = self.store.renew(token, worker.claim.lease, LEASE_SECONDS)
        assert kept == self.model.renew(token, worker.twin.lease, LEASE_SECONDS)

    @rule(worker=workers)
    def finish(self, worker: Worker) -> None:
        """A worker, perhaps a late one, stores its outputs and finishes."""
        job = worker.claim.job
        if self.model.now - worker.since < LATE_SECONDS:
            self.objects |= {product.key for product in products(job)}
        finished = self.store.finish(job.token, worker.claim.lease, products(job))
        assert finished == self.model.finish(job.token, worker.twin.lease, products(job))
        assert not finished or job.results_id not in self.published, "published twice"
        if finished:
            self.published.add(job.results_id)
            self.objects |= {product.key for product in products(job)}

    @rule(worker=workers, failure=FAILURES)
    def fail(self, worker: Worker, failure: Failure) -> None:
        """A worker gives up for good."""
        token = worker.claim.job.token
        failed = self.store.fail(token, worker.claim.lease, failure)
        assert failed == self.model.fail(token, worker.twin.lease, failure)

    @rule(worker=workers)
    def retry(self, worker: Worker) -> None:
        """A worker gives up for now."""
        token = worker.claim.job.token
        returned = self.store.retry(token, worker.claim.lease, 4.0)
        assert returned == self.model.retry(token, worker.twin.lease, 4.0)

    @rule()
    def send_in_vain(self) -> None:
        """A sweep finds the broker away."""
        tokens = self.store.take_due(RESEND_SECONDS, MANY)
        assert set(tokens) == set(self.model.take_due(RESEND_SECONDS, MANY))
        for store in (self.store, self.model):
            store.give_back(tokens)

    @rule()
    def collect_in_vain(self) -> None:
        """A sweep finds the object store away."""
        keys = self.store.take_garbage(MANY)
        for store in (self.store, self.model):
            store.postpone_garbage(keys, 300.0)

    @rule(image=IMAGES, width=WIDTHS)
    def erase(self, image: str, width: int) -> None:
        """The owner erases a job."""
        job = self.store.erase(new_job(image, width=width).token, OWNER)
        assert job == self.model.erase(new_job(image, width=width).token, OWNER)
        if job:
            self.erased.add(job.results_id)

    @rule()
    def release(self) -> None:
        """A sweep ends leases."""
        ours, theirs = (store.release_expired(MAX_ATTEMPTS, MANY) for store in (self.store, self.model))
        assert set(ours.returned) == set(theirs.returned)
        assert set(ours.lost) == set(theirs.lost)

    @rule()
    def resend(self) -> None:
        """A sweep looks for what to send."""
        assert set(self.store.take_due(RESEND_SECONDS, MANY)) == set(self.model.take_due(RESEND_SECONDS, MANY))

    @rule()
    def forget(self) -> None:
        """A sweep removes what has been kept long enough."""
        assert self.store.forget_expired(MANY) == self.model.forget_expired(MANY)

    @rule(seconds=PAUSES)
    def give_up(self, seconds: int) -> None:
        """A sweep lets go of originals that were not used for a while."""
        before = self.model.original_keys()
        assert self.store.give_up_originals(seconds, MANY) == self.model.give_up_originals(seconds, MANY)
        self.given_up |= before - self.model.original_keys()

    @rule()
    def collect(self) -> None:
        """A sweep deletes objects."""
        keys = self.store.take_garbage(MANY)
        assert set(keys) == set(self.model.take_garbage(MANY))
        self.objects -= set(keys)
        for store in (self.store, self.model):
            store.drop_garbage(keys)

    @rule(seconds=PAUSES)
    def pause(self, seconds: int) -> None:
        """Time goes by."""
        self.model.now += seconds

    @invariant()
    def both_agree(self) -> None:
        """The store shows what the model shows."""
        jobs = self._jobs()
        assert all(self.store.find(job.token, OWNER) == job for job in jobs)
        assert sorted(job.token for job in jobs) == sorted(job.token for job in self.model.page(OWNER, None, MANY).jobs)

    @invariant()
    def nothing_accepted_is_lost(self) -> None:
        """A record goes by being erased, replaced where the rules allow, or kept long enough; in no other way."""
        shown = {job.results_id for job in self._jobs()}
        for results_id in self.accepted - shown - self.erased:
            last = self.seen[results_id]
            expired = last.expires_at is not None and last.expires_at.timestamp() <= self.model.now
            assert expired or last.replaceable

    @invariant()
    def an_end_is_the_end(self) -> None:
        """What was seen in a terminal status stays word for word; it may only be kept for longer."""
        for job in self._jobs():
            before = self.seen.get(job.results_id)
            if before and before.status.terminal and before.expires_at and job.expires_at:
                assert before.expires_at <= job.expires_at
                assert replace(before, expires_at=job.expires_at) == job
            self.seen[job.results_id] = job

    @invariant()
    def no_job_lacks_bytes(self) -> None:
        """The original of a job that may still run, and the outputs of one that is done, are in the object store.

        The original of one that has ended too, unless it was erased or its original was given up.
        """
        for job in self._jobs():
            spared = self.given_up if job.status.terminal else set()
            assert job.status is JobStatus.REVOKED or job.original.key in self.objects | spared
            assert self.objects.issuperset(product.key for product in job.products)

    def _jobs(self) -> tuple[Job, ...]:
        return self.store.page(OWNER, None, MANY).jobs

    def teardown(self) -> None:
        """Every job ends by the sweep alone, and once all is erased nothing is left in the object store."""
        self.all_end()
        for job in self._jobs():
            self.store.erase(job.token, OWNER)
        for seconds in (KEEP_SECONDS, LATE_SECONDS):
            self.model.now += seconds
            self.store.forget_expired(MANY)
            self.objects -= set(self.store.take_garbage(MANY))
        assert not self.objects
        self.store.close()
        self.file.unlink()

    def all_end(self) -> None:
        """Workers that all die: each job is sent again and again until it has failed, and no job is forgotten."""
        for _ in range(MAX_ATTEMPTS + 1):
            self.model.now += 600
            self.store.release_expired(MAX_ATTEMPTS, MANY)
            for token in self.store.take_due(RESEND_SECONDS, MANY):
                assert self.store.claim(token, LEASE_SECONDS)
        assert all(job.status.terminal for job in self._jobs())


def test_any_order_of_events(sqlite_database: str) -> None:
    """The store keeps the record's promises whatever happens, in whatever order."""
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        lambda: RecordMachine(Path(sqlite_database.removeprefix("sqlite:///"))),
        settings=settings(
            max_examples=60,
            stateful_step_count=40,
            derandomize=True,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
