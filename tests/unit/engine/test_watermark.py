"""Watermarks: where the mark lies, how large and how clear it is."""

from typing import Any
from uuid import UUID

import numpy as np
import pytest
from PIL import Image

from imagemill.domain.formats import FACTS, ImageFormat
from imagemill.domain.recipe import Recipe
from imagemill.engine.memory import memory
from imagemill.errors import InvalidOptions
from tests import images
from tests.unit.engine.rendering import ENGINE, mode, pixels, render

TOKEN = "01000000-0000-5000-8000-000000000000"
WHITE = images.saved(Image.new("RGB", (200, 100), "white"), ImageFormat.PNG)
RED = images.saved(Image.new("RGB", (40, 20), "red"), ImageFormat.PNG)


def marked(data: bytes = WHITE, logo: bytes = RED, *, width: int = 200, format: str = "png", **mark: Any) -> Any:
    """A picture with a logo over it."""
    recipe = Recipe.parse({"width": width, "format": format, "watermark": {"image": TOKEN, **mark}})
    return next(ENGINE.render(data, recipe, marks={UUID(TOKEN): logo}))


def box(rendered: Any) -> tuple[int, int, int, int]:
    """Left, top, width and height of what is not white."""
    rows, columns = np.nonzero(pixels(rendered, "RGB").min(axis=2) < 128)
    return columns.min(), rows.min(), np.ptp(columns) + 1, np.ptp(rows) + 1


@pytest.mark.parametrize(
    ("mark", "wanted"),
    [
        ({}, (150, 75, 50, 25)),
        ({"gravity": "top-left", "offset": 10}, (10, 10, 50, 25)),
        ({"gravity": "center", "scale": 0.5}, (50, 25, 100, 50)),
        ({"gravity": "bottom-right", "offset": [1, 2, 3, 4]}, (148, 72, 50, 25)),
        ({"scale": 1}, (0, 0, 200, 100)),
    ],
)
def test_an_image_lies_where_it_is_asked_for(mark: dict[str, Any], wanted: tuple[int, ...]) -> None:
    """It fills a box of the picture's proportions on one side, and keeps its own."""
    assert box(marked(**mark)) == wanted


@pytest.mark.parametrize(("size", "wanted"), [((10, 40), (6, 25)), ((400, 4), (50, 1))])
def test_an_image_keeps_its_proportions(size: tuple[int, int], wanted: tuple[int, int]) -> None:
    """Of whatever shape it is; it never vanishes."""
    logo = images.saved(Image.new("RGB", size, "red"), ImageFormat.PNG)
    assert box(marked(logo=logo))[2:] == wanted


def test_lengths_are_css_pixels() -> None:
    """With twice the pixels, all of it is twice as large."""
    recipe = {"width": 100, "dpr": 2, "format": "png", "watermark": {"image": TOKEN, "offset": 10}}
    assert box(next(ENGINE.render(WHITE, Recipe.parse(recipe), marks={UUID(TOKEN): RED}))) == (130, 55, 50, 25)


@pytest.mark.parametrize("opacity", [0, 0.25, 1])
def test_opacity_is_a_share(opacity: float) -> None:
    """Of the mark's own."""
    colour = pixels(marked(opacity=opacity, gravity="center"))[50, 100]
    assert tuple(colour) == pytest.approx((255, 255 * (1 - opacity), 255 * (1 - opacity)), abs=1)


@pytest.mark.parametrize("opacity", [0.1, 0.5, 0.77, 1])
def test_a_mark_of_the_picture_s_colour_is_not_seen(opacity: float) -> None:
    """To the digit: nothing is rounded down where the two are mixed."""
    ground = images.saved(Image.new("RGB", (60, 40), (101, 101, 101)), ImageFormat.PNG)
    options = {"text": "Ada", "color": "#656565", "opacity": opacity, "tile": True}
    assert np.unique(pixels(render(ground, watermark=options, format="png"))).tolist() == [101]


def test_a_mark_with_alpha_shows_what_is_below() -> None:
    """Its own transparency counts."""
    levels = pixels(marked(logo=images.disc_png(50), gravity="center", scale=0.5))
    assert tuple(levels[50, 100]) == (255, 0, 0)
    assert tuple(levels[26, 76]) == (255, 255, 255)


def test_tiles_cover_the_picture() -> None:
    """Again and again from the top left, each with its offset around it."""
    levels = pixels(marked(tile=True, scale=0.2, offset=10))
    red = levels[..., 1] == 0
    assert red[10:30, 10:50].all()
    assert red[50:70, 70:110].all()
    assert not red[0:10].any()
    assert not red[:, 50:70].any()


@pytest.mark.parametrize("size", [(1, 1), (3, 200), (1000, 3)])
def test_tiny_tiles_are_laid_too(size: tuple[int, int]) -> None:
    """However small the picture is, or flat."""
    data = images.saved(Image.new("RGB", size, "white"), ImageFormat.PNG)
    levels = pixels(marked(data, width=size[0], tile=True, scale=0.05))
    assert levels.shape == (size[1], size[0], 3)
    assert levels[..., 1].max() == 0


