"""The heart: a lease is kept while a job is worked, and no longer than it may take."""

import threading
from uuid import UUID

import pytest

from imagemill.domain.job import JobStatus
from imagemill.domain.ports import Bytes
from imagemill.domain.recipe import Recipe
from imagemill.errors import LeaseLost, MemoryLimitExceeded, RecordUnavailable, TimeLimitExceeded
from imagemill.flow.heartbeat import Heartbeat
from imagemill.flow.render import Attempt, Render
from tests.flow.house import House

TWO = Recipe.parse({"width": 10, "outputs": [{"name": "a"}, {"name": "b", "format": "webp"}]})


@pytest.fixture
def house() -> House:
    return House()


def test_a_worker_stops_as_soon_as_it_knows_that_its_lease_is_gone(house: House) -> None:
    """The heartbeat's news keeps the next output from being stored."""
    job = house.accept(recipe=TWO)
    house.jobs.renew = lambda *_: False  # type: ignore[method-assign]
    attempt = _claim_with_a_quick_heart(house, job.token)
    house.engine.before_each = lambda: attempt.lost.wait(5) or pytest.fail("no heartbeat")

    with pytest.raises(LeaseLost):
        attempt.work()

    assert house.kept == [job.original.key]
    assert attempt.give_up(LeaseLost()) is None


def test_a_heartbeat_survives_a_record_that_is_away(house: House) -> None:
    """One failed renewal is not the end of the job."""
    token = house.accept().token
    beats = threading.Semaphore(0)

    def renew(*_: object) -> bool:
        beats.release()
        raise RecordUnavailable

    house.jobs.renew = renew  # type: ignore[assignment,method-assign]
    house.engine.before_each = lambda: (
        [beats.acquire(timeout=5) for _ in range(2)] == [True, True] or pytest.fail("the heart stopped")
    )

    assert _claim_with_a_quick_heart(house, token).work() is JobStatus.SUCCESS


def test_a_long_job_keeps_its_lease(house: House) -> None:
    """While the engine works, the lease is renewed for its whole length."""
    token = house.accept().token
    renewed = threading.Event()
    renew = house.jobs.renew

    def note(*arguments: object) -> bool:
        answer = renew(*arguments)  # type: ignore[arg-type]
        renewed.set()
        return answer

    house.jobs.renew = note  # type: ignore[assignment,method-assign]
    house.engine.before_each = lambda: renewed.wait(5) or pytest.fail("no heartbeat")

    assert _claim_with_a_quick_heart(house, token).work() is JobStatus.SUCCESS


def test_a_job_that_hangs_is_ended_by_its_heart(house: House) -> None:
    """A codec cannot be interrupted, and would hang at each attempt: the job fails at once, and who waits is told."""
    token = house.accept().token
    attempt = _claim_with_a_quick_heart(house, token, hard_seconds=0.05)

    def hang() -> None:
        assert attempt.lost.wait(5)

    house.engine.before_each = hang
    with pytest.raises(LeaseLost) as stopped:
        attempt.work()

    assert attempt.give_up(stopped.value) is None
    job = house.job(token)
    assert job.status is JobStatus.FAILURE
    assert job.failure is not None
    assert job.failure.code == TimeLimitExceeded.code
    assert house.doorbell.rung == [token]


def test_a_job_whose_store_hangs_is_tried_again(house: House) -> None:
    """What hangs is no codec: its lease runs out, and the next attempt may fare better."""
    token = house.accept().token
    attempt = _claim_with_a_quick_heart(house, token, hard_seconds=0.05)
    put = house.store.put

    def hang(key: str, data: Bytes) -> None:
        for heart in threading.enumerate():
            if heart.name == "heartbeat":
                heart.join(5)
        house.jobs.now += 1
        assert house.sweep.run().released == 1
        put(key, data)

    house.store.put = hang  # type: ignore[method-assign]
    assert attempt.work() is None
    assert house.job(token).status is JobStatus.PENDING


def test_a_job_that_hangs_and_cannot_be_ended_loses_its_lease(house: House) -> None:
    """The heartbeat stops at the job's time limit, so that even a hanging worker cannot keep its job for ever."""

    def away(*_: object) -> bool:
        raise RecordUnavailable

    token = house.accept().token
    renewals: list[float] = []
    renew = house.jobs.renew
    house.jobs.renew = lambda *arguments: bool(renewals.append(1.0)) or renew(*arguments)  # type: ignore[method-assign]
    attempt = _claim_with_a_quick_heart(house, token, hard_seconds=0.05)

    before = set(threading.enumerate())
    with attempt.render.heartbeat.keep(token, attempt.claim.lease, attempt.lost, 0.05, away):
        (heart,) = set(threading.enumerate()) - before
        heart.join(5)
        assert not heart.is_alive()

    assert 1 <= len(renewals) < 10
    house.jobs.now += 1
    assert house.sweep.run().released == 1


def test_one_heart_beats_for_all_jobs_and_stops_after_the_last(house: House) -> None:
    """Jobs that follow each other share a thread; it ends once none is left, and a later job has one again."""
    attempt = house.attempt(house.accept().token)
    heartbeat = Heartbeat(house.jobs, lease_seconds=1.5)
    before = set(threading.enumerate())
    hearts: list[threading.Thread] = []
    for number in range(4):
        with heartbeat.keep(attempt.token, attempt.claim.lease, attempt.lost, 60.0):
            hearts += set(threading.enumerate()) - before
        if number == 1:
            hearts[-1].join(5)
    assert [hearts.index(heart) for heart in hearts] == [0, 0, 2, 2]


def test_a_heart_that_could_not_start_is_tried_again(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread takes memory. Where there is none that job fails, and the next one is not left without signs of life."""
    attempt = house.attempt(house.accept().token)
    heartbeat = Heartbeat(house.jobs, lease_seconds=0.03)
    renewed = threading.Event()
    monkeypatch.setattr(house.jobs, "renew", lambda *_: not renewed.set())
    with monkeypatch.context() as full:
        full.setattr(threading.Thread, "start", _no_room)
        with pytest.raises(MemoryLimitExceeded), heartbeat.keep(attempt.token, attempt.claim.lease, attempt.lost, 60.0):
            pass

    with heartbeat.keep(attempt.token, attempt.claim.lease, attempt.lost, 60.0):
        assert renewed.wait(5)


def _no_room(_: threading.Thread) -> None:
    raise RuntimeError("can't start new thread")


def _claim_with_a_quick_heart(house: House, token: UUID, hard_seconds: float = 60.0) -> Attempt:
    attempt = Render(
        house.engine,
        house.store,
        house.jobs,
        house.doorbell,
        house.faults,
        house.metrics,
        0.03,
        min(45.0, hard_seconds / 2),
        hard_seconds,
        60.0,
    ).claim(token)
    assert attempt is not None
    return attempt
