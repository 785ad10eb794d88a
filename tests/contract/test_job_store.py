"""What every record owes, whatever it is made of: memory (the model), SQLite, PostgreSQL."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import BigInteger, bindparam

from imagemill.domain.job import Failure, Job, JobStatus, NewJob, resend_delay_seconds
from imagemill.domain.keys import output_keys
from imagemill.domain.ports import Claim, FaultPoint, JobStore
from imagemill.errors import CorruptImage, MalformedRequest, RecordUnavailable, RenderFailed
from imagemill.faults import NoFaults
from imagemill.jobs.store import SqlJobStore
from tests.fakes.faults import CalledFaults
from tests.fakes.jobs import LATE_SECONDS, MemoryJobStore, new_job, products

KEEP_SECONDS = 86_400
LEASE_SECONDS = 15.0
MAX_ATTEMPTS = 3
RESEND_SECONDS = 15
MANY = 1000
BROKEN = Failure.of(CorruptImage("The pixels end too early."))
PASSING = Failure.of(RenderFailed("It did not work."))


@dataclass
class Record:
    """A store, the test's hand on its clock, and the steps that tests share."""

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


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def record(request: pytest.FixtureRequest) -> Iterator[Record]:
    """An empty record of each kind."""
    if request.param == "memory":
        memory = MemoryJobStore(keep_seconds=KEEP_SECONDS)
        yield Record(memory, lambda seconds: setattr(memory, "now", memory.now + seconds))
        return
    now = [1_800_000_000_000]
    clock = bindparam("now", callable_=lambda: now[0], type_=BigInteger)
    url = request.getfixturevalue(f"{request.param}_database")
    store = SqlJobStore(url, keep_seconds=KEEP_SECONDS, faults=NoFaults(), clock=clock)
    yield Record(store, lambda seconds: now.__setitem__(0, now[0] + round(seconds * 1000)))
    store.close()


def test_an_accepted_job_is_found(record: Record) -> None:
    """What was asked for is what is found: every fact of it, and PENDING."""
    new = new_job()
    job = record.accept(new)
    assert job == record.find(job)
    assert (job.token, job.owner, job.status) == (new.token, "ada", JobStatus.PENDING)
    assert (job.recipe, job.original, job.results_id) == (new.recipe, new.original, new.results_id)
    assert (job.attempts, job.products, job.failure) == (0, (), None)
    assert (job.started_at, job.finished_at, job.expires_at) == (None, None, None)
    assert record.store.find_original("ada", new.original.sha256) == new.original


def test_owners_never_meet(record: Record) -> None:
    """The same image and options of two owners are two jobs and two originals; a foreign token is unknown."""
    ada, bob = record.accept(new_job(owner="ada")), record.accept(new_job(owner="bob"))
    assert ada.token != bob.token
    assert record.store.find(ada.token, "bob") is None
    assert record.store.erase(ada.token, "bob") is None
    assert record.store.find_original("bob", ada.original.sha256) == bob.original
    assert record.store.page("bob", None, MANY).jobs == (bob,)
    record.store.erase(bob.token, "bob")
    assert ada.original.key not in record.garbage()
    assert record.find(ada) == ada


def test_the_same_job_is_reused_while_it_stands(record: Record) -> None:
    """Waiting, running, done, or failed for good: the record answers with what it has and takes nothing in."""
    job = record.accept(new_job())

    def reused() -> Job:
        accepted = record.store.accept(new_job())
        assert accepted is not None
        assert accepted.reused
        return accepted.job

    assert reused() == job
    claim = record.claim(job)
    assert reused() == claim.job
    record.store.finish(job.token, claim.lease, products(job))
    assert reused() == record.find(job)
    broken = record.fail(record.accept(new_job("broken")), BROKEN)
    accepted = record.store.accept(new_job("broken"))
    assert accepted is not None
    assert (accepted.job, accepted.reused) == (broken, True)
    assert record.garbage() == set()