@pytest.mark.parametrize(
    "logo", [images.grey_png(40, 20), images.grey_png(40, 20, alpha=True), images.palette_png(40, 20)]
)
@pytest.mark.parametrize(
    "data", [images.grey_png(200, 100), images.cmyk_jpeg(200, 100), images.photo_png(200, 100, alpha=True)]
)
def test_any_kind_of_mark_lies_on_any_kind_of_picture(data: bytes, logo: bytes) -> None:
    """What comes out is in colour, and as transparent as the picture was."""
    result = marked(data, logo)
    assert mode(result) == ("RGBA" if data == images.photo_png(200, 100, alpha=True) else "RGB")
    assert mode(marked(data, logo, format="jpeg")) == "RGB"


@pytest.mark.parametrize("format", [format for format in ImageFormat if FACTS[format].writable])
def test_whatever_was_made_can_be_a_mark(format: ImageFormat) -> None:
    """Also what another library than libvips reads."""
    logo = render(RED, format=format.value).data
    assert tuple(pixels(marked(logo=logo, scale=1))[50, 100]) == pytest.approx((255, 0, 0), abs=6)


def test_tiles_far_apart_cost_no_more_than_the_picture() -> None:
    """Of a tile that is larger than the picture only what lies on it is made."""
    recipe = Recipe.parse({"width": 200, "dpr": 8, "watermark": {"image": TOKEN, "tile": True, "offset": [0, 4000]}})
    before = memory().peak_bytes
    (rendered,) = ENGINE.render(WHITE, recipe, marks={UUID(TOKEN): RED})
    assert (pixels(rendered, "RGB") == 255).all()
    assert memory().peak_bytes - before < 2**24


def test_many_outputs_share_a_mark() -> None:
    """Each has it at its own size."""
    outputs = {"outputs": [{"width": 200}, {"width": 100}], "watermark": {"image": TOKEN}, "format": "png"}
    made = ENGINE.render(WHITE, Recipe.parse(outputs), marks={UUID(TOKEN): RED})
    assert [box(output) for output in made] == [(150, 75, 50, 25), (75, 37, 25, 13)]


def text(line: str, **options: Any) -> Any:
    """A picture with a text over it."""
    return render(WHITE, format="png", watermark={"text": line, "color": "black", **options})


def test_a_text_fills_its_box() -> None:
    """As wide or as high as the box, and no larger than by a pixel."""
    _, _, width, height = box(text("imagemill", scale=0.5))
    assert 96 <= width <= 101
    assert height <= 50


def test_a_text_has_its_colour_and_opacity() -> None:
    """The colour's own alpha and the mark's opacity are multiplied."""
    levels = pixels(text("■■", color="rgb(255 0 0 / 50%)", opacity=0.5, scale=1, gravity="center"))
    darkest = levels.reshape(-1, 3)[levels.reshape(-1, 3)[:, 1].argmin()]
    assert tuple(darkest) == pytest.approx((255, 191, 191), abs=3)


def test_a_text_is_no_markup() -> None:
    """What is markup to the typesetter is written out."""
    plain, tagged = box(text("imagemill")), box(text("<b>imagemill</b>"))
    assert tagged[3] < plain[3]
    assert pixels(text("&amp;")).tolist() != pixels(text("&")).tolist()


@pytest.mark.parametrize("line", ["Ägypten ßẞ", "Ωμέγα", "Москва", "日本語", "a" * 100, "👍", "\"'&<>"])
def test_any_script_is_written(line: str) -> None:
    """Or becomes boxes, where no font has it: never a failure."""
    assert pixels(text(line, scale=1)).min() < 255


@pytest.mark.parametrize("size", [(1, 1), (2, 300), (4000, 2)])
def test_a_text_on_a_tiny_picture(size: tuple[int, int]) -> None:
    """It may not be readable, but it is no trouble."""
    data = images.saved(Image.new("RGB", size, "white"), ImageFormat.PNG)
    for tile in (False, True):
        assert render(data, watermark={"text": "imagemill", "tile": tile}, format="png").size.width == size[0]


def test_a_huge_text_is_smooth() -> None:
    """Past the largest type that is drawn it is scaled."""
    data = images.saved(Image.new("RGB", (2000, 1500), "white"), ImageFormat.PNG)
    *_, height = box(render(data, watermark={"text": "I", "color": "black", "scale": 1}, format="png"))
    assert 1450 <= height <= 1510


def test_a_text_without_ink_is_a_clear_failure() -> None:
    """What can be printed need not be seen."""
    with pytest.raises(InvalidOptions) as caught:
        text("\u2800")
    assert [problem.pointer for problem in caught.value.problems] == ["/watermark/text"]
