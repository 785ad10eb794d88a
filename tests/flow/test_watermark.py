"""Watermarks by token: looked up when the job is accepted, and again when it is worked."""

from uuid import UUID, uuid4

import pytest

from imagemill.domain.job import JobStatus
from imagemill.domain.recipe import Recipe
from imagemill.errors import InvalidOptions, WatermarkMissing
from tests.fakes.engine import PICTURE
from tests.flow.house import OWNER, House

LOGO = PICTURE + b" of a logo"


@pytest.fixture
def house() -> House:
    return House()


def marked(token: UUID) -> Recipe:
    """A recipe with the first output of a job as watermark."""
    return Recipe.parse({"width": 10, "watermark": {"image": str(token)}})


def finished(house: House, data: bytes = LOGO, owner: str = OWNER) -> UUID:
    """The token of a job that has ended in SUCCESS."""
    token = house.accept(data, owner=owner).token
    house.attempt(token).work()
    return token


def test_the_engine_gets_the_first_output_of_the_job(house: House) -> None:
    """The mark is what the other job has made, and not what was sent."""
    logo = finished(house)
    token = house.accept(recipe=marked(logo)).token

    assert house.attempt(token).work() is JobStatus.SUCCESS

    assert house.engine.marks == {logo: b"image of " + LOGO}


@pytest.mark.parametrize("state", ["unknown", "another's", "pending", "erased"])
def test_a_watermark_that_is_not_there_is_refused(house: House, state: str) -> None:
    """The client learns it at once, with a pointer to the token; nothing is kept."""
    match state:
        case "unknown":
            token = uuid4()
        case "another's":
            token = finished(house, owner="eve")
        case "pending":
            token = house.accept(LOGO).token
        case _:
            token = finished(house)
            house.erase.erase(token, OWNER)
    kept = house.kept

    with pytest.raises(InvalidOptions) as caught:
        house.accept(recipe=marked(token))

    assert [problem.pointer for problem in caught.value.problems] == ["/watermark/image"]
    assert house.kept == kept


def test_a_watermark_that_cannot_be_read_is_refused(house: House) -> None:
    """The steps open a mark with libvips alone."""
    token = house.accept(LOGO, Recipe.parse({"width": 10, "format": "jp2"})).token
    house.attempt(token).work()

    with pytest.raises(InvalidOptions, match="another format than JPEG 2000"):
        house.accept(recipe=marked(token))


@pytest.mark.parametrize("gone", ["job", "bytes"])
def test_a_watermark_that_is_gone_is_a_clear_failure(house: House, gone: str) -> None:
    """It may be made again, under the same token, and so may the job that names it."""
    logo = finished(house)
    token = house.accept(recipe=marked(logo)).token
    if gone == "job":
        house.erase.erase(logo, OWNER)
    else:
        house.store.delete(house.job(logo).products[0].key)
    attempt = house.attempt(token)

    with pytest.raises(WatermarkMissing) as caught:
        attempt.work()
    assert attempt.give_up(caught.value) is JobStatus.FAILURE

    if gone == "job":
        assert finished(house) == logo
    assert house.job(token).replaceable


@pytest.mark.parametrize("again", [False, True])
def test_a_crop_outside_of_the_picture_is_refused(house: House, again: bool) -> None:
    """Whether the image is new or known; a new one is not kept."""
    if again:
        house.accept()
    kept = house.kept

    with pytest.raises(InvalidOptions) as caught:
        house.accept(recipe=Recipe.parse({"crop": [4000, 0, 5, 5]}))

    assert [problem.pointer for problem in caught.value.problems] == ["/crop"]
    assert house.kept == kept
