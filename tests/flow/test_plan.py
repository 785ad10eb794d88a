"""The dry run: every check of the intake, none of its effects."""

from dataclasses import replace

import pytest

from imagemill.domain.formats import ImageFormat
from imagemill.domain.geometry import Size
from imagemill.domain.header import Header
from imagemill.domain.recipe import Recipe
from imagemill.errors import EmptyImage, ImageTooLarge, InvalidOptions, TooManyPixels
from tests.fakes.engine import PICTURE
from tests.flow.house import CALLER, RECIPE, House, caller


def test_source_and_outputs_are_told() -> None:
    """The header as probed, and one prospect for each output; nothing is kept, sent or recorded."""
    house = House()
    header, prospects = house.plan.plan(CALLER, PICTURE, RECIPE)
    assert header == house.engine.header
    assert [prospect.output for prospect in prospects] == list(RECIPE.outputs)
    assert (house.kept, house.queue.sent, house.engine.rendered) == ([], [], 0)


@pytest.mark.parametrize(
    ("options", "pointers"),
    [
        ({"enlarge": True, "name": "ada"}, ["/enlarge"]),
        ({"outputs": [{"enlarge": True}]}, ["/outputs/0/enlarge"]),
        ({"outputs": [{}, {"enlarge": True}]}, ["/outputs/1/enlarge"]),
    ],
    ids=["one", "list of one", "second"],
)
def test_a_warning_points_into_the_request(options: dict[str, object], pointers: list[str]) -> None:
    """As a refusal does: to the output in the list where the client wrote one."""
    _, prospects = House().plan.plan(CALLER, PICTURE, Recipe.parse(options))
    assert [warning.pointer for prospect in prospects for warning in prospect.warnings] == pointers


@pytest.mark.parametrize(
    ("data", "error"), [(b"", EmptyImage), (PICTURE + bytes(1000), ImageTooLarge)], ids=["empty", "large"]
)
def test_the_bytes_are_bounded(data: bytes, error: type[Exception]) -> None:
    """Before any of them is looked at."""
    house = House()
    with pytest.raises(error):
        house.plan.plan(CALLER, data, RECIPE)
    assert house.engine.probed == 0


def test_pixels_and_boxes_are_bounded() -> None:
    """The header against the limits, the boxes against what an output may have."""
    house = House()
    with pytest.raises(InvalidOptions):
        house.plan.plan(CALLER, PICTURE, Recipe.parse({"width": 1000, "height": 1000}))
    house.engine.header = Header(ImageFormat.PNG, Size(1000, 1000), frames=1, alpha=False)
    with pytest.raises(TooManyPixels):
        house.plan.plan(CALLER, PICTURE, RECIPE)


def test_frames_count_towards_a_box() -> None:
    """A box that one frame may have can be too much for all of them."""
    house = House()
    house.engine.header = Header(ImageFormat.GIF, Size(10, 10), frames=90, alpha=True)
    with pytest.raises(InvalidOptions):
        house.plan.plan(CALLER, PICTURE, Recipe.parse({"width": 20, "height": 20, "animated": True}))


def test_a_crop_has_to_lie_in_the_picture() -> None:
    """As it is for a job: 422 and no plan of it."""
    with pytest.raises(InvalidOptions) as caught:
        House().plan.plan(CALLER, PICTURE, Recipe.parse({"crop": [500, 0, 5, 5]}))
    assert [problem.pointer for problem in caught.value.problems] == ["/crop"]


def test_a_watermark_has_to_be_there() -> None:
    """It is looked up like for a job, in the jobs of who asks; a plan with one that is there goes on."""
    house = House()
    token = house.accept(owner=CALLER.owner).token
    recipe = Recipe.parse({"watermark": {"image": str(token)}})
    with pytest.raises(InvalidOptions) as caught:
        house.plan.plan(CALLER, PICTURE, recipe)
    assert [problem.pointer for problem in caught.value.problems] == ["/watermark/image"]
    house.attempt(token).work()
    assert house.plan.plan(CALLER, PICTURE, recipe)


def test_a_quota_is_not_used_but_may_forbid() -> None:
    """Planning is free however often; what is more than a whole day's quota could never be accepted."""
    house = House()
    house.limits = replace(house.limits, pixels=100_000_000)
    house.engine.header = Header(ImageFormat.PNG, Size(1000, 1000), frames=1, alpha=False)
    for _ in range(3):
        house.plan.plan(caller(megapixels_per_day=1), PICTURE, RECIPE)
    assert house.jobs.usage("ada").pixels == 0
    house.engine.header = Header(ImageFormat.PNG, Size(1000, 1001), frames=1, alpha=False)
    with pytest.raises(TooManyPixels):
        house.plan.plan(caller(megapixels_per_day=1), PICTURE, RECIPE)
