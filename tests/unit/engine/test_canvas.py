"""What `fit=contain` leaves free."""

import pytest
from PIL import Image

from imagemill.domain.formats import ImageFormat
from imagemill.domain.geometry import Size
from imagemill.engine import vips
from imagemill.engine.steps.canvas import canvas
from tests import images
from tests.unit.engine.rendering import context, mode, pixels, render

RED_STRIP = images.saved(Image.new("RGB", (80, 40), (255, 0, 0)), ImageFormat.PNG)
BOX = {"width": 40, "height": 40, "fit": "contain"}


def test_a_full_box_needs_no_canvas() -> None:
    """The guard: nothing is added to a picture of the box's shape."""
    image = vips.open(images.photo_png(60, 40), ImageFormat.PNG)
    assert canvas(image, context(Size(60, 40))) is image


@pytest.mark.parametrize("format", ["png", "webp", "avif", "gif"])
def test_the_canvas_is_clear_where_the_format_can(format: str) -> None:
    """Without a background, the free part is transparent and the picture opaque."""
    array = pixels(render(RED_STRIP, format=format, **BOX), "RGBA")
    assert array.shape == (40, 40, 4)
    assert [array[row, 20, 3] for row in (1, 20, 38)] == [0, 255, 0]
    assert tuple(array[20, 20]) == pytest.approx((255, 0, 0, 255), abs=4)


def test_the_canvas_is_white_where_the_format_cannot() -> None:
    """JPEG has no transparency."""
    array = pixels(render(RED_STRIP, format="jpeg", **BOX))
    assert tuple(array[2, 20]) == pytest.approx((255, 255, 255), abs=6)


@pytest.mark.parametrize("format", ["png", "jpeg"])
def test_the_canvas_takes_the_background(format: str) -> None:
    """An opaque background fills the free part and leaves no alpha."""
    rendered = render(RED_STRIP, format=format, background="#00f", **BOX)
    assert mode(rendered) == "RGB"
    assert tuple(pixels(rendered)[2, 20]) == pytest.approx((0, 0, 255), abs=12)


def test_the_canvas_may_be_translucent() -> None:
    """The free part has the background's alpha; the picture stays opaque."""
    array = pixels(render(RED_STRIP, format="png", background="#0000ff80", **BOX))
    assert tuple(array[2, 20]) == (0, 0, 255, 128)
    assert tuple(array[20, 20]) == (255, 0, 0, 255)


def test_picture_and_canvas_lie_on_one_background() -> None:
    """What shows through the picture's clear pixels is what the canvas is made of."""
    data = images.saved(Image.new("RGBA", (80, 40), (255, 0, 0, 0)), ImageFormat.PNG)
    for colour in ("#0000ff", "#0000ff80"):
        array = pixels(render(data, format="png", background=colour, **BOX))
        assert (array == array[0, 0]).all()


@pytest.mark.parametrize(("gravity", "row"), [("top", 0), ("center", 10), ("bottom", 20)])
def test_gravity_says_where_the_picture_lies(gravity: str, row: int) -> None:
    """The strip of 40 × 20 pixels begins at the row that gravity gives."""
    alpha = pixels(render(RED_STRIP, format="png", gravity=gravity, **BOX))[:, 20, 3]
    assert [alpha[row], alpha[row + 19]] == [255, 255]
    assert (alpha == 255).sum() == 20


def test_grey_stays_grey_on_a_clear_canvas() -> None:
    """A grey picture gets an alpha band and no colours."""
    assert mode(render(images.grey_jpeg(80, 40), format="png", **BOX)) == "LA"
