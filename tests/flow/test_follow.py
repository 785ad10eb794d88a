"""Following a job: no sooner than it ends, no later than asked."""

import pytest

from imagemill.domain.job import JobStatus
from imagemill.errors import UnknownToken
from tests.fakes.doorbell import MemoryDoorbell
from tests.flow.house import OWNER, House


@pytest.fixture
def house() -> House:
    house = House()
    house.doorbell = MemoryDoorbell(while_waiting=lambda seconds: setattr(house.jobs, "now", house.jobs.now + seconds))
    return house


def test_an_unknown_or_foreign_token_is_unknown(house: House) -> None:
    """Another owner's job is told apart in nothing from one that never was."""
    token = house.accept().token
    with pytest.raises(UnknownToken):
        house.follow.job(token, "eve")


def test_an_ended_job_is_not_waited_for(house: House) -> None:
    """The answer for a job that has ended takes no time."""
    job = house.accept()
    house.attempt(job.token).work()
    before = house.jobs.now

    assert house.follow.await_end(job, 30).status is JobStatus.SUCCESS
    assert house.jobs.now == before


def test_a_wait_looks_once_where_the_bell_rings(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between a job as it was seen last and its ring, the record is not asked."""
    job = house.accept()
    attempt = house.attempt(job.token)
    house.doorbell = MemoryDoorbell(lambda _: attempt.work() and None)
    looks = []
    find = house.jobs.find
    monkeypatch.setattr(house.jobs, "find", lambda token, owner: looks.append(token) or find(token, owner))

    assert house.follow.await_end(job, 30).status is JobStatus.SUCCESS
    assert looks == [job.token]


def test_a_wait_ends_with_the_job(house: House) -> None:
    """The first look after the end returns the ended job, and nobody listens any more."""
    job = house.accept()
    attempt = house.attempt(job.token)
    waits: list[float] = []

    def pass_time(seconds: float) -> None:
        waits.append(seconds)
        house.jobs.now += seconds
        if len(waits) == 3:
            attempt.work()

    house.doorbell = attempt_doorbell = MemoryDoorbell(pass_time)

    assert house.follow.await_end(job, 30).status is JobStatus.SUCCESS
    assert len(waits) == 3
    assert attempt_doorbell.listening == []


def test_a_wait_is_no_longer_than_asked(house: House) -> None:
    """A job that does not end is returned as it is when the time is over, to the split second."""
    job = house.accept()
    before = house.jobs.now

    assert house.follow.await_end(job, 7.3).status is JobStatus.PENDING
    assert house.jobs.now - before == pytest.approx(7.3)


def test_a_silent_bell_delays_by_two_seconds_at_most(house: House) -> None:
    """The record is looked at often enough without any ring."""
    job = house.accept()
    waits: list[float] = []
    house.doorbell = MemoryDoorbell(
        lambda seconds: (waits.append(seconds), house.jobs.__setattr__("now", house.jobs.now + seconds))[0]
    )

    house.follow.await_end(job, 30)

    assert max(waits) <= 2.0


def test_a_job_erased_while_waiting_is_unknown_or_revoked(house: House) -> None:
    """A wait for a job that is erased ends with it."""
    job = house.accept()
    house.doorbell = MemoryDoorbell(lambda _: house.erase.erase(job.token, OWNER))

    assert house.follow.await_end(job, 30).status is JobStatus.REVOKED


def test_jobs_are_listed_newest_first(house: House) -> None:
    """A page holds the owner's jobs only, newest first, and leads to the next."""
    tokens = []
    for number in range(3):
        house.jobs.now += 1
        tokens.append(house.accept(data=b"\xff\xd8\xff" + bytes([number])).token)
    house.accept(owner="bob")

    first = house.follow.page(OWNER, None, 2)
    second = house.follow.page(OWNER, first.cursor, 2)

    assert [job.token for job in (*first.jobs, *second.jobs)] == tokens[::-1]
    assert second.cursor is None
