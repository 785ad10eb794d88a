"""Quotas: refused before anything is stored, charged to whoever asks, and free for those who have none."""

from dataclasses import replace

import pytest

from imagemill.domain.formats import ImageFormat
from imagemill.domain.geometry import Size
from imagemill.domain.header import Header
from imagemill.domain.ports import FaultPoint
from imagemill.domain.recipe import Recipe
from imagemill.errors import QuotaExceeded, TooManyPixels
from tests.fakes.engine import PICTURE
from tests.flow.house import CALLER, RECIPE, House, caller

LIMITED = caller(megapixels_per_day=2)
MEGAPIXEL = Header(ImageFormat.JPEG, Size(1000, 1000), frames=1, alpha=False)


@pytest.fixture
def house() -> House:
    """A service whose every image has a megapixel."""
    house = House()
    house.limits = replace(house.limits, pixels=100_000_000)
    house.engine.header = MEGAPIXEL
    return house


def picture(number: int) -> bytes:
    """One of many images."""
    return PICTURE + str(number).encode()


def test_work_is_accepted_until_the_quota_is_used_up(house: House) -> None:
    """The first two megapixels of a day are accepted, the third is refused before its image is stored."""
    kept = [house.intake.accept(LIMITED, picture(number), RECIPE).job.original.key for number in range(2)]
    with pytest.raises(QuotaExceeded):
        house.intake.accept(LIMITED, picture(2), RECIPE)
    assert house.kept == sorted(kept)
    assert house.faults.reached.count(FaultPoint.ORIGINAL_PUT) == 2


def test_what_is_done_already_costs_nothing(house: House) -> None:
    """A repeated request is answered although nothing is left; the same image with other options is decoded again."""
    for number in range(2):
        house.intake.accept(LIMITED, picture(number), RECIPE)
    assert house.intake.accept(LIMITED, picture(0), RECIPE).reused
    with pytest.raises(QuotaExceeded):
        house.intake.accept(LIMITED, picture(0), Recipe.parse({"width": 20}))


def test_a_rival_may_take_the_last_of_a_quota(house: House) -> None:
    """A request that is refused by the record after its image was stored leaves nothing of it."""

    def rival() -> None:
        house.faults.calls.clear()
        for number in range(2):
            house.intake.accept(LIMITED, picture(number), RECIPE)

    house.faults.calls[FaultPoint.ORIGINAL_PUT] = rival
    with pytest.raises(QuotaExceeded):
        house.intake.accept(LIMITED, picture(2), RECIPE)
    assert len(house.kept) == 2


def test_an_image_of_more_than_a_whole_day_is_refused_for_good(house: House) -> None:
    """To come back tomorrow would not help, so the refusal does not say so."""
    house.engine.header = replace(MEGAPIXEL, frames=3)
    with pytest.raises(TooManyPixels, match="2 megapixels a day"):
        house.intake.accept(LIMITED, PICTURE, RECIPE)
    assert house.kept == []


def test_who_has_no_quota_is_not_counted(house: House) -> None:
    """Nothing is written down for a caller without a quota, and nothing can be asked."""
    for number in range(5):
        house.intake.accept(CALLER, picture(number), RECIPE)
    assert house.jobs.usage(CALLER.name).pixels == 0
    assert house.quota.usage(CALLER) is None


def test_usage_tells_what_was_accepted(house: House) -> None:
    """It is that of the caller's name, not of the owner: several keys may have one owner."""
    house.intake.accept(LIMITED, PICTURE, RECIPE)
    usage = house.quota.usage(LIMITED)
    assert usage is not None
    assert usage.pixels == 1_000_000
    other = house.quota.usage(replace(LIMITED, name="another key"))
    assert other is not None
    assert other.pixels == 0
