"""From a picture to a file: qualities and formats that are looked for, bounds that are kept, searches that stop."""

import math
import subprocess
import sys
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
import pyvips
from PIL import AvifImagePlugin, Image, ImageDraw

from imagemill.domain.encoding import Encoding
from imagemill.domain.formats import ImageFormat
from imagemill.domain.ports import Rendered
from imagemill.domain.recipe import Recipe
from imagemill.engine import encode, pillow, vips
from imagemill.engine.encode import AUTO_QUALITIES, is_drawing
from imagemill.engine.raster import Raster
from imagemill.engine.savers import saver
from imagemill.engine.score import Reference
from imagemill.engine.search import TRIALS
from imagemill.errors import LeaseLost, MemoryLimitExceeded, OutputTooLarge, RenderFailed
from tests import images
from tests.unit.engine.rendering import ENGINE, distance, pixels, render

PHOTO = images.photo_jpeg(240, 160, quality=97)
WITH_A_DIAL = ("jpeg", "webp", "avif", "jp2")
FIRST_WEBP = """
import sys
from imagemill import wiring
from imagemill.config import Settings
from imagemill.domain.encoding import Encoding
from imagemill.domain.formats import ImageFormat
from imagemill.engine import pillow
from imagemill.engine.raster import Raster

wiring.for_worker(Settings())
ready = {*sys.modules}
pillow.encode_webp(Raster(bytes(3), 1, 1, 3), Encoding(ImageFormat.WEBP))
print(*({*sys.modules} - ready))
"""
"""Prints the modules that the first picture had to wait for."""


def drawing(*, alpha: bool = False) -> bytes:
    """A logo: areas of one colour, sharp edges."""
    picture = Image.new("RGBA", (240, 160), (255, 255, 255, 0 if alpha else 255))
    draw = ImageDraw.Draw(picture)
    draw.rectangle((20, 20, 110, 140), fill=(200, 30, 40, 255))
    draw.ellipse((120, 30, 220, 130), fill=(20, 60, 200, 255))
    return images.saved(picture, ImageFormat.PNG)


def lossless(data: bytes, **options: Any) -> bytes:
    """The same output as PNG: what a lossy one is compared with."""
    return render(data, **options, format="png").data


def likeness(rendered: Rendered, original: bytes) -> float:
    """The score of an output, worked out from its file."""
    return Reference(opened(original)).score(opened(images.saved(images.opened(rendered.data), ImageFormat.PNG)))


def opened(png: bytes) -> vips.Image:
    """A PNG as a picture in memory."""
    return vips.in_memory(vips.open(png, ImageFormat.PNG))


@pytest.mark.parametrize("format", WITH_A_DIAL)
def test_auto_quality_reaches_its_score_and_no_more(format: str) -> None:
    """The score is what the file shows; one quality less would not do."""
    made = render(PHOTO, format=format, quality="auto")
    assert made.quality is not None
    assert made.score is not None
    assert made.score >= 0.997
    assert made.score == pytest.approx(likeness(made, lossless(PHOTO)), abs=2e-4)
    below = render(PHOTO, format=format, quality=made.quality - 1)
    assert likeness(below, lossless(PHOTO)) < 0.997 + 2e-4


def test_a_lower_score_takes_fewer_bytes() -> None:
    """The target is the client's to choose."""
    sizes = [len(render(PHOTO, format="webp", quality="auto", score=score).data) for score in (0.95, 0.99, 0.998)]
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[2] / 2


def test_a_score_out_of_reach_takes_the_best_there_is() -> None:
    """No quality is so high that noise is kept whole; the answer tells what was reached."""
    noise = np.random.default_rng(1).integers(0, 255, (64, 64, 3), np.uint8)
    made = render(images.saved(Image.fromarray(noise), ImageFormat.PNG), format="jpeg", quality="auto", score=0.9999)
    assert made.quality == AUTO_QUALITIES[1]
    assert made.score is not None
    assert made.score < 0.9999


@pytest.mark.parametrize("format", ["png", "gif", "tiff"])
def test_auto_quality_of_a_format_without_the_dial_is_nothing(format: str) -> None:
    """There is nothing to look for, and nothing is measured."""
    made = render(PHOTO, width=60, format=format, quality="auto")
    assert (made.quality, made.score) == (None, None)


