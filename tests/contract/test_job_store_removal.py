"""What every record owes when jobs are erased, replaced and forgotten: what goes, what stays, what is garbage."""

import pytest

from imagemill.domain.job import Failure, JobStatus
from imagemill.domain.keys import output_keys
from tests.contract.record import BROKEN, KEEP_SECONDS, MANY, PASSING, Record
from tests.fakes.jobs import LATE_SECONDS, new_job


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


def test_garbage_can_wait(record: Record) -> None:
    """What cannot be deleted is put off, so that others come first, and is due again later."""
    job = record.finish(record.accept(new_job()))
    record.store.erase(job.token, job.owner)
    stuck, *others = record.store.take_garbage(MANY)
    record.store.postpone_garbage([stuck], 300)
    assert record.store.take_garbage(MANY) == others
    record.store.drop_garbage([stuck, *others])
    assert record.store.take_garbage(MANY) == []
    record.advance(300)
    assert record.store.take_garbage(MANY) == [stuck]


def test_garbage_can_be_asked_for(record: Record) -> None:
    """Among other keys, only those that are due are garbage."""
    erased, standing = (record.finish(record.accept(new_job(image))) for image in ("erased", "standing"))
    record.store.erase(erased.token, erased.owner)
    keys = [*output_keys(erased), *output_keys(standing)]
    assert set(record.store.take_garbage(MANY, among=keys)) == {*output_keys(erased)}
    assert record.store.take_garbage(MANY, among=[]) == []
    record.store.drop_garbage(keys)
    assert record.store.take_garbage(MANY) == [erased.original.key]


def test_originals_that_no_record_names_are_garbage(record: Record) -> None:
    """An original whose row never came is discarded, once, and no job is accepted with it; named ones stay."""
    named = record.accept(new_job("named")).original
    revoked = record.accept(new_job("revoked"))
    record.store.erase(revoked.token, revoked.owner)
    record.garbage()
    late = new_job("orphan")
    keys = [named.key, revoked.original.key, late.original.key]
    assert record.store.discard_unnamed(keys) == 1
    assert record.store.discard_unnamed(keys) == 0
    assert record.store.discard_unnamed([]) == 0
    assert record.garbage() == {late.original.key}
    assert record.store.accept(late) is None


def test_an_original_goes_before_its_jobs(record: Record) -> None:
    """Unused for long enough and its jobs ended: its key is garbage, its jobs stay, and it is not found any more."""
    done = record.finish(record.accept(new_job(width=1)))
    broken = record.fail(record.accept(new_job(width=2, original=done.original)), BROKEN)
    record.advance(99)
    assert record.store.give_up_originals(100, MANY) == 0
    record.advance(1)
    assert record.store.give_up_originals(100, MANY) == 1
    assert record.store.give_up_originals(100, MANY) == 0
    assert record.garbage() == {done.original.key}
    assert (record.find(done), record.find(broken)) == (done, broken)
    assert record.store.find_original("ada", done.original.sha256) is None
    assert record.store.discard_unnamed([done.original.key]) == 0


def test_an_original_stays_until_its_jobs_have_ended(record: Record) -> None:
    """However old it is: a job that waits, or that a worker has, needs it."""
    waiting, running = record.accept(new_job("one")), record.claim(record.accept(new_job("two"))).job
    record.advance(1000)
    assert record.store.give_up_originals(100, MANY) == 0
    record.store.erase(waiting.token, "ada")
    record.store.release_expired(1, MANY)
    assert record.store.give_up_originals(100, MANY) == 1
    assert {waiting.original.key, running.original.key} <= record.garbage()


def test_an_original_that_is_used_again_is_kept_longer(record: Record) -> None:
    """The time counts from the last job that was accepted with it."""
    first = record.finish(record.accept(new_job(width=1)))
    record.advance(60)
    record.finish(record.accept(new_job(width=2, original=first.original)))
    record.advance(60)
    assert record.store.give_up_originals(100, MANY) == 0
    record.advance(40)
    assert record.store.give_up_originals(100, MANY) == 1


def test_an_image_whose_original_went_is_new(record: Record) -> None:
    """Its old job answers as before; another one has an original of its own, and none is accepted with the old one."""
    old = record.finish(record.accept(new_job(width=1)))
    record.advance(100)
    record.store.give_up_originals(100, MANY)
    assert record.store.accept(new_job(width=2, original=old.original)) is None
    again = record.store.accept(new_job(width=1))
    assert again is not None
    assert (again.reused, again.job) == (True, old)
    new = record.accept(new_job(width=2))
    assert new.original.key != old.original.key
    record.store.erase(old.token, "ada")
    record.store.erase(new.token, "ada")
    assert {old.original.key, new.original.key, *output_keys(old), *output_keys(new)} == record.garbage()


def test_originals_are_given_up_in_batches(record: Record) -> None:
    """The oldest first."""
    jobs = []
    for image in ("one", "two", "three"):
        jobs.append(record.finish(record.accept(new_job(image))))
        record.advance(1)
    assert record.store.give_up_originals(0, 2) == 2
    assert record.garbage() == {job.original.key for job in jobs[:2]}