def test_an_original_is_kept_once(record: Record) -> None:
    """A second job of the same image shares the first one's original; a second copy of the bytes is not recorded."""
    first = record.accept(new_job(width=1))
    assert record.store.accept(new_job(width=2)) is None
    found = record.store.find_original("ada", first.original.sha256)
    second = record.accept(new_job(width=2, original=found))
    assert second.original == first.original


def test_an_original_that_went_is_not_used(record: Record) -> None:
    """Found, then erased by another request: the job is not accepted, whether the bytes are gone already or not."""
    found = record.accept(new_job(width=1)).original
    record.store.erase(new_job(width=1).token, "ada")
    assert record.store.find_original("ada", found.sha256) is None
    assert record.store.accept(new_job(width=2, original=found)) is None
    record.garbage()
    assert record.store.accept(new_job(width=2, original=found)) is None
    fresh = new_job(width=2)
    assert record.accept(fresh).original == fresh.original


@pytest.mark.parametrize("how", ["failed", "erased", "expired"])
def test_what_no_longer_stands_is_replaced(record: Record, how: str) -> None:
    """Failed for a passing reason, erased, or kept long enough: a new job takes the token, the old outputs go."""
    old = record.accept(new_job())
    original = old.original
    if how == "failed":
        record.fail(old, PASSING)
    elif how == "erased":
        record.store.erase(old.token, "ada")
        assert record.garbage() == {*output_keys(old), original.key}
    else:
        record.finish(old)
        record.advance(KEEP_SECONDS)
        assert record.store.find(old.token, "ada") is None
    new = new_job(original=record.store.find_original("ada", original.sha256))

    job = record.accept(new)

    assert (job.token, job.status, job.attempts, job.failure) == (old.token, JobStatus.PENDING, 0, None)
    assert job.results_id != old.results_id
    assert record.find(job) == job
    assert record.garbage() == {*output_keys(old)}, "the original is needed again"
    assert record.store.find_original("ada", original.sha256) == job.original


def test_a_claim_belongs_to_one(record: Record) -> None:
    """PENDING → IN_PROGRESS once, one attempt more; who comes second gets nothing."""
    job = record.accept(new_job())
    record.advance(1)
    claim = record.claim(job)
    assert claim.job == record.find(job)
    assert (claim.job.status, claim.job.attempts) == (JobStatus.IN_PROGRESS, 1)
    assert claim.job.started_at is not None
    assert (claim.job.started_at - job.created_at).total_seconds() == 1
    assert record.store.claim(job.token, LEASE_SECONDS) is None
    assert record.store.claim(uuid4(), LEASE_SECONDS) is None


def test_finish_publishes(record: Record) -> None:
    """SUCCESS with its products, kept from then on for as long as the setting says."""
    job = record.accept(new_job())
    claim = record.claim(job)
    record.advance(2)
    assert record.store.finish(job.token, claim.lease, products(job))
    done = record.find(job)
    assert done.status is JobStatus.SUCCESS
    assert done.products == tuple(products(job))
    assert done.finished_at is not None
    assert done.expires_at is not None
    assert (done.finished_at - job.created_at).total_seconds() == 2
    assert (done.expires_at - done.finished_at).total_seconds() == KEEP_SECONDS


def test_fail_says_why(record: Record) -> None:
    """FAILURE with its reason, word for word, and no products."""
    failed = record.fail(record.accept(new_job()), BROKEN)
    assert (failed.status, failed.failure, failed.products) == (JobStatus.FAILURE, BROKEN, ())
    assert failed.finished_at is not None
    assert failed.expires_at is not None


