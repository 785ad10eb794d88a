"""Rounded corners and circles."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from imagemill.domain.formats import ImageFormat
from tests import images
from tests.unit.engine.rendering import mode, pixels, render

RED = images.saved(Image.new("RGB", (90, 60), "red"), ImageFormat.PNG)


def drawn(width: int, height: int, radius: float | None) -> np.ndarray:
    """The same shape by Pillow, drawn eight times as large and averaged: alpha, 0…255."""
    mask = Image.new("L", (width * 8, height * 8))
    draw = ImageDraw.Draw(mask)
    if radius is None:
        draw.ellipse((0, 0, width * 8 - 1, height * 8 - 1), fill=255)
    else:
        draw.rounded_rectangle((0, 0, width * 8 - 1, height * 8 - 1), radius * 8, fill=255)
    return np.asarray(mask.reduce(8)).astype(np.int16)


@pytest.mark.parametrize(("radius", "round_by"), [(1, 1), (10, 10), (30, 30), (5000, 30)])
def test_corners_are_round_and_smooth(radius: int, round_by: float) -> None:
    """As Pillow draws them, to a tenth of a pixel's cover; more than half of the shorter side is as much as half."""
    alpha = pixels(render(RED, radius=radius, format="png"))[..., 3]
    assert np.abs(alpha - drawn(90, 60, round_by)).max() <= 45
    assert np.abs(alpha - drawn(90, 60, round_by)).mean() < 0.6


@pytest.mark.parametrize("size", [(60, 60), (90, 60), (7, 200)])
def test_a_circle_touches_all_sides(size: tuple[int, int]) -> None:
    """Where the picture is not square, it is an ellipse."""
    data = images.saved(Image.new("RGB", size, "red"), ImageFormat.PNG)
    alpha = pixels(render(data, circle=True, format="png"))[..., 3]
    assert np.abs(alpha - drawn(*size, None)).mean() < 2
    assert alpha[size[1] // 2, size[0] // 2] == 255


@pytest.mark.parametrize("options", [{"radius": 20}, {"circle": True}])
def test_what_is_cut_off_is_background(options: dict[str, object]) -> None:
    """Clear, white where the format has no alpha, or what was asked for; the rim is a mixture of the two."""
    assert pixels(render(RED, format="png", **options))[0, 0, 3] == 0
    assert tuple(pixels(render(RED, format="jpeg", **options))[0, 0]) == pytest.approx((255, 255, 255), abs=8)
    blue = pixels(render(RED, format="png", background="blue", **options))
    assert tuple(blue[0, 0]) == (0, 0, 255)
    assert (blue[..., 0] + blue[..., 2] >= 254).all()


def test_a_radius_is_in_css_pixels() -> None:
    """Twice the pixels, twice the radius."""
    alpha = pixels(render(RED, radius=10, dpr=2, width=45, format="png"))[..., 3]
    assert np.abs(alpha - drawn(90, 60, 20)).mean() < 0.6


@pytest.mark.parametrize("options", [{"radius": 5}, {"circle": True}])
@pytest.mark.parametrize("data", [images.photo_png(60, 40, alpha=True), images.grey_png(60, 40)])
def test_what_was_clear_stays_clear(data: bytes, options: dict[str, object]) -> None:
    """The picture's own alpha and the shape's are multiplied; grey stays grey."""
    before, after = render(data, format="png"), render(data, format="png", **options)
    assert mode(after) == {"RGBA": "RGBA", "L": "LA"}[mode(before)]
    if mode(before) == "RGBA":
        assert (pixels(after)[..., 3] <= pixels(before)[..., 3]).all()


def test_the_pad_lies_outside_of_the_circle() -> None:
    """The picture is round, the output is not."""
    result = pixels(render(RED, circle=True, pad=10, background="blue", format="png"))
    assert result.shape == (80, 110, 3)
    assert tuple(result[40, 12]) == (255, 0, 0)
    assert tuple(result[1, 1]) == (0, 0, 255)
