"""Trimming a plain border, and cutting out a region: on the picture as it is seen, however it is stored."""

from typing import Any

import numpy as np
import pytest
from PIL import Image

from imagemill.domain.formats import ImageFormat
from imagemill.domain.geometry import Size
from imagemill.domain.recipe import Recipe
from imagemill.errors import CorruptImage, InvalidOptions
from tests import images
from tests.unit.engine.rendering import ENGINE, RED, distance, pixels, render

ORIENTATIONS = range(1, 9)


def bordered(colour: tuple[int, ...], mode: str = "RGB") -> Image.Image:
    """A picture of 30 × 20 in a border of 10 on the left, 5 above, 8 on the right and 3 below."""
    whole = Image.new(mode, (48, 28), colour)
    whole.paste(images.photo(30, 20, seed=4).convert(mode), (10, 5))
    return whole


def stored(picture: Image.Image, orientation: int) -> bytes:
    """The picture as a TIFF that lies the way its orientation undoes."""
    undo = [None, 0, 3, 1, 5, 2, 6, 4][orientation - 1]
    exif = Image.Exif()
    exif[images.ORIENTATION] = orientation
    turned = picture if undo is None else picture.transpose(Image.Transpose(undo))
    return images.saved(turned, ImageFormat.TIFF, exif=exif)


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_a_border_is_cut_away(orientation: int) -> None:
    """To the pixel, in any orientation."""
    result = render(stored(bordered((250, 240, 0)), orientation), trim=10, format="png")
    assert result.size == Size(30, 20)
    assert distance(pixels(result), np.asarray(images.photo(30, 20, seed=4)).astype(np.int16)) == 0


@pytest.mark.parametrize(("tolerance", "size"), [(0, Size(38, 20)), (30, Size(38, 20)), (31, Size(30, 20))])
def test_the_tolerance_is_in_levels(tolerance: int, size: Size) -> None:
    """A speck that differs by 31 levels is picture at a tolerance of 30, even a single one."""
    picture = bordered((200, 200, 200))
    picture.putpixel((47, 10), (231, 200, 200))
    assert render(images.saved(picture, ImageFormat.PNG), trim=tolerance, format="png").size == size


def test_what_is_clear_is_border_whatever_its_colour() -> None:
    """A black picture on clear black loses the clear part only."""
    whole = Image.new("RGBA", (40, 30), (0, 0, 0, 0))
    whole.paste((0, 0, 0, 255), (4, 5, 24, 20))
    assert render(images.saved(whole, ImageFormat.PNG), trim=5, format="png").size == Size(20, 15)


def test_an_opaque_border_of_a_picture_with_alpha_is_cut() -> None:
    """What is clear within it stays."""
    whole = Image.new("RGBA", (40, 30), (250, 240, 0, 255))
    whole.paste((0, 0, 0, 0), (4, 5, 24, 20))
    assert render(images.saved(whole, ImageFormat.PNG), trim=5, format="png").size == Size(20, 15)


def test_sixteen_bits_have_the_same_levels() -> None:
    """A tolerance is a share of what a band holds."""
    data = images.png_16_bit(20, 10)
    assert render(data, trim=255, format="png").size == Size(20, 10)


def test_nothing_but_border_stays() -> None:
    """There is nothing to cut around."""
    data = images.saved(Image.new("RGB", (40, 30), RED), ImageFormat.PNG)
    assert render(data, trim=10, format="png").size == Size(40, 30)


def test_a_picture_without_border_stays() -> None:
    """Nothing is cut where each edge differs somewhere."""
    assert render(images.photo_png(40, 30), trim=0, format="png").size == Size(40, 30)


def test_trim_looks_at_what_crop_leaves() -> None:
    """The corner that counts is the region's."""
    data = images.saved(bordered((0, 0, 255)), ImageFormat.PNG)
    assert render(data, crop=[5, 0, 43, 28], trim=10, format="png").size == Size(30, 20)


def test_outputs_of_one_job_trim_each_for_itself() -> None:
    """What one output cuts away another may keep."""
    data = images.saved(bordered((0, 0, 255)), ImageFormat.PNG)
    recipe = Recipe.parse({"outputs": [{"trim": 10}, {"format": "png"}, {"trim": 10, "width": 15}, {"width": 12}]})
    sizes = [output.size for output in ENGINE.render(data, recipe)]
    assert sizes == [Size(30, 20), Size(48, 28), Size(15, 10), Size(12, 7)]


def test_a_damaged_picture_cannot_be_trimmed() -> None:
    """The refusal is the same as without."""
    with pytest.raises(CorruptImage):
        render(images.truncated(images.photo_jpeg(200, 150), 0.5), trim=10)


@pytest.mark.parametrize("orientation", ORIENTATIONS)
@pytest.mark.parametrize("region", [[7, 3, 21, 13], ["25%", "50%", "50%", "25%"], [40, 20, 100, 100]])
def test_a_crop_is_of_the_picture_as_it_is_seen(orientation: int, region: list[Any]) -> None:
    """The same pixels, in any orientation."""
    picture = images.photo(48, 28)
    result = render(stored(picture, orientation), crop=region, format="png")
    share = [
        float(x[:-1]) / 100 * side if isinstance(x, str) else x for x, side in zip(region, (48, 28) * 2, strict=True)
    ]
    left, top, right, bottom = (round(x) for x in (share[0], share[1], share[0] + share[2], share[1] + share[3]))
    wanted = picture.crop((left, top, min(48, right), min(28, bottom)))
    assert distance(pixels(result), np.asarray(wanted).astype(np.int16)) == 0


@pytest.mark.parametrize("region", [[8, 16, 480, 320], [101, 51, 300, 200], [102, 50, 410, 334], [100, 52, 200, 120]])
@pytest.mark.parametrize("format", [ImageFormat.JPEG, ImageFormat.WEBP])
def test_a_crop_does_not_shift_where_the_codec_shrinks(format: ImageFormat, region: list[int]) -> None:
    """A codec that shrinks while it loads is asked to only as far as the cut stays where it is."""
    data = images.encoded(format, 512, 384)
    left, top, width, height = region
    wanted = (
        images.opened(data)
        .convert("RGB")
        .resize((25, 20), Image.Resampling.LANCZOS, (left, top, left + width, top + height))
    )
    result = render(data, crop=region, width=25, height=20, fit="fill", format="png")
    assert distance(pixels(result), np.asarray(wanted).astype(np.int16)) < 4


def test_a_crop_outside_of_the_picture_is_refused() -> None:
    """Also where nobody has looked before."""
    with pytest.raises(InvalidOptions):
        render(images.photo_png(20, 20), crop=[20, 0, 5, 5])