def test_retry_waits(record: Record) -> None:
    """Back to PENDING: neither claimed nor sent before its time, then both; the first start stays the start."""
    job = record.accept(new_job())
    record.store.take_due(RESEND_SECONDS, MANY)
    first = record.claim(job)
    assert record.store.retry(job.token, first.lease, 8.0)
    assert record.find(job).status is JobStatus.PENDING
    record.advance(7.999)
    assert record.store.claim(job.token, LEASE_SECONDS) is None
    assert record.store.take_due(RESEND_SECONDS, MANY) == []
    record.advance(0.001)
    assert record.store.take_due(RESEND_SECONDS, MANY) == [job.token]
    second = record.claim(job)
    assert second.job.attempts == 2
    assert second.job.started_at == first.job.started_at
    assert second.lease != first.lease


def change(record: Record, way: str, token: UUID, lease: UUID) -> bool:
    """One of the four changes that a worker may make."""
    store = record.store
    return {
        "renew": lambda: store.renew(token, lease, LEASE_SECONDS),
        "finish": lambda: store.finish(token, lease, []),
        "fail": lambda: store.fail(token, lease, BROKEN),
        "retry": lambda: store.retry(token, lease, 1.0),
    }[way]()


CHANGES = ["renew", "finish", "fail", "retry"]


@pytest.mark.parametrize("way", CHANGES)
def test_a_lost_lease_changes_nothing(record: Record, way: str) -> None:
    """A worker whose lease ran out and whose job waits, or is another's, writes nothing."""
    job = record.accept(new_job())
    late = record.claim(job)
    record.advance(LEASE_SECONDS)
    record.store.release_expired(MAX_ATTEMPTS, MANY)
    assert not change(record, way, job.token, late.lease)
    assert record.find(job).status is JobStatus.PENDING
    claimed = record.claim(job)
    assert not change(record, way, job.token, late.lease)
    assert not change(record, way, job.token, uuid4())
    assert record.find(job) == claimed.job
    assert record.store.finish(job.token, claimed.lease, products(job)), "the owner of the lease still can"


@pytest.mark.parametrize("way", CHANGES)
@pytest.mark.parametrize("end", ["finish", "fail", "erase"])
def test_an_end_is_the_end(record: Record, way: str, end: str) -> None:
    """Nothing leaves SUCCESS, FAILURE or REVOKED, not even with the lease that led there."""
    job = record.accept(new_job())
    claim = record.claim(job)
    if end == "erase":
        record.store.erase(job.token, job.owner)
    else:
        assert change(record, end, job.token, claim.lease)
    ended = record.find(job)
    assert ended.status.terminal
    assert not change(record, way, job.token, claim.lease)
    assert record.store.claim(job.token, LEASE_SECONDS) is None
    record.advance(LEASE_SECONDS)
    assert record.store.take_due(RESEND_SECONDS, MANY) == []
    released = record.store.release_expired(MAX_ATTEMPTS, MANY)
    assert (released.returned, released.lost) == ((), ())
    assert record.find(job) == ended


def test_renewing_keeps_a_job(record: Record) -> None:
    """A lease runs from its last renewal on."""
    job = record.accept(new_job())
    claim = record.claim(job)
    for _ in range(5):
        record.advance(LEASE_SECONDS - 1)
        assert record.store.renew(job.token, claim.lease, LEASE_SECONDS)
        assert record.store.release_expired(MAX_ATTEMPTS, MANY).returned == ()
    record.advance(LEASE_SECONDS)
    assert record.store.release_expired(MAX_ATTEMPTS, MANY).returned == (job.token,)


def test_a_job_that_kills_its_workers_fails(record: Record) -> None:
    """After so many leases that ran out a job fails as `worker-lost`; before, it waits and is due at once."""
    job = record.accept(new_job())
    for _ in range(MAX_ATTEMPTS - 1):
        record.claim(job)
        record.advance(LEASE_SECONDS)
        released = record.store.release_expired(MAX_ATTEMPTS, MANY)
        assert (released.returned, released.lost) == ((job.token,), ())
        assert record.store.take_due(RESEND_SECONDS, MANY) == [job.token]
    record.claim(job)
    record.advance(LEASE_SECONDS)
    released = record.store.release_expired(MAX_ATTEMPTS, MANY)
    assert (released.returned, released.lost) == ((), (job.token,))
    lost = record.find(job)
    assert (lost.status, lost.attempts) == (JobStatus.FAILURE, MAX_ATTEMPTS)
    assert lost.failure is not None
    assert (lost.failure.code, lost.failure.retryable) == ("worker-lost", True)
    assert lost.expires_at is not None


