"""Tones and colours: what CSS's filters make of each pixel, alpha left alone."""

from collections.abc import Callable
from math import cos, radians, sin
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import ExifTags, Image

from imagemill.domain.formats import ImageFormat
from imagemill.domain.geometry import Size
from imagemill.engine import vips
from imagemill.engine.pipeline import STEPS
from tests import images
from tests.unit.engine.rendering import context, mode, pixels, render

PHOTO = images.photo_png(60, 40)
FADED = images.photo_png(60, 40, alpha=True)
GREY = images.grey_png(60, 40)
LUMINANCE = np.array([0.213, 0.715, 0.072])
LOOKS = [
    "brightness", "contrast", "gamma", "saturation", "hue", "grayscale", "tint", "pixelate", "blur", "sharpen",
    "watermark", "radius", "circle",
]  # fmt: skip

Levels = npt.NDArray[np.float64]


def hue_matrix(degrees: float) -> Levels:
    """feColorMatrix of type hueRotate, written out as the specification has it."""
    c, s = cos(radians(degrees)), sin(radians(degrees))
    return np.array(
        [
            [0.213 + c * 0.787 - s * 0.213, 0.715 - c * 0.715 - s * 0.715, 0.072 - c * 0.072 + s * 0.928],
            [0.213 - c * 0.213 + s * 0.143, 0.715 + c * 0.285 + s * 0.140, 0.072 - c * 0.072 - s * 0.283],
            [0.213 - c * 0.213 - s * 0.787, 0.715 - c * 0.715 + s * 0.715, 0.072 + c * 0.928 + s * 0.072],
        ]
    )


def saturated(levels: Levels, factor: float) -> Levels:
    """Each colour's distance from the grey of its luminance, multiplied."""
    grey = (levels @ LUMINANCE)[..., None]
    return grey + (levels - grey) * factor


@pytest.mark.parametrize("name", LOOKS)
def test_nothing_to_change_is_left_alone(name: str) -> None:
    """The guards: at its default an option is not even a copy."""
    step = next(step for step in STEPS if step.__name__ == name)
    image = vips.open(PHOTO, ImageFormat.PNG)
    assert step(image, context(Size(60, 40))) is image


@pytest.mark.parametrize(
    ("options", "curve"),
    [
        ({"brightness": 1.4}, lambda levels: levels * 1.4),
        ({"brightness": 0}, lambda levels: levels * 0),
        ({"contrast": 2}, lambda levels: (levels - 0.5) * 2 + 0.5),
        ({"contrast": 0}, lambda levels: levels * 0 + 0.5),
        ({"gamma": 2}, lambda levels: levels**0.5),
        ({"gamma": 0.5}, lambda levels: levels**2),
        ({"saturation": 2.5}, lambda levels: saturated(levels, 2.5)),
        ({"saturation": 0}, lambda levels: saturated(levels, 0)),
        ({"hue": 120}, lambda levels: levels @ hue_matrix(120).T),
        ({"hue": -30}, lambda levels: levels @ hue_matrix(330).T),
    ],
)
@pytest.mark.parametrize("data", [PHOTO, FADED], ids=["opaque", "faded"])
def test_each_pixel_is_what_the_formula_says(
    data: bytes, options: dict[str, Any], curve: Callable[[Levels], Levels]
) -> None:
    """To the nearest level, and alpha is as it was."""
    before, after = pixels(render(data, format="png")), pixels(render(data, format="png", **options))
    wanted = np.clip(curve(before[..., :3] / 255.0), 0, 1) * 255
    assert np.abs(after[..., :3] - wanted).max() <= 0.51
    assert (after[..., 3:] == before[..., 3:]).all()


@pytest.mark.parametrize("option", [{"saturation": 3}, {"hue": 90}, {"grayscale": True}])
def test_grey_has_no_colours_to_change(option: dict[str, Any]) -> None:
    """A picture of one band stays as it is."""
    assert (pixels(render(GREY, format="png", **option)) == pixels(render(GREY, format="png"))).all()


@pytest.mark.parametrize("data", [GREY, images.grey_png(60, 40, alpha=True)])
def test_grey_has_tones(data: bytes) -> None:
    """Brightness and the like work on one band too."""
    before, after = pixels(render(data, format="png")), pixels(render(data, format="png", brightness=0.5))
    assert mode(render(data, format="png", brightness=0.5)) == mode(render(data, format="png"))
    assert np.abs(after[..., 0] - before[..., 0] / 2).max() <= 0.51


