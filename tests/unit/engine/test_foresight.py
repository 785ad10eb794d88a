"""The dry run of the engine: the same sizes and formats as the work itself, the steps, and the warnings."""

import functools
from typing import Any

import pytest

from imagemill.domain.formats import ImageFormat
from imagemill.domain.geometry import Interest
from imagemill.domain.prospect import Prospect
from imagemill.domain.recipe import Recipe
from imagemill.engine import pipeline, reading
from imagemill.engine.context import Context
from imagemill.engine.pipeline import Step, VipsEngine
from imagemill.engine.vips import Image
from tests import images, samples
from tests.unit.engine.rendering import LIMITS

ENGINE = VipsEngine(LIMITS, [*ImageFormat])

PHOTO = images.photo_jpeg(120, 80)


def foreseen(data: bytes = PHOTO, **options: Any) -> Prospect:
    """What is said of the first output."""
    return ENGINE.foresee(data, ENGINE.probe(data), Recipe.parse(options))[0]


def warned(data: bytes = PHOTO, **options: Any) -> list[str]:
    """At which options there are warnings."""
    return [warning.pointer for warning in foreseen(data, **options).warnings]


SOURCES = {
    "photo": PHOTO,
    "turned": images.oriented_jpeg(120, 80, 6),
    "cmyk": images.cmyk_jpeg(120, 80),
    "grey": images.grey_jpeg(120, 80),
    "clear": images.photo_png(120, 80, alpha=True),
    "fine": images.png_16_bit(120, 80),
    "profiled": images.saved(images.photo(120, 80), ImageFormat.JPEG, icc_profile=images.swapped_profile()),
    "srgb": images.saved(images.photo(120, 80), ImageFormat.JPEG, icc_profile=images.srgb_profile()),
    "moving": images.animated(ImageFormat.GIF, 40, 30, frames=3),
    "drawing": samples.svg("<circle cx='12' cy='12' r='9'/>", "viewBox='0 0 24 16'"),
    "psd": samples.psd(images.photo(120, 80)),
    "icon": samples.sample(ImageFormat.ICO, 64, 64),
    "heic": samples.heic(images.photo(120, 80)),
    "bmp": samples.sample(ImageFormat.BMP, 120, 80),
}
RECIPES: list[dict[str, Any]] = [
    {},
    {"width": 60},
    {"height": 33, "format": "png"},
    {"width": 50, "height": 50, "fit": "contain", "format": "webp"},
    {"width": 50, "height": 50, "fit": "contain", "background": "blur"},
    {"width": 50, "height": 50, "fit": "fill", "dpr": 2},
    {"width": 50, "height": 20, "fit": "outside", "gravity": "entropy"},
    {"width": 30, "height": 50, "gravity": "attention", "format": "jpeg"},
    {"width": 500},
    {"width": 500, "height": 333},
    {"width": 500, "enlarge": True, "format": "jpeg"},
    {"width": 60, "minHeight": 70},
    {"crop": ["10%", 5, "50%", 30], "width": 20, "zoom": 1.5, "height": 20},
    {"rotate": 90, "width": 40, "flip": True},
    {"rotate": 30, "width": 40, "flop": True, "format": "jpeg"},
    {"width": 40, "pad": [3, 5], "background": "#f80", "dpr": 1.5},
    {"width": 40, "height": 40, "circle": True, "format": "jpeg"},
    {"width": 40, "radius": 8, "format": "png", "background": "blur"},
    {"width": 40, "watermark": {"text": "Ada"}, "tint": "red", "sharpen": 1, "pixelate": 2},
    {"width": 40, "saturation": 1.5, "hue": 40, "grayscale": True},
    {"width": 40, "metadata": "all", "profile": "keep"},
    {"width": 40, "animated": True, "format": "webp", "lossless": True},
    {"width": 40, "quality": "auto", "format": "webp"},
    {"width": 40, "maxBytes": 3000, "format": "jpeg"},
    {"width": 40, "format": "smallest", "animated": True},
    {"width": 40, "format": "jp2", "placeholder": "thumbhash", "dominantColor": True},
    {"widths": {"from": 20, "to": 90, "stepBytes": 300}},
    {"widths": {"from": 20, "to": 60, "most": 2}, "width": 3, "height": 2, "rotate": 270, "format": "smallest"},
]


