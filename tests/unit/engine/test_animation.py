"""Animations: all frames, delays and loops, each frame treated as a picture of its own, within bounds."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from imagemill.domain.formats import ImageFormat
from imagemill.domain.geometry import Size
from imagemill.domain.recipe import Recipe
from imagemill.engine import pillow
from imagemill.engine.pipeline import VipsEngine
from imagemill.errors import CorruptImage, LeaseLost, TooManyPixels
from tests import images
from tests.unit.engine.rendering import ENGINE, LIMITS, Pixels, distance, render

DELAYS = [100, 250, 100, 1000]


def frames(data: bytes) -> list[Pixels]:
    """Each frame of a file on white, as (height, width, bands)."""
    picture, found = Image.open(images.BytesIO(data)), []
    for number in range(picture.n_frames):
        picture.seek(number)
        ground = Image.new("RGBA", picture.size, "white")
        ground.alpha_composite(picture.convert("RGBA"))
        found.append(np.asarray(ground.convert("RGB"), np.int16))
    return found


@pytest.mark.parametrize("output", ["gif", "webp", "avif"])
@pytest.mark.parametrize("source", [ImageFormat.GIF, ImageFormat.WEBP, ImageFormat.AVIF])
@pytest.mark.parametrize("alpha", [False, True])
def test_frames_and_delays_are_kept(source: ImageFormat, output: str, alpha: bool) -> None:
    """Each frame is the source's frame, smaller, and shown for as long."""
    data = images.moving(source, DELAYS, loop=0, alpha=alpha)
    made = render(data, width=24, format=output, animated=True, quality=90)
    assert (made.frames, made.size) == (4, Size(24, 16))
    assert images.delays_ms(made.data) == DELAYS
    for ours, theirs in zip(frames(made.data), frames(data), strict=True):
        if output == "gif" and alpha:
            continue  # what is half clear has no place in a GIF
        small = Image.fromarray(theirs.astype(np.uint8)).resize((24, 16), Image.Resampling.LANCZOS)
        assert distance(ours, np.asarray(small, np.int16)) < 25
    assert distance(frames(made.data)[0], frames(made.data)[3]) > 25


@pytest.mark.parametrize(
    ("source", "loop", "gif", "webp"), [("gif", 0, 0, 0), ("gif", 2, 2, 3), ("webp", 3, 2, 3), ("avif", 0, 0, 0)]
)
def test_loops_are_kept(source: str, loop: int, gif: int, webp: int) -> None:
    """GIF counts how often an animation is repeated, WebP how often it is played; 0 is for ever in both."""
    data = images.moving(ImageFormat(source), DELAYS, loop=loop)
    assert images.opened(render(data, format="gif", animated=True).data).info["loop"] == gif
    assert images.opened(render(data, format="webp", animated=True).data).info["loop"] == webp


def test_smallest_takes_no_format_that_would_not_end() -> None:
    """AVIF repeats for ever, so that an animation of a few rounds becomes WebP."""
    ending = render(images.moving(ImageFormat.GIF, DELAYS, loop=2), format="smallest", animated=True)
    assert ending.format is ImageFormat.WEBP
    endless = render(images.moving(ImageFormat.GIF, DELAYS, loop=0), format="smallest", animated=True)
    assert endless.format in (ImageFormat.WEBP, ImageFormat.AVIF)
    assert endless.frames == 4


@pytest.mark.parametrize("output", ["webp", "avif"])
def test_an_animations_quality_is_looked_for_over_all_frames(output: str) -> None:
    """One quality for all, and one score."""
    made = render(images.moving(ImageFormat.WEBP, DELAYS, loop=0), format=output, animated=True, quality="auto")
    assert made.score is not None
    assert made.score >= 0.997
    assert images.delays_ms(made.data) == DELAYS


@pytest.mark.parametrize("output", ["webp", "auto", "smallest"])
def test_a_lossless_animation_keeps_each_pixel(output: str) -> None:
    """In every frame; what could not do it is not chosen."""
    data = images.moving(ImageFormat.WEBP, DELAYS, loop=0)
    made = render(data, format=output, animated=True, lossless=True)
    for ours, theirs in zip(frames(made.data), frames(data), strict=True):
        assert distance(ours, theirs) == 0


def test_a_frame_is_cropped_and_turned_as_a_picture_is() -> None:
    """No frame bleeds into the next."""
    data = images.animated(ImageFormat.WEBP, 40, 20)
    made = render(data, width=10, height=10, animated=True, format="webp", lossless=True)
    assert made.size == Size(10, 10)
    for frame, colour in zip(frames(made.data), [(255, 0, 0), (0, 255, 0), (0, 0, 255)], strict=True):
        assert np.abs(frame - colour).max() <= 4


def test_all_frames_together_stay_within_the_limit() -> None:
    """A side that follows is made smaller, so that memory is bounded by what an output may have."""
    engine = VipsEngine(replace(LIMITS, output_pixels=1000))
    data = images.moving(ImageFormat.GIF, [100] * 10, loop=0)
    (made,) = engine.render(data, Recipe.parse({"animated": True, "format": "webp"}))
    assert made.frames * made.size.pixels <= 1000


