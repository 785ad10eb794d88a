"""Render: one result is published, whoever else is at work."""

from dataclasses import replace

import pytest

from imagemill.domain.formats import ImageFormat
from imagemill.domain.geometry import Size
from imagemill.domain.header import Header
from imagemill.domain.job import JobStatus
from imagemill.domain.ports import FaultPoint, Memory, Stage
from imagemill.domain.recipe import Recipe
from imagemill.errors import (
    CorruptImage,
    ImagemillError,
    LeaseLost,
    OriginalMissing,
    StoreUnavailable,
    TimeLimitExceeded,
)
from tests.fakes.engine import PICTURE
from tests.flow.house import LEASE_SECONDS, OWNER, PATIENCE_SECONDS, House

TWO = Recipe.parse({"width": 10, "outputs": [{"name": "a"}, {"name": "b", "format": "webp"}]})


@pytest.fixture
def house() -> House:
    return House()


def test_a_job_ends_in_success_with_all_its_outputs(house: House) -> None:
    """Each output is stored under its own key, in the recipe's order, and the bell rings."""
    token = house.accept(recipe=TWO).token

    assert house.attempt(token).work() is JobStatus.SUCCESS

    job = house.job(token)
    assert [product.name for product in job.products] == ["a", "b"]
    assert [house.store.get(product.key) for product in job.products] == [b"a of " + PICTURE, b"b of " + PICTURE]
    assert house.doorbell.rung == [token]


def test_a_token_that_needs_no_work_is_not_claimed(house: House) -> None:
    """A message for a job that runs, has ended, or never was is dropped."""
    token = house.accept().token
    attempt = house.attempt(token)
    assert house.render.claim(token) is None
    attempt.work()
    assert house.render.claim(token) is None


def test_a_second_run_writes_the_same_keys(house: House) -> None:
    """A run that died after its outputs leaves nothing that the next run does not overwrite."""
    token = house.accept(recipe=TWO).token
    house.faults.calls[FaultPoint.OUTPUT_PUT] = _die

    with pytest.raises(SystemExit):
        house.attempt(token).work()
    house.jobs.now += LEASE_SECONDS + 1
    house.sweep.run()
    house.attempt(token).work()

    job = house.job(token)
    assert house.kept == sorted([job.original.key, *(product.key for product in job.products)])
    assert job.attempts == 2


def test_a_worker_that_lost_its_lease_publishes_nothing(house: House) -> None:
    """After another worker's claim the first one's finish changes nothing, and neither do its other words."""
    token = house.accept().token
    late = house.attempt(token)
    house.jobs.now += LEASE_SECONDS + 1
    house.sweep.run()
    current = house.attempt(token)

    assert late.work() is None
    assert late.give_up(CorruptImage()) is None
    assert late.give_up(StoreUnavailable()) is None
    assert house.job(token).status is JobStatus.IN_PROGRESS
    assert current.work() is JobStatus.SUCCESS
    assert late.work() is None
    assert house.store.get(house.job(token).products[0].key) is not None


def test_a_bad_image_fails_at_once(house: House) -> None:
    """What is the image's fault is not tried again; the reason is recorded as a problem."""
    token = house.accept().token

    assert house.attempt(token).give_up(CorruptImage("It is cut short.")) is JobStatus.FAILURE

    job = house.job(token)
    assert job.failure is not None
    assert (job.failure.code, job.failure.detail, job.failure.retryable) == ("corrupt-image", "It is cut short.", False)
    assert house.doorbell.rung == [token]


def test_a_store_that_is_away_returns_the_job_for_an_hour(house: House) -> None:
    """Passing trouble is waited out, with growing pauses and without using up attempts; but not for ever."""
    token = house.accept().token
    pauses = []
    house.store.away = True
    while True:
        attempt = house.attempt(token)
        with pytest.raises(StoreUnavailable) as caught:
            attempt.work()
        status = attempt.give_up(caught.value)
        if status is JobStatus.FAILURE:
            break
        assert (status, house.job(token).attempts) == (JobStatus.PENDING, 0)
        assert house.render.claim(token) is None, "it is not due yet"
        before = house.jobs.now
        while house.render.jobs.find(token, OWNER) and not house.sweep.run().resent:
            house.jobs.now += 1
        pauses.append(house.jobs.now - before)

    assert sum(pauses) >= PATIENCE_SECONDS
    assert (min(pauses), max(pauses)) == (2, 60)
    failure = house.job(token).failure
    assert failure is not None
    assert (failure.code, failure.retryable) == ("unavailable", True)


def test_a_job_over_its_time_stops_at_the_next_output(house: House) -> None:
    """A signal can get lost inside a library; the clock between two outputs does not."""
    job = house.accept(recipe=TWO)
    attempt = replace(house.render, soft_seconds=0.0).claim(job.token)
    assert attempt is not None

    with pytest.raises(TimeLimitExceeded) as caught:
        attempt.work()

    assert attempt.give_up(caught.value) is JobStatus.FAILURE
    assert house.kept == [job.original.key]