def test_sending_again_backs_off(record: Record) -> None:
    """Due as soon as it is accepted, then after 15, 30, 60 s …; what is claimed is not sent."""
    job = record.accept(new_job())
    for sends in range(8):
        assert record.store.take_due(RESEND_SECONDS, MANY) == [job.token]
        delay = resend_delay_seconds(sends, RESEND_SECONDS)
        record.advance(delay - 0.001)
        assert record.store.take_due(RESEND_SECONDS, MANY) == []
        record.advance(0.001)
    record.claim(job)
    assert record.store.take_due(RESEND_SECONDS, MANY) == []


def test_a_job_that_was_sent_can_be_claimed(record: Record) -> None:
    """Being pushed back on the list of what to send does not make a job wait."""
    job = record.accept(new_job())
    record.store.take_due(RESEND_SECONDS, MANY)
    assert record.store.claim(job.token, LEASE_SECONDS) is not None


def test_a_returned_job_backs_off_anew(record: Record) -> None:
    """The count of sends begins again when a job becomes PENDING again."""
    job = record.accept(new_job())
    for sends in range(4):
        record.store.take_due(RESEND_SECONDS, MANY)
        record.advance(resend_delay_seconds(sends, RESEND_SECONDS))
    record.claim(job)
    record.advance(LEASE_SECONDS)
    record.store.release_expired(MAX_ATTEMPTS, MANY)
    assert record.store.take_due(RESEND_SECONDS, MANY) == [job.token]
    record.advance(RESEND_SECONDS)
    assert record.store.take_due(RESEND_SECONDS, MANY) == [job.token]


def test_sweeps_take_bounded_batches(record: Record) -> None:
    """Each step takes as many as it is told, the longest due first, and the next one takes the rest."""
    accepted = []
    for number in range(5):
        accepted.append(record.accept(new_job(f"image {number}")))
        record.advance(1)
    tokens = [job.token for job in accepted]
    assert [record.store.take_due(RESEND_SECONDS, 2) for _ in range(3)] == [tokens[:2], tokens[2:4], tokens[4:]]
    for job in accepted:
        record.claim(job)
        record.advance(1)
    record.advance(LEASE_SECONDS)
    released = [record.store.release_expired(MAX_ATTEMPTS, 2).returned for _ in range(3)]
    assert released == [tuple(tokens[:2]), tuple(tokens[2:4]), tuple(tokens[4:])]
    for job in accepted:
        record.finish(job)
    record.advance(KEEP_SECONDS)
    assert [record.store.forget_expired(2) for _ in range(4)] == [2, 2, 1, 0]
    assert [len(record.store.take_garbage(limit)) for limit in (1, 4, MANY)] == [1, 4, 15]


@pytest.mark.parametrize("running", [False, True])
def test_erasing_what_has_not_ended_revokes_it(record: Record, running: bool) -> None:
    """The job shows as REVOKED for an hour; its original goes at once, its outputs too, whoever wrote them when."""
    job = record.accept(new_job())
    if running:
        job = record.claim(job).job
    assert record.store.erase(job.token, job.owner) == job
    revoked = record.find(job)
    assert revoked.status is JobStatus.REVOKED
    assert revoked.original == job.original
    assert record.store.erase(job.token, job.owner) == revoked, "erasing again changes nothing"
    assert record.garbage() == {*output_keys(job), job.original.key}
    assert record.garbage() == set()
    record.advance(LATE_SECONDS - 1)
    assert record.find(job) == revoked
    record.advance(1)
    assert record.store.find(job.token, job.owner) is None
    assert record.garbage() >= {*output_keys(job)}, "a late worker may have written them in between"
    assert record.store.forget_expired(MANY) == 1