@pytest.mark.parametrize(("format", "frames"), [("webp", 4), ("gif", 4), ("avif", 4), ("auto", 4), ("jpeg", 1)])
def test_what_was_made_of_an_animation_can_be_sent_again(format: str, frames: int) -> None:
    """An AVIF too: libheif sees one picture in it, and dav1d all of them."""
    first = render(images.moving(ImageFormat.GIF, DELAYS, loop=0), format="avif", animated=True)
    assert ENGINE.probe(first.data).frames == 4
    again = render(first.data, format=format, animated=True)
    assert again.frames == frames
    assert frames == 1 or images.delays_ms(again.data) == DELAYS


@pytest.mark.parametrize("make", [images.gif_of_frames, images.webp_of_frames, images.avif_of_frames])
def test_too_many_frames_are_refused_before_any_is_decoded(make: object) -> None:
    """By their number, and by what they come to."""
    with pytest.raises(TooManyPixels):
        list(VipsEngine(replace(LIMITS, frames=50)).render(make(51), Recipe.parse({"animated": True})))
    with pytest.raises(TooManyPixels):
        list(VipsEngine(replace(LIMITS, pixels=50 * 64 - 1)).render(make(50), Recipe.parse({"animated": True})))


@pytest.mark.parametrize("source", [ImageFormat.WEBP, ImageFormat.AVIF])
def test_a_damaged_frame_is_a_damaged_image(source: ImageFormat) -> None:
    """Wherever in the animation it is."""
    data = images.moving(source, DELAYS, loop=0, width=200, height=150)
    with pytest.raises(CorruptImage):
        render(images.corrupted(data, 0.8, 2000), format="webp", animated=True)


@pytest.mark.parametrize("wrong", [{"frames": 3}, {"frames": 5}, {"size": Size(24, 16)}], ids=str)
def test_an_avif_that_is_not_what_it_announces_is_damaged(wrong: dict[str, Any]) -> None:
    """What is decoded is what was checked against the limits, or nothing is."""
    data = images.moving(ImageFormat.AVIF, DELAYS, loop=0)
    with pytest.raises(CorruptImage):
        next(pillow.frames(data, replace(ENGINE.probe(data), **wrong)))


def test_a_frame_that_is_shown_for_years_is_shown_for_hours() -> None:
    """An AVIF may say so, and no other format could."""
    data = bytearray(images.moving(ImageFormat.AVIF, DELAYS, loop=0))
    first = data.index(b"stts") + 16
    data[first : first + 4] = (2**32 - 1).to_bytes(4, "big")
    made = render(bytes(data), format="webp", animated=True)
    assert images.delays_ms(made.data) == [pillow.LONGEST_DELAY_MS, *DELAYS[1:]]


def test_a_frame_of_a_gif_is_shown_as_long_as_a_gif_can_say() -> None:
    """Eleven minutes, and not what 16 bits leave of more."""
    data = images.moving(ImageFormat.WEBP, [700_000, 100], loop=0)
    assert images.delays_ms(render(data, format="gif", animated=True).data) == [655_350, 100]


def test_work_on_frames_can_be_stopped() -> None:
    """Between two frames it asks whether to go on."""

    def stop() -> None:
        raise LeaseLost

    with pytest.raises(LeaseLost):
        list(ENGINE.render(images.moving(ImageFormat.GIF, DELAYS, loop=0), Recipe.parse({"animated": True}), stop))


@pytest.mark.parametrize(
    "options",
    [
        {"rotate": 20, "background": "blur"},
        {"rotate": 90},
        {"crop": [3, 2, 20, 20], "zoom": 1.5, "flip": True, "flop": True},
        {"watermark": {"text": "a", "tile": True}, "circle": True, "grayscale": True},
        {"blur": 12, "sharpen": 1, "pixelate": 3, "tint": "red", "pad": 2},
    ],
    ids=str,
)
def test_each_frame_is_treated_like_a_picture(options: dict[str, object]) -> None:
    """A frame looks as it does when it is sent alone."""
    data = images.moving(ImageFormat.WEBP, DELAYS, loop=0)
    made = render(data, width=24, height=24, format="webp", lossless=True, animated=True, **options)
    assert images.delays_ms(made.data) == DELAYS
    for ours, theirs in zip(frames(made.data), frames(data), strict=True):
        still = images.saved(Image.fromarray(theirs.astype(np.uint8)), ImageFormat.PNG)
        alone = render(still, width=24, height=24, format="webp", lossless=True, **options)
        assert distance(ours, frames(alone.data)[0]) < 2


def test_an_animation_is_cut_alike_in_all_frames() -> None:
    """What draws the eye moves; the cut does not. A border is that of the first frame."""
    data = images.moving(ImageFormat.GIF, DELAYS, loop=0)
    looked = render(data, width=10, height=20, format="webp", lossless=True, animated=True, gravity="attention")
    middle = render(data, width=10, height=20, format="webp", lossless=True, animated=True)
    assert looked.data == middle.data
    assert render(data, trim=10, format="webp", animated=True).frames == 4