@pytest.mark.parametrize("soft_seconds", [0.0, 45.0])
def test_a_job_stops_between_two_attempts_at_one_output(house: House, soft_seconds: float) -> None:
    """A search for the right quality ends with the job's time, and with its lease."""
    house.engine.attempts = 1
    attempt = replace(house.render, soft_seconds=soft_seconds).claim(house.accept().token)
    assert attempt is not None
    if soft_seconds:
        attempt.lost.set()

    with pytest.raises(LeaseLost if soft_seconds else TimeLimitExceeded):
        attempt.work()

    assert house.engine.finished == 0


def test_what_was_done_is_recorded(house: House) -> None:
    """Quality, score and frames of each output stand in the record."""
    house.engine.header = Header(ImageFormat.WEBP, Size(10, 10), frames=3, alpha=False)
    recipe = Recipe.parse({"quality": "auto", "outputs": [{"animated": True}, {"format": "png"}]})
    token = house.accept(recipe=recipe).token
    house.attempt(token).work()

    facts = [(product.quality, product.score, product.frames) for product in house.job(token).products]
    assert facts == [(79, 0.5, 3), (None, 0.5, 1)]


def test_an_original_that_is_gone_is_a_clear_failure(house: House) -> None:
    """Bytes that vanished from the store end the job with a reason that says what to do."""
    job = house.accept()
    house.store.delete(job.original.key)

    with pytest.raises(OriginalMissing):
        house.attempt(job.token).work()


def test_outputs_of_a_job_erased_meanwhile_are_deleted(house: House) -> None:
    """A worker that finishes after DELETE leaves no bytes behind."""
    token = house.accept().token
    attempt = house.attempt(token)
    house.engine.before_each = lambda: house.erase.erase(token, OWNER)

    assert attempt.work() is None
    assert house.kept == []


def test_outputs_that_cannot_be_deleted_now_go_when_the_record_is_forgotten(house: House) -> None:
    """Even a store that goes away at the wrong moment keeps nothing of an erased job for ever."""
    token = house.accept().token
    attempt = house.attempt(token)
    house.engine.before_each = lambda: house.erase.erase(token, OWNER)

    def lose_store() -> None:
        house.store.away = True

    house.faults.calls[FaultPoint.OUTPUT_PUT] = lose_store
    attempt.work()
    house.store.away = False
    assert len(house.kept) == 1

    house.jobs.now += 10 * 86_400
    house.sweep.run()

    assert house.kept == []


def _die() -> None:
    raise SystemExit


def test_each_stage_of_a_job_is_measured() -> None:
    """Waiting once, then fetching, and for each output making, encoding and storing it; the end, and what was made."""
    house = House()
    token = house.accept(recipe=Recipe.parse({"outputs": [{"width": 10}, {"width": 5}]})).token
    house.metrics.told.clear()
    house.metrics.stages.clear()
    house.jobs.now += 7
    house.attempt(token).work()
    stages = [stage for stage, _ in house.metrics.stages]
    assert stages == [Stage.WAIT, Stage.FETCH, *[Stage.PROCESS, Stage.ENCODE, Stage.STORE] * 2]
    assert house.metrics.stages[0] == (Stage.WAIT, 7.0)
    assert house.metrics.told == [("holds", Memory(0, 0)), ("ended", JobStatus.SUCCESS, ""), ("made", 2)]


def test_a_second_attempt_has_not_waited() -> None:
    """Its time since acceptance is not the queue's."""
    house = House()
    token = house.accept().token
    house.attempt(token)
    house.jobs.now += LEASE_SECONDS + 1
    house.sweep.run()
    house.metrics.stages.clear()
    house.attempt(token)
    assert house.metrics.stages == []


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (StoreUnavailable(), ("returned", "unavailable")),
        (CorruptImage(), ("ended", JobStatus.FAILURE, "corrupt-image")),
    ],
)
def test_giving_up_is_counted_by_its_reason(error: ImagemillError, told: tuple[object, ...]) -> None:
    """Whether the job waits again or has failed."""
    house = House()
    attempt = house.attempt(house.accept().token)
    attempt.give_up(error)
    assert house.metrics.told[-1] == told


def test_what_another_worker_owns_is_not_counted_here() -> None:
    """One job ends once, whoever else worked at it."""
    house = House()
    attempt = house.attempt(house.accept().token)
    house.jobs.now += LEASE_SECONDS + 1
    house.sweep.run()
    house.metrics.told.clear()
    attempt.give_up(StoreUnavailable())
    attempt.give_up(CorruptImage())
    attempt.work()
    assert house.metrics.told == [("holds", Memory(0, 0))]