@pytest.mark.parametrize("format", WITH_A_DIAL)
def test_most_bytes_are_kept_with_the_best_quality_that_fits(format: str) -> None:
    """The file fits; it is the one of its quality, and a quality a little higher would not fit."""
    whole = render(PHOTO, format=format)
    most = len(whole.data) // 2
    made = render(PHOTO, format=format, maxBytes=most)
    assert made.quality is not None
    assert whole.quality is not None
    assert len(made.data) <= most
    assert made.data == render(PHOTO, format=format, quality=made.quality).data
    assert len(render(PHOTO, format=format, quality=min(whole.quality, made.quality + 5)).data) > most


def test_most_bytes_that_fit_change_nothing() -> None:
    """What is small enough is the file that there would be without."""
    assert render(PHOTO, format="webp", maxBytes=10**6).data == render(PHOTO, format="webp").data


@pytest.mark.parametrize(
    "options", [{"format": "jpeg"}, {"format": "png"}, {"format": "smallest"}, {"format": "webp", "lossless": True}]
)
def test_most_bytes_that_cannot_be_kept_fail(options: dict[str, Any]) -> None:
    """A clear failure, and no file that is larger than was asked for."""
    with pytest.raises(OutputTooLarge, match="maxBytes"):
        render(PHOTO, **options, maxBytes=100)