def took_part(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Notes the steps that give another picture than they get."""
    found: set[str] = set()

    def watched(step: Step) -> Step:
        @functools.wraps(step)
        def watch(image: Image, context: Context) -> Image:
            made = step(image, context)
            if made is not image:
                found.add(step.__name__)
            return made

        return watch

    monkeypatch.setattr(pipeline, "STEPS", [watched(step) for step in pipeline.STEPS])
    return found


@pytest.mark.parametrize("options", RECIPES, ids=str)
@pytest.mark.parametrize("name", SOURCES)
def test_what_is_foreseen_is_what_comes(name: str, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the source: sizes, formats, frames and names are those of the work, and so are the steps."""
    data, recipe = SOURCES[name], Recipe.parse(options)
    (prospect,) = ENGINE.foresee(data, ENGINE.probe(data), recipe)
    did = took_part(monkeypatch)
    made = [*ENGINE.render(data, recipe)]
    assert (prospect.size, prospect.frames) == (made[-1].size, made[-1].frames)
    assert {rendered.format for rendered in made} <= set(prospect.formats)
    assert tuple(rendered.name for rendered in made) == prospect.output.names[: len(made)]
    assert (len(prospect.formats) > 1) == (options.get("format") == "smallest")
    # Turning by any angle and looking for what is of interest convert colours by themselves, of a drawing only what is
    # asked for is drawn, in its size; and what only workers open could have any colours.
    converting = prospect.output.rotate % 90 or isinstance(prospect.output.gravity, Interest)
    untold = {"colour"} if converting or name in ("psd", "heic") else set()
    untold |= {"crop", "scale"} if name == "drawing" else set()
    assert did - untold == set(prospect.steps) - untold


@pytest.mark.parametrize(
    ("data", "options", "steps"),
    [
        (PHOTO, {"width": 120}, ()),
        (PHOTO, {"width": 40, "height": 40}, ("scale", "gravity")),
        (PHOTO, {"width": 40, "height": 40, "fit": "contain", "metadata": "all"}, ("scale", "canvas", "metadata")),
        (PHOTO, {"trim": 10, "circle": True}, ("crop", "circle", "background")),
    ],
)
def test_steps_stand_in_their_order(data: bytes, options: dict[str, object], steps: tuple[str, ...]) -> None:
    """What a step would leave as it is, is not named; the others are, as they would be done."""
    assert foreseen(data, **options).steps == steps


def test_no_pixel_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file whose pixels are damaged is foreseen like any other; what workers alone may open is not opened."""
    monkeypatch.setattr(reading, "open", None)
    for name in ("psd", "icon", "heic", "bmp", "drawing"):
        assert foreseen(SOURCES[name], width=60, crop=[1, 1, 9, 9], trim=3, rotate=90).size
    assert foreseen(images.truncated(PHOTO, 0.5), width=60, trim=3).size.width == 60


@pytest.mark.parametrize(
    ("options", "pointers"),
    [
        ({"width": 60}, []),
        ({"width": 60, "quality": 90, "chroma": "4:4:4", "progressive": True, "maxBytes": 5000}, []),
        ({"width": 240, "enlarge": True}, ["/enlarge"]),
        ({"width": 240}, ["/width"]),
        ({"height": 240}, ["/height"]),
        ({"width": 240, "height": 60}, ["/width"]),
        ({"width": 240, "height": 60, "fit": "inside"}, []),
        ({"widths": "auto"}, []),
        ({"widths": {"to": 9000}}, ["/widths"]),
        ({"width": 60, "format": "png", "quality": 5, "maxBytes": 9}, ["/quality", "/maxBytes"]),
        ({"width": 60, "format": "webp", "progressive": True, "chroma": "4:2:0", "palette": 16},
         ["/progressive", "/chroma", "/palette"]),
        ({"width": 60, "format": "avif", "lossless": True, "chroma": "4:2:0"}, ["/chroma"]),
        ({"width": 60, "score": 0.99}, ["/score"]),
        ({"width": 60, "score": 0.99, "quality": "auto"}, []),
        ({"width": 60, "format": "gif", "metadata": "all", "profile": "keep"}, ["/metadata", "/profile"]),
        ({"width": 60, "animated": True}, ["/animated"]),
        ({"width": 60, "format": "smallest", "progressive": True, "palette": 16}, []),
        ({"width": 60, "format": "jp2", "effort": 3}, ["/effort"]),
        ({"width": 60, "trim": 9}, ["/trim"]),
        ({"width": 60, "minWidth": 60, "minHeight": 100}, ["/minWidth"]),
        ({"width": 60, "minHeight": 100}, ["/minHeight"]),
        ({"width": 60, "pad": 40}, []),
        ({"width": 240, "pad": 100}, ["/width"]),
        ({"crop": [0, 0, 40, 40], "width": 60}, ["/width"]),
        ({"rotate": 90, "width": 100}, ["/width"]),
        ({"width": 60, "circle": True}, ["/format"]),
        ({"width": 60, "rotate": 45}, ["/format"]),
        ({"width": 60, "radius": 5, "background": "white"}, []),
        ({"width": 60, "radius": 5, "format": "avif"}, []),
        ({"width": 60, "rotate": 180, "placeholder": "lqip", "dominantColor": True}, []),
        ({"widths": {"to": 330}, "enlarge": True}, ["/enlarge"]),
    ],
    ids=str,
)  # fmt: skip
def test_surprises_are_told(options: dict[str, object], pointers: list[str]) -> None:
    """Enlarging, falling short, and options that nothing comes of, each at its option and nowhere else."""
    assert warned(**options) == pointers


def test_lost_transparency_is_told() -> None:
    """A clear picture that is asked for as JPEG gets a background."""
    assert warned(images.photo_png(120, 80, alpha=True), width=60, format="jpeg") == ["/format"]


def test_a_drawing_is_never_enlarged() -> None:
    """It has every size, so it falls short of none and loses no detail."""
    assert warned(SOURCES["drawing"], width=900, format="png") == []
    assert warned(SOURCES["drawing"], widths="auto", format="png") == []


def test_an_animation_that_stays_one_is_no_surprise() -> None:
    """Frames are counted as the work would count them."""
    data = images.animated(ImageFormat.GIF, 40, 30, frames=3)
    assert (foreseen(data, width=40, animated=True).frames, warned(data, width=40, animated=True)) == (3, [])


def test_texts_that_an_animation_cannot_carry_are_told() -> None:
    """Nothing of them is written into a moving AVIF; a still one and a moving WebP have a place for them."""
    data = images.animated(ImageFormat.GIF, 40, 30, frames=3)
    for format, animated, pointers in (("avif", True, ["/metadata"]), ("avif", False, []), ("webp", True, [])):
        assert warned(data, width=40, format=format, animated=animated, metadata="all") == pointers
