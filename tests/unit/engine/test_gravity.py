"""What a cut keeps where it looks at the picture, or at a point of it."""

import numpy as np
import pytest
from PIL import Image

from imagemill.domain.formats import ImageFormat
from imagemill.domain.geometry import Size
from tests import images
from tests.differential import sources
from tests.unit.engine.rendering import mode, pixels, render


def with_detail(left: int) -> Image.Image:
    """A plain grey strip with a square of red and white checks that begins at `left`."""
    picture = Image.new("RGB", (400, 100), (128, 128, 128))
    checks = np.indices((100, 100)).sum(axis=0) // 8 % 2
    square = np.where(checks[..., None] == 1, (230, 30, 30), (255, 255, 255)).astype(np.uint8)
    picture.paste(Image.fromarray(square), (left, 0))
    return picture


@pytest.mark.parametrize("left", [0, 150, 300])
@pytest.mark.parametrize("gravity", ["attention", "entropy"])
def test_a_cut_finds_what_is_of_interest(gravity: str, left: int) -> None:
    """Wherever it is."""
    data = images.saved(with_detail(left), ImageFormat.PNG)
    result = render(data, width=100, height=100, gravity=gravity, format="png")
    assert result.size == Size(100, 100)
    assert (np.abs(pixels(result) - 128).max(axis=2) > 60).mean() > 0.8


@pytest.mark.parametrize("gravity", ["attention", "entropy"])
@pytest.mark.parametrize(
    "data",
    [
        images.cmyk_jpeg(80, 40), images.grey_png(80, 40, alpha=True), images.png_16_bit(80, 40),
        images.photo_png(80, 40, alpha=True), images.oriented_jpeg(80, 40, 6),
    ],
    ids=["cmyk", "grey", "16 bits", "alpha", "turned"],
)  # fmt: skip
def test_any_kind_of_picture_can_be_looked_at(data: bytes, gravity: str) -> None:
    """And comes out as it does without."""
    result = render(data, width=20, height=20, gravity=gravity, format="png")
    assert result.size == Size(20, 20)
    assert mode(result) == mode(render(data, width=20, height=20, format="png"))


@pytest.mark.parametrize("gravity", ["attention", "entropy"])
def test_a_canvas_holds_it_in_the_middle(gravity: str) -> None:
    """There is nothing to choose where all of the picture shows."""
    options = {"width": 40, "height": 40, "fit": "contain", "format": "png"}
    data = images.photo_png(80, 40)
    assert (pixels(render(data, gravity=gravity, **options)) == pixels(render(data, **options))).all()


def test_an_absurd_enlargement_is_cut_from_the_middle() -> None:
    """Nobody looks at a picture that will not be made."""
    data = images.photo_png(1, 2000)
    assert render(data, width=500, height=400, enlarge=True, gravity="attention", format="png").size == Size(500, 400)


def test_a_focal_point_comes_to_the_middle() -> None:
    """The column at three eighths of the width is in the middle of the output."""
    picture = Image.new("RGB", (400, 100), "white")
    picture.paste((0, 0, 0), (145, 0, 155, 100))
    result = render(images.saved(picture, ImageFormat.PNG), width=100, height=100, gravity=[0.375, 0.5], format="png")
    assert pixels(result)[50, 45:55].max() == 0
    assert pixels(result)[50, 56:].min() == 255


def test_zoom_goes_nearer_to_the_point() -> None:
    """Half of the width and of the height shows, around the point."""
    picture = Image.new("RGB", (400, 200), "white")
    picture.paste((0, 0, 0), (300, 100, 400, 200))
    result = pixels(
        render(images.saved(picture, ImageFormat.PNG), zoom=2, gravity="bottom-right", width=100, format="png")
    )
    assert result.shape == (50, 100, 3)
    assert result[25, 70].max() == 0
    assert result[25, 30].min() == 255


@pytest.mark.parametrize("mode", ["grey-16", "rgb-16", "display-p3-alpha", "adobe-rgb", "cmyk"])
def test_detail_is_where_it_is_seen(mode: str) -> None:
    """What a file says in 16 bits, in ink or in another space has no more detail than what it shows."""
    data = sources.source(mode).data
    options = {"width": 60, "height": 100, "gravity": "entropy", "format": "png"}
    ours, seen = (pixels(render(file, **options), "RGB") for file in (data, render(data, format="png").data))
    assert np.abs(ours - seen).mean() < 2
