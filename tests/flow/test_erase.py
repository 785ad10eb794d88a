"""Erasing: what only this job needed is gone, what others need stays."""

from uuid import UUID

import pytest

from imagemill.domain.formats import ImageFormat
from imagemill.domain.job import JobStatus
from imagemill.domain.keys import output_key
from imagemill.domain.recipe import Recipe
from imagemill.errors import UnknownToken
from tests.fakes.engine import PICTURE
from tests.flow.house import CALLER, OWNER, House


@pytest.fixture
def house() -> House:
    return House()


def test_a_finished_job_is_gone_with_its_bytes(house: House) -> None:
    """Record, outputs and original are gone when erase returns."""
    token = house.accept().token
    house.attempt(token).work()

    house.erase.erase(token, OWNER)

    assert house.jobs.find(token, OWNER) is None
    assert house.kept == []


def test_an_original_that_another_job_needs_stays(house: House) -> None:
    """Only the last job's erasing takes the original."""
    first, second = house.accept(), house.accept(recipe=Recipe.parse({"width": 20}))

    house.erase.erase(first.token, OWNER)
    assert house.kept == [first.original.key]
    house.attempt(second.token).work()
    house.erase.erase(second.token, OWNER)

    assert house.kept == []


def test_a_waiting_job_is_revoked_and_its_waiters_woken(house: House) -> None:
    """A job that has not ended becomes REVOKED; no worker will claim it."""
    token = house.accept().token

    house.erase.erase(token, OWNER)

    assert house.job(token).status is JobStatus.REVOKED
    assert house.render.claim(token) is None
    assert house.doorbell.rung == [token]
    assert house.kept == []


def test_what_was_erased_can_be_sent_again(house: House) -> None:
    """After erasing, the same request is a new job with bytes of its own."""
    erased = house.accept()
    house.erase.erase(erased.token, OWNER)

    again = house.accept()

    assert (again.token, again.status) == (erased.token, JobStatus.PENDING)
    assert house.attempt(again.token).work() is JobStatus.SUCCESS


def test_what_is_erased_is_not_answered_with_trouble(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A record that goes away after the commit is not the client's: the job is erased, and the bytes go later."""
    token = house.accept().token
    house.attempt(token).work()
    ring = house.doorbell.ring

    def ring_and_leave(token: UUID) -> None:
        ring(token)
        house.jobs.away = True

    monkeypatch.setattr(house.doorbell, "ring", ring_and_leave)
    house.erase.erase(token, OWNER)
    house.jobs.away = False

    assert house.jobs.find(token, OWNER) is None
    assert len(house.kept) == 2
    house.sweep.run()
    assert house.kept == []


def test_erasing_deletes_no_foreign_bytes(house: House) -> None:
    """A request pays for its own objects; what others have erased is the sweep's."""
    foreign = output_key("f" * 32, "image", ImageFormat.PNG)
    house.store.put(foreign, b"data")
    house.jobs.discard(foreign)
    token = house.accept().token
    house.attempt(token).work()

    house.erase.erase(token, OWNER)

    assert house.kept == [foreign]


@pytest.mark.parametrize("owner", ["eve", ""])
def test_nobody_erases_anothers_job(house: House, owner: str) -> None:
    """Another owner's token is unknown, and nothing happens to the job."""
    job = house.accept()

    with pytest.raises(UnknownToken):
        house.erase.erase(job.token, owner)

    assert house.job(job.token) == job
    assert house.store.get(job.original.key) is not None


def test_only_a_job_that_had_not_ended_is_counted_as_revoked() -> None:
    """An ended one has been counted at its end."""
    house = House()
    ended, waiting = house.accept().token, house.accept(PICTURE + b"2").token
    house.attempt(ended).work()
    house.metrics.told.clear()
    house.erase.erase(waiting, OWNER)
    house.erase.erase(waiting, OWNER)
    house.erase.erase(ended, OWNER)
    assert house.metrics.told == [("ended", JobStatus.REVOKED, "")]


def test_every_width_that_was_made_is_erased(house: House) -> None:
    """With `widths` the record does not say beforehand how many there will be; none of them stays."""
    recipe = Recipe.parse({"widths": "auto"})
    token = house.intake.accept(CALLER, PICTURE, recipe).job.token
    assert house.attempt(token).work() is JobStatus.SUCCESS
    assert [product.name for product in house.job(token).products] == ["image-1", "image-2", "image-3"]
    assert len(house.kept) == 4

    house.erase.erase(token, OWNER)

    assert house.kept == []