@pytest.mark.parametrize("failure", [None, BROKEN])
def test_erasing_what_has_ended_forgets_it(record: Record, failure: Failure | None) -> None:
    """The row goes, with its outputs and its original; and again an hour later, for a late worker's sake."""
    job = record.accept(new_job())
    ended = record.fail(job, failure) if failure else record.finish(job)
    assert record.store.erase(job.token, job.owner) == ended
    assert record.store.find(job.token, job.owner) is None
    assert record.store.erase(job.token, job.owner) is None
    assert record.store.find_original(job.owner, job.original.sha256) is None
    assert record.garbage() == {*output_keys(job), job.original.key}
    record.advance(LATE_SECONDS)
    assert record.garbage() >= {*output_keys(job)}


def test_an_original_stays_while_a_job_needs_it(record: Record) -> None:
    """Erased and forgotten jobs let go of it; the last one that does takes it along, once."""
    first = record.accept(new_job(width=1))
    second = record.accept(new_job(width=2, original=first.original))
    third = record.accept(new_job(width=3, original=first.original))
    record.finish(first)
    record.finish(second)
    record.store.erase(first.token, "ada")
    record.store.erase(third.token, "ada")
    assert record.garbage() == {*output_keys(first), *output_keys(third)}
    assert record.store.find_original("ada", first.original.sha256) == first.original
    record.advance(KEEP_SECONDS)
    record.store.forget_expired(MANY)
    assert first.original.key in record.garbage()
    assert record.store.find_original("ada", first.original.sha256) is None


def test_a_revoked_job_keeps_no_bytes(record: Record) -> None:
    """The image may come again while the revoked job still shows, and again be erased, each time under a new key."""
    revoked = record.accept(new_job(width=1))
    record.store.erase(revoked.token, "ada")
    again = record.accept(new_job(width=2))
    assert again.original.key != revoked.original.key
    assert record.find(revoked).original == revoked.original
    record.garbage()
    record.advance(LATE_SECONDS)
    assert record.store.forget_expired(MANY) == 1
    assert again.original.key not in record.garbage()
    assert record.store.find_original("ada", again.original.sha256) == again.original


def test_ended_jobs_are_forgotten(record: Record) -> None:
    """Past its keeping a job is hidden at once, and removed by the sweep with all that was its own."""
    done, waiting = record.finish(record.accept(new_job("done"))), record.accept(new_job("waiting"))
    record.advance(KEEP_SECONDS - 0.001)
    assert record.store.forget_expired(MANY) == 0
    record.advance(0.001)
    assert record.store.find(done.token, done.owner) is None
    assert record.store.erase(done.token, done.owner) is None
    assert record.store.page(done.owner, None, MANY).jobs == (waiting,)
    assert record.garbage() == set()
    assert record.store.forget_expired(MANY) == 1
    assert record.garbage() == {*output_keys(done), done.original.key}
    assert record.find(waiting) == waiting, "what has not ended is kept for ever"


def test_garbage_stays_until_it_is_dropped(record: Record) -> None:
    """A sweep that dies between deleting and dropping leaves the keys to the next; only named keys go."""
    job = record.finish(record.accept(new_job()))
    record.store.erase(job.token, job.owner)
    keys = record.store.take_garbage(MANY)
    assert record.store.take_garbage(MANY) == keys
    record.store.drop_garbage(keys[:1])
    assert set(record.store.take_garbage(MANY)) == set(keys[1:])
    record.store.drop_garbage([])
    record.store.drop_garbage(["images/00/unknown"])
    assert set(record.store.take_garbage(MANY)) == set(keys[1:])


