"""What an output takes from its source: formats, quality and frames."""

from typing import Any

import pytest

from imagemill.domain.encoding import OutputFormat
from imagemill.domain.formats import ImageFormat
from imagemill.domain.geometry import Size
from imagemill.domain.header import Header
from imagemill.domain.output import Output
from imagemill.domain.recipe import Recipe
from imagemill.errors import InvalidOptions


def still(format: ImageFormat, *, alpha: bool = False, frames: int = 1) -> Header:
    """A small image."""
    return Header(format, Size(40, 30), frames, alpha)


@pytest.mark.parametrize(
    ("asked", "source", "alpha", "written", "quality"),
    [
        (OutputFormat.AUTO, ImageFormat.JPEG, False, ImageFormat.JPEG, 80),
        (OutputFormat.AUTO, ImageFormat.PNG, False, ImageFormat.PNG, None),
        (OutputFormat.AUTO, ImageFormat.TIFF, True, ImageFormat.PNG, None),
        (OutputFormat.AUTO, ImageFormat.TIFF, False, ImageFormat.JPEG, 80),
        (OutputFormat.AVIF, ImageFormat.JPEG, False, ImageFormat.AVIF, 63),
        (OutputFormat.TIFF, ImageFormat.JPEG, False, ImageFormat.TIFF, None),
        (OutputFormat.JP2, ImageFormat.JPEG, False, ImageFormat.JP2, 80),
    ],
)
def test_the_format_and_its_quality(
    asked: OutputFormat, source: ImageFormat, alpha: bool, written: ImageFormat, quality: int | None
) -> None:
    """`auto` keeps the family; a format without the dial has no quality."""
    output = Output(format=asked)
    assert output.formats_for(still(source, alpha=alpha)) == (written,)
    assert output.encoding_for(written).quality == quality
    assert Output(quality=7).encoding_for(written).quality == (None if quality is None else 7)
    assert Output(quality="auto").encoding_for(written).quality == quality


@pytest.mark.parametrize(
    ("source", "written"),
    [
        (ImageFormat.JPEG, ImageFormat.WEBP),
        (ImageFormat.GIF, ImageFormat.WEBP),
        (ImageFormat.PNG, ImageFormat.PNG),
        (ImageFormat.AVIF, ImageFormat.AVIF),
        (ImageFormat.TIFF, ImageFormat.WEBP),
    ],
)
def test_auto_leaves_a_family_that_would_lose_pixels(source: ImageFormat, written: ImageFormat) -> None:
    """`lossless` with `auto` keeps the family only where that can be lossless; then no quality is left to choose."""
    output = Output(lossless=True, quality=50)
    assert output.formats_for(still(source)) == (written,)
    assert output.encoding_for(written).quality is None


@pytest.mark.parametrize(
    ("options", "source", "frames"),
    [
        ({}, still(ImageFormat.GIF, frames=9), 1),
        ({"animated": True}, still(ImageFormat.GIF, frames=9), 9),
        ({"animated": True}, still(ImageFormat.GIF), 1),
        ({"animated": True, "format": "webp"}, still(ImageFormat.GIF, frames=9), 9),
        ({"animated": True, "format": "smallest"}, still(ImageFormat.WEBP, frames=9), 9),
        ({"animated": True, "format": "jpeg"}, still(ImageFormat.GIF, frames=9), 1),
        ({"animated": True, "format": "webp"}, still(ImageFormat.TIFF, frames=9), 1),
    ],
)
def test_frames_are_taken_where_both_ends_can_hold_them(options: dict[str, Any], source: Header, frames: int) -> None:
    """All or one: the pages of a TIFF are no animation, and a JPEG shows the first."""
    (output,) = Recipe.parse(options).outputs
    assert output.frames_for(source) == frames


@pytest.mark.parametrize(
    ("options", "source", "formats"),
    [
        ({}, still(ImageFormat.PNG), {"jpeg", "webp", "avif", "png"}),
        ({"lossless": True}, still(ImageFormat.JPEG), {"webp", "png"}),
        ({"animated": True}, still(ImageFormat.GIF, frames=2), {"webp", "avif"}),
        ({"animated": True, "lossless": True}, still(ImageFormat.GIF, frames=2), {"webp"}),
    ],
)
def test_smallest_chooses_among_what_browsers_show(options: dict[str, Any], source: Header, formats: set[str]) -> None:
    """And among what can do what else was asked."""
    (output,) = Recipe.parse({**options, "format": "smallest"}).outputs
    assert set(output.formats_for(source)) == formats


def test_all_frames_of_a_box_count() -> None:
    """An animation's output has as many pixels as all of its frames; the box is refused before any is decoded."""
    recipe = Recipe.parse({"width": 100, "height": 100, "animated": True})
    recipe.check_boxes(30_000, still(ImageFormat.GIF, frames=3))
    with pytest.raises(InvalidOptions, match="3 frames"):
        recipe.check_boxes(29_999, still(ImageFormat.GIF, frames=3))
    Recipe.parse({"width": 100, "height": 100}).check_boxes(29_999, still(ImageFormat.GIF, frames=3))