def test_most_bytes_win_over_a_score() -> None:
    """With both, the score is what is left of it."""
    free = render(PHOTO, format="jpeg", quality="auto")
    made = render(PHOTO, format="jpeg", quality="auto", maxBytes=len(free.data) // 2)
    assert len(made.data) <= len(free.data) // 2
    assert made.score is not None
    assert free.score is not None
    assert 0.9 < made.score < free.score
    assert made.score == pytest.approx(likeness(made, lossless(PHOTO)), abs=2e-4)


@pytest.mark.parametrize("options", [{"quality": "auto"}, {"maxBytes": 3000}])
def test_a_search_is_short_and_can_be_stopped(options: dict[str, Any]) -> None:
    """Between two attempts it asks whether to go on, and there are few."""
    asked = []
    list(ENGINE.render(PHOTO, Recipe.parse({"format": "jpeg", **options}), lambda: asked.append(1)))
    assert 1 <= len(asked) < TRIALS

    def stop() -> None:
        raise LeaseLost

    with pytest.raises(LeaseLost):
        list(ENGINE.render(PHOTO, Recipe.parse({"format": "jpeg", **options}), stop))


def test_a_plain_output_is_never_stopped_halfway() -> None:
    """One file, one attempt: nothing is asked."""
    asked: list[int] = []
    list(ENGINE.render(PHOTO, Recipe.parse({"format": "jpeg"}), lambda: asked.append(1)))
    assert asked == []


def test_smallest_takes_the_fewest_bytes_of_a_photograph() -> None:
    """None of the formats of photographs is smaller at its own quality, and PNG is not tried."""
    made = render(PHOTO, format="smallest")
    sizes = {format: len(render(PHOTO, format=format).data) for format in ("jpeg", "webp", "avif")}
    assert sizes[made.format.value] == len(made.data) == min(sizes.values())


@pytest.mark.parametrize("alpha", [False, True])
def test_smallest_draws_drawings_without_loss_where_that_is_smaller(alpha: bool) -> None:
    """A logo of few colours is lossless WebP or PNG, and keeps its clear parts."""
    data = drawing(alpha=alpha)
    made = render(data, format="smallest")
    assert made.format in (ImageFormat.WEBP, ImageFormat.PNG)
    assert made.quality is None
    seen = pixels(render(data, format="png"), "RGBA")[..., 3] > 0
    assert np.array_equal(pixels(made, "RGBA")[seen], pixels(render(data, format="png"), "RGBA")[seen])


def test_smallest_keeps_what_is_clear() -> None:
    """JPEG is no candidate for a picture that one can see through."""
    faded = images.photo_png(240, 160, alpha=True)
    made = render(faded, format="smallest")
    assert made.format in (ImageFormat.WEBP, ImageFormat.AVIF)
    assert pixels(made).shape[2] == 4


def test_an_alpha_that_hides_nothing_keeps_no_format_out() -> None:
    """A photograph with an opaque alpha channel is a photograph."""
    opaque = images.saved(images.photo(240, 160).convert("RGBA"), ImageFormat.PNG)
    assert len(render(opaque, format="smallest").data) == len(
        render(images.photo_png(240, 160), format="smallest").data
    )


def test_smallest_with_most_bytes_makes_the_smallest_smaller() -> None:
    """The winner's quality goes down first."""
    free = render(PHOTO, format="smallest")
    made = render(PHOTO, format="smallest", maxBytes=len(free.data) // 2)
    assert made.format is free.format
    assert len(made.data) <= len(free.data) // 2


def test_what_cannot_be_made_smaller_gives_way_to_what_can() -> None:
    """At full quality the lossless file of a page is the smallest; a bound below it is kept by AVIF."""
    page = Image.new("RGB", (240, 160), "white")
    page.paste(images.photo(60, 40), (20, 20))
    data = images.saved(page, ImageFormat.PNG)
    free = render(data, format="smallest", quality=100)
    made = render(data, format="smallest", quality=100, maxBytes=len(free.data) // 2)
    assert (free.quality, made.format) == (None, ImageFormat.AVIF)


@pytest.mark.parametrize("format", ["webp", "avif", "jp2", "png", "tiff"])
@pytest.mark.parametrize("alpha", [False, True])
def test_lossless_keeps_each_pixel(format: str, alpha: bool) -> None:
    """What comes out is what PNG would hold; colours under clear pixels may go."""
    data = images.photo_png(60, 40, alpha=alpha)
    made = render(data, width=50, format=format, lossless=True)
    assert made.quality is None
    ours, theirs = pixels(made, "RGBA"), pixels(render(data, width=50, format="png"), "RGBA")
    seen = theirs[..., 3] > 0
    assert np.array_equal(ours[..., 3], theirs[..., 3])
    assert np.array_equal(ours[seen], theirs[seen])


@pytest.mark.parametrize(("chroma", "halved"), [("4:2:0", True), ("4:4:4", False)])
@pytest.mark.parametrize("quality", [50, 95])
def test_chroma_is_kept_as_asked(chroma: str, halved: bool, quality: int) -> None:
    """At any quality; JPEG's header tells."""
    picture = images.opened(render(PHOTO, format="jpeg", chroma=chroma, quality=quality).data)
    assert (picture.layer[0][1:3] == (2, 2)) is halved


def test_avif_keeps_chroma_as_asked() -> None:
    """Red next to blue, one pixel each: halved, they become one colour."""
    stripes = np.zeros((32, 32, 3), np.uint8)
    stripes[:, ::2, 0], stripes[:, 1::2, 2] = 255, 255
    data = images.saved(Image.fromarray(stripes), ImageFormat.PNG)
    full, halved = (pixels(render(data, format="avif", chroma=chroma, quality=95)) for chroma in ("4:4:4", "4:2:0"))
    assert distance(full, stripes.astype(np.int16)) < 12
    assert distance(halved, stripes.astype(np.int16)) > 60


@pytest.mark.parametrize(("quality", "halved"), [(89, True), (90, False)])
@pytest.mark.parametrize("animated", [False, True])
def test_avif_keeps_chroma_whole_from_quality_90_on(animated: bool, quality: int, halved: bool) -> None:
    """Where nobody asked; of an animation as of a still picture, though another library writes it."""
    stripes = np.zeros((32, 32, 3), np.uint8)
    stripes[:, ::2, 0], stripes[:, 1::2, 2] = 255, 255
    frames = [Image.fromarray(frame) for frame in (stripes, stripes[:, ::-1])]
    data = images.saved(frames[0], ImageFormat.WEBP, save_all=True, append_images=frames[1:], lossless=True)
    made = render(data, format="avif", quality=quality, animated=animated)
    assert (distance(pixels(made), stripes.astype(np.int16)) > 60) is halved


@pytest.mark.parametrize("format", ["jpeg", "png"])
def test_progressive_files_show_a_coarse_picture_first(format: str) -> None:
    """JPEG in scans, PNG interlaced; without the option neither."""
    for progressive in (True, False):
        info = images.opened(render(PHOTO, width=60, format=format, progressive=progressive).data).info
        assert bool(info.get("progressive") or info.get("interlace")) is progressive


@pytest.mark.parametrize("colours", [2, 4, 16, 256])
@pytest.mark.parametrize("format", ["png", "gif"])
def test_a_palette_has_at_most_so_many_colours(format: str, colours: int) -> None:
    """By index, and no more of them than were asked for."""
    picture = images.opened(render(PHOTO, width=60, format=format, palette=colours).data)
    assert picture.mode == "P" or (colours == 2 and picture.mode in "1L")
    found = picture.convert("RGB").getcolors()
    assert found is not None
    assert 2 <= len(found) <= colours


def test_effort_buys_bytes() -> None:
    """More of it never makes a lossless file larger."""
    sizes = [len(render(PHOTO, format="png", effort=effort).data) for effort in (0, 5, 9)]
    assert sizes == sorted(sizes, reverse=True)


@pytest.mark.parametrize("source", ["L", "LA", "RGB", "RGBA"])
def test_jpeg_2000_holds_grey_and_alpha(source: str) -> None:
    """Bands come out as they went in, near in quality to what JPEG gives."""
    picture = images.photo(120, 80).convert(source)
    made = render(images.saved(picture, ImageFormat.PNG), format="jp2")
    assert images.opened(made.data).mode == source
    error = distance(pixels(made), np.atleast_3d(np.asarray(picture, np.int16)))
    assert 20 * math.log10(255 / error) > 38


def test_drawings_are_told_from_photographs() -> None:
    """By how many pixels equal their neighbour; a picture one pixel wide is as well drawn."""
    assert is_drawing(opened(drawing()))
    assert not is_drawing(opened(images.photo_png(64, 64)))
    assert is_drawing(opened(images.photo_png(1, 8)))


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
@pytest.mark.parametrize(
    "encoding",
    [
        *(Encoding(ImageFormat.WEBP, effort=effort) for effort in (0, None, 9)),
        *(Encoding(ImageFormat.WEBP, quality=quality) for quality in (1, 100)),
        *(Encoding(ImageFormat.WEBP, lossless=True, effort=effort) for effort in (None, 9)),
    ],
    ids=str,
)
def test_webp_is_the_same_from_both_libraries(mode: str, encoding: Encoding) -> None:
    """Byte by byte: which one writes is a matter of time alone. Where versions part, `RECIPE_VERSION` has to rise."""
    picture = opened(images.saved(images.photo(90, 61).convert(mode), ImageFormat.PNG))
    name, told = saver(encoding)
    assert pillow.encode_webp(vips.to_raster(picture), encoding) == vips.encode(picture, name, told | {"keep": "none"})


def test_a_picture_too_large_to_be_copied_stays_with_libvips() -> None:
    """It gives the same bytes and holds the pixels only once."""
    usual = render(PHOTO, format="webp").data
    with patch.object(encode, "COPIED_BYTES", 240 * 160 * 3 - 1), patch.object(pillow, "encode_webp", None):
        assert render(PHOTO, format="webp").data == usual


@pytest.mark.parametrize(
    "error", [MemoryError(), ValueError("encoding error 1"), ValueError("encoding error 2"), OSError("Out of memory")]
)
def test_too_little_memory_to_encode_is_said_as_such(error: Exception) -> None:
    """The job may be tried again."""
    with patch.object(Image.Image, "save", side_effect=error), pytest.raises(MemoryLimitExceeded):
        render(PHOTO, format="webp")


@pytest.mark.parametrize("format", ["webp", "jp2"])
def test_too_little_memory_for_a_copy_of_the_pixels_is_said_as_such(format: str) -> None:
    """Also where it is lacking before the encoder is asked: in libvips' hands, or in Pillow's."""
    lacking = pyvips.Error("unable to write to memory", "vips_image_write_to_memory: out of memory -- size == 31MB")
    with patch.object(vips.Image, "write_to_memory", side_effect=lacking), pytest.raises(MemoryLimitExceeded):
        render(PHOTO, format=format)
    with patch.object(Image, "frombytes", side_effect=MemoryError), pytest.raises(MemoryLimitExceeded):
        render(PHOTO, format=format)


def test_what_is_read_back_to_be_compared_has_no_other_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pillow's own limit on pixels fails no job whose output is within ours, whatever else this process has read."""
    pillow._opener.cache_clear()
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    monkeypatch.setattr(AvifImagePlugin, "DEFAULT_MAX_THREADS", 0)
    assert render(PHOTO, format="jp2", quality="auto").score
    assert AvifImagePlugin.DEFAULT_MAX_THREADS == 1, "one thread an image, as everywhere"
    pillow._opener.cache_clear()


def test_a_worker_is_ready_to_write_webp() -> None:
    """The first picture does not wait for Pillow to be imported, and least of all for formats that are not served."""
    command = [sys.executable, "-c", FIRST_WEBP]
    assert subprocess.run(command, check=True, capture_output=True, text=True).stdout.split() == []


def test_pillow_that_refuses_is_our_fault() -> None:
    """What fails after the pixels were read is no damage of the image."""
    pixel = Raster(bytes(3), 1, 1, 3)
    with pytest.raises(RenderFailed):
        pillow.encode_avif([pixel], [], Encoding(ImageFormat.AVIF, quality=10_000))
    with pytest.raises(RenderFailed):
        pillow.encode_webp(Raster(bytes(3 * 2**14), 2**14, 1, 3), Encoding(ImageFormat.WEBP))