def test_pages_show_each_job_once(record: Record) -> None:
    """Newest first, in pages of any size, also where many were accepted in one millisecond and some come later."""
    accepted = []
    for number in range(9):
        accepted.append(record.accept(new_job(f"image {number}")))
        record.advance(0.001 if number % 3 == 2 else 0)
    for limit in (1, 2, 4, 9, 10):
        shown: list[Job] = []
        cursor = None
        while True:
            page = record.store.page("ada", cursor, limit)
            assert len(page.jobs) <= limit
            shown += page.jobs
            cursor = page.cursor
            if cursor is None:
                break
        assert sorted(job.token for job in shown) == sorted(job.token for job in accepted)
        assert [job.created_at for job in shown] == sorted((job.created_at for job in accepted), reverse=True)
    first = record.store.page("ada", None, 4)
    record.accept(new_job("later"))
    second = record.store.page("ada", first.cursor, 9)
    assert {job.token for job in first.jobs}.isdisjoint(job.token for job in second.jobs)
    assert len(second.jobs) == 5


@pytest.mark.parametrize(
    "cursor", ["", "rubbish", "-", "é", "١-" + "0" * 32, "f" * 13 + "-" + "0" * 32, "1-" + "0" * 32 + "\n"]
)
def test_a_cursor_that_is_none_is_refused(record: Record, cursor: str) -> None:
    """Whatever a client sends as a cursor, the answer is about the request, not about the database."""
    with pytest.raises(MalformedRequest):
        record.store.page("ada", cursor, 10)


def test_a_long_failure_is_kept_whole(record: Record) -> None:
    """Texts that come from elsewhere go in and out unchanged."""
    failure = replace(BROKEN, detail="“\\ %s :x '; DROP TABLE jobs; -- 🖼 " * 500)
    assert record.fail(record.accept(new_job()), failure).failure == failure


def test_check_passes(record: Record) -> None:
    """A record that answers and is up to date is fit for use."""
    record.store.check()


def test_a_fault_before_the_commit_leaves_nothing(database: str) -> None:
    """A process that dies between insert and commit has accepted nothing."""
    faults = CalledFaults()

    def die() -> None:
        raise KeyboardInterrupt

    faults.calls[FaultPoint.ROW_INSERTED] = die
    store = SqlJobStore(database, keep_seconds=KEEP_SECONDS, faults=faults)
    new = new_job()
    with pytest.raises(KeyboardInterrupt):
        store.accept(new)
    assert store.find(new.token, "ada") is None
    assert store.find_original("ada", new.original.sha256) is None
    assert store.accept(new) is not None
    store.close()


def test_the_clock_is_the_databases(database: str) -> None:
    """Without a clock of its own the store goes by the database's: the present, to a fraction of a second."""
    store = SqlJobStore(database, keep_seconds=KEEP_SECONDS, faults=NoFaults())
    before = datetime.now(UTC) - timedelta(milliseconds=1)
    accepted = store.accept(new_job())
    assert accepted is not None
    assert before <= accepted.job.created_at <= datetime.now(UTC) + timedelta(milliseconds=1)
    store.close()


@pytest.mark.parametrize("url", ["sqlite:////nowhere/at/all.db", "postgresql://127.0.0.1:1/nothing"])
def test_a_database_that_is_away_is_unavailable(url: str) -> None:
    """Whatever the driver says, callers hear RecordUnavailable."""
    store = SqlJobStore(url, keep_seconds=KEEP_SECONDS, faults=NoFaults())
    for call in (
        store.check,
        lambda: store.find(uuid4(), "ada"),
        lambda: store.accept(new_job()),
        lambda: store.claim(uuid4(), LEASE_SECONDS),
        lambda: store.take_due(RESEND_SECONDS, MANY),
    ):
        with pytest.raises(RecordUnavailable):
            call()
    store.close()