def test_grayscale_keeps_luminance() -> None:
    """One band; green is lighter than red, red than blue, and white is white."""
    result = render(images.saved(images.quadrants(40, 40), ImageFormat.PNG), grayscale=True, format="png")
    assert mode(result) == "L"
    levels = pixels(result)[..., 0]
    assert levels[5, 35] > levels[5, 5] > levels[35, 5] > 0
    assert levels[35, 35] == 255


@pytest.mark.parametrize(
    "options", [{"background": "red", "pad": 4}, {"watermark": {"text": "a", "color": "red"}}, {"tint": "red"}]
)
def test_grayscale_makes_room_for_colours_of_ours(options: dict[str, Any]) -> None:
    """What is grey stays grey, and what is red is red."""
    result = render(PHOTO, grayscale=True, format="png", **options)
    levels = pixels(result)
    assert mode(result) == "RGB"
    assert (levels[..., 0] - levels[..., 1]).max() > 50
    if "tint" not in options:
        assert (np.ptp(levels[5:15, 5:15], axis=2) == 0).all()


def test_a_tint_keeps_lightness() -> None:
    """Each pixel has the tint's hue; what is lighter stays lighter; black and white stay nearly so."""
    ramp = Image.linear_gradient("L").resize((64, 64))
    levels = pixels(render(images.saved(ramp, ImageFormat.PNG), tint="#704214", format="png"))
    assert (np.diff(levels[:, 30].sum(axis=1)) >= 0).all()
    assert (levels[10:50, 30, 0] > levels[10:50, 30, 2] + 20).all()


def test_a_faint_tint_leaves_the_old_colours() -> None:
    """Half opaque is half way; clear is no tint."""
    none, half, full = (pixels(render(PHOTO, tint=f"#0000ff{alpha}", format="png")) for alpha in ("00", "80", "ff"))
    assert np.abs(none - pixels(render(PHOTO, format="png"))).max() == 0
    assert np.abs(half - (none * 127.0 + full * 128.0) / 255).max() <= 1


@pytest.mark.parametrize(
    "options",
    [
        {"crop": [3, 3, 40, 30]}, {"rotate": 20}, {"rotate": 90, "flip": True, "flop": True}, {"saturation": 2},
        {"grayscale": True}, {"tint": "red"}, {"pixelate": 4}, {"blur": 20}, {"sharpen": 1}, {"radius": 5},
        {"watermark": {"text": "a"}}, {"watermark": {"text": "a", "tile": True}}, {"pad": 3},
        {"background": "blur", "pad": 3}, {"background": "blur", "circle": True},
        {"gravity": "attention", "height": 30},
    ],
    ids=str,
)  # fmt: skip
def test_who_made_a_picture_is_still_told(options: dict[str, Any]) -> None:
    """Texts about the picture pass through each step."""
    made = render(images.credited(ImageFormat.JPEG, 60, 40), width=30, format="png", metadata="copyright", **options)
    assert images.opened(made.data).getexif()[ExifTags.Base.Copyright] == images.OWNER


@pytest.mark.parametrize(
    ("options", "kept"),
    [
        ({"saturation": 2}, True), ({"watermark": {"text": "a"}}, True), ({"rotate": 20}, True), ({"blur": 9}, True),
        ({"grayscale": True}, False), ({"grayscale": True, "tint": "red"}, False),
    ],
    ids=str,
)  # fmt: skip
def test_a_profile_that_is_kept_fits_the_picture(options: dict[str, Any], kept: bool) -> None:
    """One for colours leaves with them; grey is then the grey of what was seen."""
    data = images.saved(images.quadrants(60, 40), ImageFormat.PNG, icc_profile=images.swapped_profile())
    made = render(data, profile="keep", format="png", **options)
    assert bool(images.opened(made.data).info.get("icc_profile")) is kept
    if options == {"grayscale": True}:
        plain = render(images.saved(images.quadrants(60, 40), ImageFormat.PNG), grayscale=True, format="png")
        assert pixels(made)[5, 5] == pytest.approx(pixels(plain)[5, 55], abs=3)
