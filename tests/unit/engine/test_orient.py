"""Turning upright: all eight orientations, in every format that carries them."""

import pytest

from imagemill.domain.formats import ImageFormat
from imagemill.domain.geometry import Size
from imagemill.engine import vips
from imagemill.engine.steps.orient import orient
from tests import images
from tests.unit.engine.rendering import BLUE, GREEN, RED, WHITE, context, corners, render


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_comes_out_upright(orientation: int) -> None:
    """However the camera was held, red is at the top left and white at the bottom right."""
    rendered = render(images.oriented_jpeg(120, 80, orientation), width=60, format="png")
    assert rendered.size == Size(60, 40)
    assert corners(rendered) == [RED, GREEN, WHITE, BLUE]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize(("gravity", "kept"), [("top", [RED, GREEN]), ("bottom", [BLUE, WHITE])])
def test_a_crop_sees_the_upright_picture(orientation: int, gravity: str, kept: list[tuple[int, ...]]) -> None:
    """Top is where a viewer sees it, not where the camera stored it."""
    rendered = render(images.oriented_jpeg(120, 80, orientation), width=60, height=10, gravity=gravity, format="png")
    assert rendered.size == Size(60, 10)
    top_left, top_right, bottom_right, bottom_left = corners(rendered)
    assert [top_left, top_right] == [bottom_left, bottom_right] == kept


@pytest.mark.parametrize("format", [ImageFormat.PNG, ImageFormat.WEBP, ImageFormat.TIFF, ImageFormat.AVIF])
def test_other_formats_carry_orientations_too(format: ImageFormat) -> None:
    """EXIF is heeded wherever it may stand."""
    data = images.oriented(format, 120, 80, 6)
    assert render(data, width=60, format="png").size == Size(60, 40)
    assert corners(render(data, width=60, format="png")) == [RED, GREEN, WHITE, BLUE]


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_an_orientation_that_does_not_exist_is_none(orientation: int) -> None:
    """Broken EXIF turns nothing."""
    rendered = render(images.oriented_jpeg(120, 80, orientation), width=60, format="png")
    assert corners(rendered) == [RED, GREEN, WHITE, BLUE]


def test_an_upright_picture_is_left_alone() -> None:
    """The guard: nothing is turned, nothing is copied."""
    image = vips.open(images.photo_jpeg(60, 40), ImageFormat.JPEG)
    assert orient(image, context(Size(60, 40))) is image


def test_the_orientation_is_struck_out() -> None:
    """A picture that was turned is not turned again."""
    image = orient(vips.open(images.oriented_jpeg(60, 40, 6), ImageFormat.JPEG), context(Size(60, 40)))
    assert vips.orientation(image) == 1
    assert orient(image, context(Size(60, 40))) is image
