"""What every record owes, whatever it is made of: memory (the model), SQLite, PostgreSQL. A job's life."""

from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from imagemill.domain.job import Job, JobStatus, resend_delay_seconds
from imagemill.domain.ports import Accepted
from imagemill.errors import MalformedRequest
from tests.contract.record import (
    BROKEN,
    KEEP_SECONDS,
    LEASE_SECONDS,
    MANY,
    MAX_ATTEMPTS,
    PASSING,
    RESEND_SECONDS,
    Record,
)
from tests.fakes.jobs import new_job, products


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


def test_the_sweep_gives_the_first_sending_time(record: Record) -> None:
    """A job is not due before the time that was set for it; a worker may claim it at once."""
    job = record.accept(replace(new_job(), send_after_seconds=15))
    record.advance(14.999)
    assert record.store.take_due(RESEND_SECONDS, MANY) == []
    record.advance(0.001)
    assert record.store.take_due(RESEND_SECONDS, MANY) == [job.token]
    assert record.claim(job).job.attempts == 1


def test_retry_waits(record: Record) -> None:
    """Back to PENDING: neither claimed nor sent before its time, then both; no attempt is counted."""
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
    assert second.job.attempts == 1
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
    assert "Ask for less" in lost.failure.detail, "the client is told what to do"
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


@pytest.mark.parametrize("way", ["retry", "release"])
def test_a_returned_job_backs_off_anew(record: Record, way: str) -> None:
    """The count of sends begins again when a job becomes PENDING again."""
    job = record.accept(new_job())
    for sends in range(4):
        record.store.take_due(RESEND_SECONDS, MANY)
        record.advance(resend_delay_seconds(sends, RESEND_SECONDS))
    claim = record.claim(job)
    if way == "retry":
        record.store.retry(job.token, claim.lease, 0)
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


def test_what_could_not_be_sent_is_due_again(record: Record) -> None:
    """Given back, a job is due at once and its back-off has not grown; one that has moved on stays as it is."""
    waiting, claimed, returned = (record.accept(new_job(image)) for image in ("waiting", "claimed", "returned"))
    tokens = [job.token for job in (waiting, claimed, returned)]
    for _ in range(5):
        assert waiting.token in record.store.take_due(RESEND_SECONDS, MANY)
        record.store.give_back([waiting.token])
    assert record.store.take_due(RESEND_SECONDS, MANY) == [waiting.token]
    claim = record.claim(claimed)
    record.store.retry(returned.token, record.claim(returned).lease, 60.0)
    record.store.give_back([*tokens, uuid4()])
    assert record.find(claimed) == claim.job
    assert record.store.take_due(RESEND_SECONDS, MANY) == [waiting.token]
    record.advance(RESEND_SECONDS)
    assert record.store.take_due(RESEND_SECONDS, MANY) == [waiting.token]


def test_who_is_told_of_a_job_can_fetch_it(record: Record) -> None:
    """In the last hundredth of its keeping the same request prolongs a job instead of pointing at what goes."""
    job = record.finish(record.accept(new_job()))
    last = KEEP_SECONDS / 100
    record.advance(KEEP_SECONDS - last - 1)
    assert record.store.find_reusable(job.token, job.owner) == job
    assert record.store.accept(new_job()) == Accepted(job, reused=True)
    record.advance(last)
    assert record.store.find_reusable(job.token, job.owner) is None
    accepted = record.store.accept(new_job())
    assert accepted is not None
    assert accepted.reused
    record.advance(KEEP_SECONDS - 1)
    assert record.store.forget_expired(MANY) == 0
    prolonged = record.find(job)
    assert prolonged == accepted.job == replace(job, expires_at=prolonged.expires_at)
    assert record.garbage() == set()


def test_what_is_not_reused_is_not_reusable(record: Record) -> None:
    """No job, another owner's, one that failed for a passing reason: the same request makes a new one."""
    job = record.accept(new_job())
    assert record.store.find_reusable(job.token, job.owner) == job
    assert record.store.find_reusable(job.token, "eve") is None
    assert record.store.find_reusable(uuid4(), job.owner) is None
    record.fail(job, PASSING)
    assert record.store.find_reusable(job.token, job.owner) is None


def test_what_is_told_of_a_picture_is_kept(record: Record) -> None:
    """A placeholder and a colour come back as they were written, and where nobody asked there is none."""
    job = record.accept(new_job())
    claim = record.claim(job)
    plain, other = products(job)
    told = replace(other, placeholder="data:image/webp;base64,AA==", dominant_color="#ff8800")
    assert record.store.finish(job.token, claim.lease, [plain, told])
    assert record.find(job).products == (plain, told)
