"""What lies behind clear pixels."""

import numpy as np
import pytest
from PIL import Image

from imagemill.domain.formats import ImageFormat
from imagemill.domain.geometry import Size
from imagemill.engine import vips
from imagemill.engine.steps.background import background
from tests import images
from tests.unit.engine.rendering import context, mode, pixels, render

CLEAR = images.saved(Image.new("RGBA", (40, 40), (10, 20, 30, 0)), ImageFormat.PNG)
HALF_BLACK = images.saved(Image.new("RGBA", (40, 40), (0, 0, 0, 128)), ImageFormat.PNG)


def shown(data: bytes, **options: object) -> tuple[int, ...]:
    """The colour of the middle pixel, with alpha if there is any."""
    return tuple(int(channel) for channel in pixels(render(data, width=20, **options))[10, 10])


def test_an_opaque_picture_is_left_alone() -> None:
    """The guard: without alpha there is nothing to see behind it."""
    image = vips.open(images.photo_png(60, 40), ImageFormat.PNG)
    assert background(image, context(Size(60, 40), alpha=False, background=(255, 0, 0, 255))) is image


def test_alpha_stays_where_nothing_was_asked_for() -> None:
    """The guard: a format with alpha keeps it."""
    image = vips.open(CLEAR, ImageFormat.PNG)
    assert background(image, context(Size(40, 40))) is image


def test_white_shows_through_where_the_format_has_no_alpha() -> None:
    """JPEG without a background: white, not the colour hidden under clear pixels."""
    assert shown(CLEAR, format="jpeg") == pytest.approx((255, 255, 255), abs=1)
    assert shown(HALF_BLACK, format="jpeg") == pytest.approx((127, 127, 127), abs=2)


@pytest.mark.parametrize("format", ["jpeg", "png", "webp"])
def test_the_background_lies_behind_clear_pixels(format: str) -> None:
    """An explicit background shows through in every format, and an opaque one leaves no alpha."""
    rendered = render(CLEAR, width=20, format=format, background="#ff8000")
    assert mode(rendered) == "RGB"
    assert tuple(pixels(rendered)[10, 10]) == pytest.approx((255, 128, 0), abs=3)


def test_a_translucent_background_stays_translucent() -> None:
    """Where the format has alpha, so has the background; half black over half red is three quarters opaque."""
    assert shown(CLEAR, format="png", background="#ff000080") == (255, 0, 0, 128)
    assert shown(HALF_BLACK, format="png", background="#ff000080") == pytest.approx((85, 0, 0, 192), abs=1)


@pytest.mark.parametrize("alpha", [1, 64, 128, 254])
def test_a_colour_behind_itself_stays_level(alpha: int) -> None:
    """White on translucent white is white, to the digit: nothing is rounded down."""
    data = images.saved(Image.new("RGBA", (40, 40), (255, 255, 255, alpha)), ImageFormat.PNG)
    seen = 255 * (1 - (1 - alpha / 255) * (1 - 128 / 255))
    assert shown(data, format="png", background="#ffffff80") == (255, 255, 255, round(seen))


def test_a_translucent_background_lies_on_white_where_the_format_has_no_alpha() -> None:
    """JPEG: half red on white is pink."""
    assert shown(CLEAR, format="jpeg", background="#ff000080") == pytest.approx((255, 127, 127), abs=3)


def test_grey_is_flattened_onto_grey() -> None:
    """A grey picture with alpha stays one band on a grey background."""
    data = images.saved(Image.new("LA", (40, 40), (0, 0)), ImageFormat.PNG)
    assert shown(data, format="png", background="#808080") == (128,)
    assert shown(data, format="jpeg") == pytest.approx((255,), abs=1)
    assert shown(data, format="png", background="#80808080") == (128, 128)


@pytest.mark.parametrize("format", ["png", "jpeg"])
@pytest.mark.parametrize("picture", ["RGB", "RGBA", "LA"])
@pytest.mark.parametrize(
    "options",
    [
        {"width": 90, "height": 90, "fit": "contain"},
        {"pad": 10},
        {"rotate": 30},
        {"circle": True},
        {"circle": True, "pad": 10},
    ],
)
def test_a_blurred_copy_fills_all_that_is_free(picture: str, format: str, options: dict[str, object]) -> None:
    """Nothing is clear any more, and of a plain picture, faded out to the right, all is of its colour."""
    plain = Image.new(picture, (90, 60), (120, 80, 40, 255)[: len(picture)] if "RGB" in picture else (120, 255))
    if picture.endswith("A"):
        plain.putalpha(Image.linear_gradient("L").rotate(90).resize(plain.size))
    result = pixels(render(images.saved(plain, ImageFormat.PNG), background="blur", format=format, **options))
    assert result.shape[2] == len(picture.removesuffix("A"))
    assert np.abs(result - np.array([120, 80, 40][: result.shape[2]])).max() <= 4


def test_a_blurred_copy_continues_the_picture() -> None:
    """Beside the red half it is red, beside the blue one blue, with a soft change between."""
    halves = Image.new("RGB", (60, 40), "red")
    halves.paste((0, 0, 255), (30, 0, 60, 40))
    result = pixels(render(images.saved(halves, ImageFormat.PNG), pad=[20, 0], background="blur", format="png"))
    assert result[5, 5, 0] > 240
    assert result[5, 55, 2] > 240
    assert np.abs(np.diff(result[5], axis=0)).max() < 60
    assert (result[20:60] == np.asarray(halves)).all()


def test_a_blurred_copy_without_anything_free_is_not_made() -> None:
    """The picture is the same as without."""
    data = images.photo_png(60, 40)
    assert (pixels(render(data, background="blur", format="png")) == pixels(render(data, format="png"))).all()


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (500, 2)])
def test_a_blurred_copy_of_a_tiny_picture(size: tuple[int, int]) -> None:
    """However small or flat it is, the canvas is covered to the pixel; a clear picture lies on white."""
    clear = images.saved(Image.new("RGBA", size, (0, 0, 0, 0)), ImageFormat.PNG)
    result = pixels(render(clear, background="blur", pad=7, format="png"))
    assert result.shape == (size[1] + 14, size[0] + 14, 3)
    assert result.min() == 255
