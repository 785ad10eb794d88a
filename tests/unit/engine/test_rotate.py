"""Turning and mirroring."""

import numpy as np
import pytest
from PIL import Image

from imagemill.domain.formats import ImageFormat
from imagemill.domain.geometry import Size
from imagemill.engine import vips
from imagemill.engine.steps.flip import flip
from imagemill.engine.steps.flop import flop
from imagemill.engine.steps.rotate import rotate
from tests import images
from tests.unit.engine.rendering import BLUE, GREEN, RED, WHITE, context, corners, distance, mode, pixels, render

QUADRANTS = images.saved(images.quadrants(60, 40), ImageFormat.PNG)


@pytest.mark.parametrize("step", [flip, flop, rotate])
def test_nothing_to_turn_is_left_alone(step: object) -> None:
    """The guards."""
    image = vips.open(QUADRANTS, ImageFormat.PNG)
    assert step(image, context(Size(60, 40))) is image


@pytest.mark.parametrize(
    ("options", "seen"),
    [
        ({"flip": True}, [BLUE, WHITE, GREEN, RED]),
        ({"flop": True}, [GREEN, RED, BLUE, WHITE]),
        ({"rotate": 90}, [BLUE, RED, GREEN, WHITE]),
        ({"rotate": 180}, [WHITE, BLUE, RED, GREEN]),
        ({"rotate": -90}, [GREEN, WHITE, BLUE, RED]),
        ({"rotate": 90, "flop": True}, [WHITE, GREEN, RED, BLUE]),
    ],
)
@pytest.mark.parametrize("orientation", [1, 6])
def test_quarters_and_mirrors(options: dict[str, object], seen: list[tuple[int, ...]], orientation: int) -> None:
    """Clockwise, after mirroring, of the picture as a viewer sees it; each pixel is kept."""
    data = images.oriented(ImageFormat.TIFF, 60, 40, orientation)
    turned = render(data, format="png", **options)
    assert turned.size == (Size(40, 60) if "rotate" in options and options["rotate"] != 180 else Size(60, 40))
    assert corners(turned) == seen
    assert set(map(tuple, pixels(turned).reshape(-1, 3))) == {RED, GREEN, BLUE, WHITE}


@pytest.mark.parametrize(
    ("gravity", "seen"), [("top", [BLUE, RED, RED, BLUE]), ("bottom", [WHITE, GREEN, GREEN, WHITE])]
)
def test_gravity_means_the_turned_picture(gravity: str, seen: list[tuple[int, ...]]) -> None:
    """Top is where top is in the end."""
    assert corners(render(QUADRANTS, rotate=90, width=40, height=20, gravity=gravity, format="png")) == seen


@pytest.mark.parametrize("degrees", [1, 30, 45, 123.45, 200, 350])
def test_any_angle_is_as_pillow_turns(degrees: float) -> None:
    """The same place for each pixel, to a fraction of one, and the same corners clear."""
    data = images.photo_png(201, 151)
    turned = render(data, rotate=degrees, format="png")
    reference = images.opened(data).convert("RGBA").rotate(-degrees, Image.Resampling.BICUBIC, expand=True)
    width, height = turned.size.width, turned.size.height
    left, top = (reference.width - width) / 2, (reference.height - height) / 2
    shifted = reference.transform(
        (width, height), Image.Transform.AFFINE, (1, 0, left, 0, 1, top), Image.Resampling.BICUBIC
    )
    left_out, wanted = pixels(turned), np.asarray(shifted).astype(np.int16)
    opaque = (left_out[..., 3] == 255) & (wanted[..., 3] == 255)
    assert opaque.mean() > 0.4
    assert distance(left_out[opaque], wanted[opaque]) < 4
    assert abs(left_out[..., 3].mean() - wanted[..., 3].mean()) < 3


def test_the_edge_of_a_turned_picture_has_its_colour() -> None:
    """Half covered pixels are red, not darker: neither by what lies beside the picture nor under clear ones."""
    result = pixels(render(images.saved(Image.new("RGB", (90, 60), RED), ImageFormat.PNG), rotate=20, format="png"))
    rim = result[(result[..., 3] > 8) & (result[..., 3] < 248)]
    assert len(rim) > 50
    assert rim[:, 0].min() >= 252
    assert rim[:, 1:3].max() == 0


@pytest.mark.parametrize(
    ("format", "background", "corner"),
    [
        ("png", None, (0, 0, 0, 0)),
        ("jpeg", None, (255, 255, 255, 255)),
        ("png", "blue", (0, 0, 255, 255)),
        ("png", "#00ff0080", (0, 255, 0, 128)),
    ],
)
def test_the_corners_are_background(format: str, background: str | None, corner: tuple[int, ...]) -> None:
    """Clear where nothing else is said, if the format can."""
    options = {"background": background} if background else {}
    result = pixels(render(images.photo_png(60, 60), rotate=45, format=format, **options), "RGBA")
    assert tuple(result[1, 1]) == pytest.approx(corner, abs=3)


@pytest.mark.parametrize("data", [images.cmyk_jpeg(60, 40), images.grey_jpeg(60, 40), images.png_16_bit(60, 40)])
def test_any_kind_of_picture_turns(data: bytes) -> None:
    """Inks, grey and 16 bits become what they are on a screen first."""
    upright, turned = render(data, format="png"), render(data, rotate=10, format="png")
    assert mode(turned) == {"RGB": "RGBA", "L": "LA"}[mode(upright)]
    middle = pixels(turned)[turned.size.height // 2, turned.size.width // 2]
    assert middle[:-1] == pytest.approx(pixels(upright)[20, 30], abs=6)


@pytest.mark.parametrize("fit", ["fill", "cover", "contain", "inside", "outside"])
def test_a_turned_picture_meets_its_box(fit: str) -> None:
    """To the pixel, also where it is distorted afterwards."""
    rendered = render(images.photo_png(200, 100), rotate=30, width=60, height=90, fit=fit, format="png")
    assert images.opened(rendered.data).size == (rendered.size.width, rendered.size.height)
    if fit in ("fill", "cover", "contain"):
        assert rendered.size == Size(60, 90)
