"""Scaling: the exact size, no dark rims, as good as the best."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from imagemill.domain.formats import ImageFormat
from imagemill.domain.geometry import Size
from imagemill.engine import vips
from imagemill.engine.steps.scale import scale, shrink
from tests import images
from tests.unit.engine.rendering import context, distance, pixels, render


def test_a_picture_of_the_right_size_is_left_alone() -> None:
    """The guard: nothing is computed where nothing is to be done."""
    image = vips.open(images.photo_png(60, 40), ImageFormat.PNG)
    assert scale(image, context(Size(60, 40))) is image


@settings(max_examples=40, deadline=None)
@given(*(st.integers(1, 200) for _ in range(4)), st.booleans())
def test_the_size_is_exact(width: int, height: int, to_width: int, to_height: int, alpha: bool) -> None:
    """Whatever the ratio, also enlarging one side and shrinking the other, each side comes out to the pixel."""
    data = images.png_16_bit(width, height) if not alpha else images.palette_png(width, height)
    rendered = render(data, width=to_width, height=to_height, fit="fill", enlarge=True, format="png")
    assert rendered.size == Size(to_width, to_height)
    assert images.opened(rendered.data).size == (to_width, to_height)


@pytest.mark.parametrize("width", [7, 31, 60, 100, 199, 299])
def test_it_is_as_sharp_as_lanczos(width: int) -> None:
    """What comes out is within two levels of Pillow's Lanczos filter, at every ratio."""
    data = images.photo_png(300, 200)
    rendered = render(data, width=width, format="png")
    reference = images.opened(data).resize((rendered.size.width, rendered.size.height), Image.Resampling.LANCZOS)
    assert distance(pixels(rendered), np.asarray(reference)) < 2


@pytest.mark.parametrize("width", [8, 25, 50, 90])
def test_clear_pixels_do_not_darken_edges(width: int) -> None:
    """Half covered pixels of a red disc are red, however dark the colour is that hides under the clear ones."""
    result = pixels(render(images.disc_png(100), width=width, format="png"))
    rim = result[(result[..., 3] > 16) & (result[..., 3] < 240)]
    assert len(rim)
    assert rim[:, 0].min() >= 250
    assert rim[:, 1:3].max() <= 5


def test_clear_pixels_do_not_darken_edges_of_many_outputs() -> None:
    """The same holds where blocks are averaged first."""
    image = shrink(vips.open(images.disc_png(100), ImageFormat.PNG), 4)
    result = np.ndarray(buffer=vips.in_memory(image).write_to_memory(), dtype=np.uint8, shape=(25, 25, 4))
    rim = result[(result[..., 3] > 16) & (result[..., 3] < 240)]
    assert len(rim)
    assert rim[:, 0].min() >= 250


@pytest.mark.parametrize("width", [640, 320, 150, 113, 100, 91, 71, 65, 64, 50, 13])
@pytest.mark.parametrize("level", [255, 201])
def test_a_plain_picture_stays_level(width: int, level: int) -> None:
    """White stays white at every ratio: weights add up to one."""
    plain = images.saved(Image.new("RGB", (640, 480), (level,) * 3), ImageFormat.PNG)
    assert np.unique(pixels(render(plain, width=width, format="png"))).tolist() == [level]


def test_shrinking_by_one_is_nothing() -> None:
    """The guard of the block average."""
    image = vips.open(images.photo_png(60, 40), ImageFormat.PNG)
    assert shrink(image, 1) is image


@pytest.mark.parametrize("alpha", [False, True])
def test_a_large_reduction_is_even(alpha: bool) -> None:
    """Past four times, blocks are averaged first: a fine checkerboard becomes plain grey, without moiré."""
    checks = np.indices((400, 400)).sum(axis=0) % 2 * 255
    picture = Image.fromarray(checks.astype(np.uint8)).convert("RGBA" if alpha else "RGB")
    result = pixels(render(images.saved(picture, ImageFormat.PNG), width=20, format="png"), "RGB")
    assert result.min() >= 125
    assert result.max() <= 130
