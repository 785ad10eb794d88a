"""Choosing widths by bytes: steps, ends, and how few attempts it takes."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any
from uuid import uuid4

import pytest
from PIL import Image

from imagemill.domain.formats import ImageFormat
from imagemill.domain.recipe import Recipe
from imagemill.domain.widths import Widths
from imagemill.engine.breakpoints import breakpoints
from imagemill.engine.pipeline import VipsEngine
from imagemill.errors import OutputTooLarge
from tests import images, samples
from tests.images import opened
from tests.unit.engine.rendering import ENGINE, LIMITS, pixels

WIDTHS = Widths(step_bytes=20_000, most=20)


class Files:
    """Files whose bytes follow from their width by a rule; notes what was asked for."""

    def __init__(self, rule: Callable[[int], float]) -> None:
        self.asked: list[int] = []
        self._rule = rule

    def __call__(self, width: int) -> int:
        """Bytes at a width."""
        self.asked.append(width)
        return round(self._rule(width))


def steps(files: Files, widths: list[int]) -> list[int]:
    """The bytes between neighbours."""
    sizes = [round(files._rule(width)) for width in widths]
    return [after - before for before, after in pairwise(sizes)]


@pytest.mark.parametrize("power", [0.5, 1.0, 1.7, 2.0, 3.0])
def test_neighbours_are_at_most_a_step_apart(power: float) -> None:
    """From end to end, whatever the law by which bytes grow, without a file that is not offered."""
    files = Files(lambda width: 200_000 * (width / 1920) ** power)
    chosen = breakpoints(WIDTHS, 1920, files)
    assert (chosen[0], chosen[-1]) == (320, 1920)
    assert max(steps(files, chosen)) <= 20_100
    assert sorted(files.asked) == chosen


def test_a_law_with_a_kink_is_found_out() -> None:
    """Where bytes leap, widths are added until the leap is covered."""
    files = Files(lambda width: width * 10 + (120_000 if width > 1000 else 0) * min(1, (width - 1000) / 50))
    chosen = breakpoints(WIDTHS, 1920, files)
    assert max(steps(files, chosen)) <= 20_000
    assert len(chosen) <= WIDTHS.most


def test_there_are_never_more_than_asked_for() -> None:
    """Steps grow evenly where the number does not suffice."""
    files = Files(lambda width: width**2)
    chosen = breakpoints(Widths(step_bytes=1, most=5), 1920, files)
    assert len(chosen) == len(files.asked) == 5
    assert max(steps(files, chosen)) < 1.1 * min(steps(files, chosen))


def test_a_small_source_has_one_width() -> None:
    """Nothing is enlarged, and nothing is offered below `from` but all there is."""
    files = Files(lambda width: width)
    assert breakpoints(WIDTHS, 200, files) == [200]
    assert breakpoints(WIDTHS, 320, files) == [320]
    assert files.asked == [200, 320]


@pytest.mark.parametrize("rule", [lambda _: 500, lambda width: 10_000 - width], ids=["flat", "shrinking"])
def test_bytes_that_do_not_grow_need_both_ends_only(rule: Callable[[int], float]) -> None:
    """A picture of one colour is as small at every width."""
    assert breakpoints(WIDTHS, 1920, Files(rule)) == [320, 1920]


def test_neighbouring_pixels_have_nothing_between_them() -> None:
    """A step that is less than a pixel brings ends nowhere near for ever."""
    assert breakpoints(
        Widths(narrowest=10, widest=12, step_bytes=1, most=20), 12, Files(lambda width: 10.0**width)
    ) == [10, 11, 12]
    assert breakpoints(
        Widths(narrowest=10, widest=11, step_bytes=1, most=20), 11, Files(lambda width: 10.0**width)
    ) == [10, 11]


def test_real_files_are_as_many_bytes_apart() -> None:
    """From one decode: the files of a photograph, named by number, each of the size that it says."""
    data = images.photo_jpeg(1200, 800)
    recipe = Recipe.parse(
        {"widths": {"from": 100, "to": 1000, "stepBytes": 8000, "most": 12}, "placeholder": "blurhash"}
    )
    beats: list[None] = []
    made = [*ENGINE.render(data, recipe, lambda: beats.append(None))]
    assert [rendered.name for rendered in made] == [f"image-{at + 1}" for at in range(len(made))]
    assert (made[0].size.width, made[-1].size.width) == (100, 1000)
    sizes = [len(rendered.data) for rendered in made]
    assert len(made) == 12 or max(b - a for a, b in pairwise(sizes)) <= 8000
    assert all(pixels(rendered).shape[:2] == (rendered.size.height, rendered.size.width) for rendered in made)
    assert len(beats) == len(made) - 1
    assert all(rendered.placeholder for rendered in made)
    assert made[0].encode_seconds > 0
    assert {rendered.encode_seconds for rendered in made[1:]} == {0.0}


def test_the_smallest_of_them_is_what_its_width_alone_gives() -> None:
    """Breakpoints choose widths and nothing else: each file is like the one that asks for this width."""
    data = images.photo_jpeg(600, 400)
    several = [*ENGINE.render(data, Recipe.parse({"widths": {"from": 150, "to": 600, "most": 3, "stepBytes": 1}}))]
    for rendered in several:
        alone = next(ENGINE.render(data, Recipe.parse({"width": rendered.size.width})))
        assert alone.size == rendered.size
        assert abs(pixels(alone) - pixels(rendered)).mean() < 3


def test_a_shape_is_cut_from_the_source() -> None:
    """With both sides, every width has their proportions."""
    data = images.photo_jpeg(600, 400)
    recipe = Recipe.parse({"widths": {"from": 100, "to": 600, "most": 3}, "width": 1, "height": 1})
    made = [*ENGINE.render(data, recipe)]
    assert {rendered.size.width - rendered.size.height for rendered in made} == {0}
    assert made[-1].size.width == 400


FRAMINGS: list[dict[str, Any]] = [
    {"crop": ["25%", 0, "50%", "100%"]},
    {"trim": 30},
    {"rotate": 90, "flip": True},
    {"rotate": 30, "format": "webp"},
    {"zoom": 2, "gravity": "attention", "width": 16, "height": 9},
    {"width": 2, "height": 3, "fit": "contain", "background": "blur"},
    {"width": 1, "height": 1, "circle": True, "format": "png", "watermark": {"text": "Ada"}},
    {"enlarge": True},
    {"animated": True},
    {"profile": "keep", "metadata": "all", "blur": 1, "sharpen": 1, "tint": "#fa0"},
]


@pytest.mark.parametrize("options", FRAMINGS, ids=str)
def test_every_width_is_framed_alike(options: dict[str, Any]) -> None:
    """From the first width to the last: as wide as the one of this width alone, in the same proportions."""
    data = images.photo_jpeg(300, 200)
    made = [*ENGINE.render(data, Recipe.parse({"widths": {"from": 40, "to": 290, "stepBytes": 900}, **options}))]
    assert len(made) > 1
    assert made[0].size.width == 40
    shape = made[-1].size
    for rendered in made:
        side = round(rendered.size.width * shape.height / shape.width)
        assert abs(rendered.size.height - side) <= 1
        assert opened(rendered.data).size == (rendered.size.width, rendered.size.height)


def test_a_drawing_is_drawn_in_each_width() -> None:
    """It has every size, so the widest asked for is there."""
    engine = VipsEngine(LIMITS, [*ImageFormat])
    recipe = Recipe.parse({"widths": {"from": 40, "to": 500, "stepBytes": 100}, "format": "png"})
    made = [*engine.render(samples.svg("<circle cx='12' cy='12' r='9'/>"), recipe)]
    assert (made[0].size.width, made[-1].size.width) == (40, 500)


def test_an_animation_moves_in_each_width() -> None:
    """All frames of all of them."""
    data = images.animated(ImageFormat.GIF, 60, 40, frames=3)
    made = [*ENGINE.render(data, Recipe.parse({"widths": {"from": 20, "to": 60, "stepBytes": 50}, "animated": True}))]
    assert len(made) > 2
    assert [opened(rendered.data).n_frames for rendered in made] == [3] * len(made)


def idle_alpha(picture: Image.Image) -> bytes:
    """A picture that could be clear, and is nowhere."""
    return images.saved(picture.convert("RGBA"), ImageFormat.PNG)


def diagram(side: int) -> Image.Image:
    """Thin lines in one colour: scaled down much, hardly two neighbours are equal."""
    picture = Image.new("RGB", (side, side), "white")
    for at in range(0, side, 12):
        picture.paste("navy", (at, 0, at + 3, side))
        picture.paste("navy", (0, at, side, at + 3))
    return picture


@pytest.mark.parametrize(
    "data", [images.photo_jpeg(240, 160), idle_alpha(images.photo(240, 160)), idle_alpha(diagram(240))]
)
def test_the_smallest_format_is_one_for_all_widths(data: bytes) -> None:
    """A browser chooses the type before the width: a type that only some widths have would take the choice from it."""
    for more in ({}, {"quality": "auto"}, {"lossless": True}):
        options = {"format": "smallest", **more}
        made = [*ENGINE.render(data, Recipe.parse({"widths": {"from": 30, "to": 240, "most": 3}, **options}))]
        assert len(made) > 1
        assert {rendered.format for rendered in made} == {next(ENGINE.render(data, Recipe.parse(options))).format}


def test_quality_is_looked_for_in_each_width() -> None:
    """Each reaches the score for itself, though the search begins where the larger one ended."""
    data = images.photo_jpeg(400, 300)
    recipe = {"widths": {"from": 100, "to": 400, "stepBytes": 2000}, "quality": "auto", "score": 0.99, "format": "webp"}
    made = [*ENGINE.render(data, Recipe.parse(recipe))]
    assert all((rendered.score or 0) >= 0.99 for rendered in made)
    assert all((rendered.quality or 0) < 95 for rendered in made)


def test_each_width_keeps_the_bound_of_bytes() -> None:
    """What was reduced to fit does not reduce the others; what cannot fit fails."""
    data = images.photo_jpeg(400, 300)
    recipe = {"widths": {"from": 100, "to": 400, "stepBytes": 1000, "most": 8}, "maxBytes": 6000, "format": "jpeg"}
    made = [*ENGINE.render(data, Recipe.parse(recipe))]
    assert all(len(rendered.data) <= 6000 for rendered in made)
    assert (made[0].quality, made[-1].quality) < (81, 80)
    assert made[0].quality == 80
    with pytest.raises(OutputTooLarge):
        [*ENGINE.render(data, Recipe.parse({**recipe, "maxBytes": 100}))]


def test_a_watermark_is_as_large_in_each_width() -> None:
    """Its size is a share of the picture's: in the same corner, whatever the width."""
    data, token = images.saved(Image.new("RGB", (400, 200), "white"), ImageFormat.PNG), uuid4()
    mark = images.saved(Image.new("RGB", (50, 50), "black"), ImageFormat.PNG)
    recipe = {"widths": {"from": 100, "to": 400, "stepBytes": 10}, "watermark": {"image": str(token), "scale": 0.5}}
    made = [*ENGINE.render(data, Recipe.parse(recipe), marks={token: mark})]
    assert len(made) > 1
    for rendered in made:
        dark = pixels(rendered, "L")[:, :, 0] < 128
        assert abs(dark.mean() - 1 / 8) < 0.01
        assert dark[-2, -2]
