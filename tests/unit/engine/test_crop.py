"""Cutting: after scaling, and before it where scaling all of the source would be absurd."""

import pytest

from imagemill.domain.formats import ImageFormat
from imagemill.domain.geometry import Size
from imagemill.engine import vips
from imagemill.engine.steps.crop import crop
from imagemill.engine.steps.gravity import gravity
from tests import images
from tests.unit.engine.rendering import BLUE, GREEN, RED, WHITE, context, corners, distance, pixels, render


def test_nothing_to_cut_is_left_alone() -> None:
    """The guards: without a box the picture passes through both steps."""
    image = vips.open(images.photo_png(60, 40), ImageFormat.PNG)
    for step in (crop, gravity):
        assert step(image, context(Size(60, 40))) is image


@pytest.mark.parametrize(
    ("size", "gravity", "kept"),
    [
        ((100, 20), "left", [RED, RED, BLUE, BLUE]),
        ((100, 20), "right", [GREEN, GREEN, WHITE, WHITE]),
        ((100, 20), "center", [RED, GREEN, WHITE, BLUE]),
        ((20, 100), "top", [RED, GREEN, GREEN, RED]),
        ((20, 100), "bottom-left", [BLUE, WHITE, WHITE, BLUE]),
    ],
)
def test_cover_keeps_what_gravity_says(size: tuple[int, int], gravity: str, kept: list[tuple[int, int, int]]) -> None:
    """What hangs over the box is cut from the sides that gravity does not name."""
    data = images.saved(images.quadrants(*size), ImageFormat.PNG)
    rendered = render(data, width=10, height=10, gravity=gravity, format="png")
    assert rendered.size == Size(10, 10)
    assert corners(rendered) == kept


def test_an_absurd_enlargement_is_cut_first() -> None:
    """A strip of 1 × 2000 pixels to 500 × 400: scaled whole it would have 500 million pixels."""
    data = images.photo_png(1, 2000)
    rendered = render(data, width=500, height=400, enlarge=True, format="png")
    assert rendered.size == Size(500, 400)


@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_the_first_cut_sees_the_upright_picture(orientation: int) -> None:
    """A cut before scaling is measured as a viewer sees the picture, however it is stored."""
    options = {"width": 3000, "height": 30, "enlarge": True, "gravity": "bottom", "format": "png"}
    upright = render(images.oriented_jpeg(40, 80, 1), **options)
    turned = render(images.oriented_jpeg(40, 80, orientation), **options)
    assert turned.size == upright.size == Size(3000, 30)
    assert corners(upright) == corners(turned) == [BLUE, WHITE, WHITE, BLUE]
    assert distance(pixels(upright), pixels(turned)) < 3
