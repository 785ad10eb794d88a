"""The engine as a whole: many outputs from one decode, limits, damage, and no trace of where a picture was taken."""

from contextlib import suppress
from dataclasses import replace

import numpy as np
import pytest

from imagemill.domain.formats import FACTS, ImageFormat
from imagemill.domain.geometry import Size
from imagemill.domain.recipe import Recipe
from imagemill.engine import pipeline
from imagemill.engine.pipeline import VipsEngine
from imagemill.errors import BadInput, CorruptImage, TooManyPixels, UnsupportedImage
from tests import images
from tests.unit.engine.rendering import ENGINE, LIMITS, distance, pixels, render

WRITABLE = [format for format in ImageFormat if FACTS[format].writable]
WIDTHS = (40, 80, 160, 200)


def outputs(data: bytes, **shared: object) -> list[pipeline.Rendered]:
    """One output for each of WIDTHS, from one job."""
    return list(ENGINE.render(data, Recipe.parse({**shared, "outputs": [{"width": width} for width in WIDTHS]})))


@pytest.mark.parametrize("output", WRITABLE)
@pytest.mark.parametrize("source", images.READABLE)
def test_every_format_becomes_every_other(source: ImageFormat, output: ImageFormat) -> None:
    """What comes out is of the format and size asked for, and looks like what went in."""
    data = images.encoded(source, 120, 80)
    rendered = render(data, width=60, format=output.value)
    picture = images.opened(rendered.data)
    assert (rendered.format, rendered.size) == (output, Size(60, 40))
    assert (picture.format, picture.size) == (images.pillow_name(output), (60, 40))
    reference = images.opened(data).convert("RGB").resize((60, 40))
    assert distance(np.asarray(picture.convert("RGB")), np.asarray(reference)) < 16


@pytest.mark.parametrize("format", WRITABLE)
def test_two_runs_give_the_same_bytes(format: ImageFormat) -> None:
    """A second attempt at a job writes what the first one wrote."""
    data = images.photo_png(90, 60, alpha=True)
    assert render(data, width=50, format=format.value) == render(data, width=50, format=format.value)


def test_no_option_at_all_gives_the_default_box() -> None:
    """The recipe's default is 100 × 100, `cover`, in the source's own format."""
    rendered = render(images.encoded(ImageFormat.WEBP, 300, 200))
    assert (rendered.name, rendered.format, rendered.size) == ("image", ImageFormat.WEBP, Size(100, 100))


def test_dpr_multiplies_the_box() -> None:
    """CSS pixels × device pixel ratio are the output's pixels."""
    assert render(images.photo_jpeg(300, 200), width=50, dpr=1.5).size == Size(75, 50)


def test_quality_moves_the_size_of_the_file() -> None:
    """A lower quality gives fewer bytes."""
    data = images.photo_jpeg(300, 200)
    sizes = [len(render(data, width=200, quality=quality).data) for quality in (20, 60, 95)]
    assert sizes == sorted(sizes)


def test_only_the_first_frame_of_an_animation_is_taken() -> None:
    """For now an animation becomes a still picture of its first frame, which is red here."""
    for format in (ImageFormat.GIF, ImageFormat.WEBP):
        picture = images.opened(render(images.animated(format, 20, 20), width=10).data)
        assert getattr(picture, "n_frames", 1) == 1
        assert picture.convert("RGB").getpixel((5, 5)) == pytest.approx((255, 0, 0), abs=4)


def test_outputs_come_in_the_order_of_the_recipe() -> None:
    """Names, sizes and order are the recipe's, also where the largest is not the first."""
    made = outputs(images.photo_jpeg(400, 300))
    assert [output.name for output in made] == ["image-1", "image-2", "image-3", "image-4"]
    assert [output.size.width for output in made] == list(WIDTHS)


@pytest.mark.parametrize("alpha", [False, True])
@pytest.mark.parametrize("format", images.READABLE)
def test_many_outputs_equal_single_ones(format: ImageFormat, alpha: bool) -> None:
    """An output looks the same, whether it is made alone or together with others."""
    data = images.encoded(format, 400, 300, alpha=alpha)
    for width, together in zip(WIDTHS, outputs(data, format="png"), strict=True):
        alone = render(data, width=width, format="png")
        assert together.size == alone.size
        assert distance(pixels(together), pixels(alone)) < 1.5


def test_many_outputs_of_a_turned_picture_stand_upright() -> None:
    """The shared decode is in stored order; each output is turned."""
    for output in outputs(images.oriented_jpeg(400, 300, 6), format="png"):
        assert output.size.width > output.size.height
        assert tuple(pixels(output)[2, 2]) == pytest.approx((255, 0, 0), abs=8)


def test_many_outputs_of_a_small_picture_are_all_of_its_size() -> None:
    """Nothing is scaled where nothing may be enlarged."""
    data = images.photo_png(30, 20)
    for output in outputs(data):
        assert distance(pixels(output), pixels(render(data, width=30))) == 0


def test_a_distorted_output_spoils_no_other() -> None:
    """An output that is squeezed flat is no source for one that is not."""
    data = images.photo_jpeg(400, 300)
    recipe = Recipe.parse(
        {"format": "png", "outputs": [{"width": 300, "height": 10, "fit": "fill"}, {"width": 100, "name": "true"}]}
    )
    true = list(ENGINE.render(data, recipe))[1]
    assert distance(pixels(true), pixels(render(data, width=100, format="png"))) < 1.5


@pytest.mark.parametrize("alpha", [False, True])
@pytest.mark.parametrize("master_bytes", [0, 500_000, 2_000_000])
def test_a_large_picture_gives_the_same_with_less_memory(
    alpha: bool, master_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the decoded picture is too large to keep, it is shrunk first or decoded again, and nobody can tell."""
    data = images.photo_png(1000, 700, alpha=alpha)
    wanted = outputs(data, format="png")
    monkeypatch.setattr(pipeline, "MASTER_BYTES", master_bytes)
    for expected, made in zip(wanted, outputs(data, format="png"), strict=True):
        assert made.size == expected.size
        assert distance(pixels(made), pixels(expected)) < 1.5


def test_limits_are_checked_before_decoding() -> None:
    """The engine refuses by itself what is over the limit, even if nobody has looked before."""
    engine = VipsEngine(replace(LIMITS, pixels=100))
    with pytest.raises(TooManyPixels):
        next(engine.render(images.photo_jpeg(20, 20), Recipe.parse({})))


def test_an_output_stays_within_its_limit() -> None:
    """An output of more pixels than allowed is made smaller, not refused halfway."""
    engine = VipsEngine(replace(LIMITS, output_pixels=100))
    rendered = next(engine.render(images.photo_jpeg(40, 40), Recipe.parse({"width": 30, "height": 30})))
    assert rendered.size == Size(10, 10)


@pytest.mark.parametrize("fraction", [0.02, 0.1, 0.5, 0.9, 0.99])
@pytest.mark.parametrize("format", images.READABLE)
def test_a_cut_file_is_refused(format: ImageFormat, fraction: float) -> None:
    """Wherever a file ends too early, no half picture comes out."""
    data = images.truncated(images.encoded(format, 200, 150), fraction)
    with pytest.raises((CorruptImage, UnsupportedImage)):
        render(data, width=100)


@pytest.mark.parametrize("fraction", [0.3, 0.6, 0.97])
def test_a_cut_progressive_jpeg_is_refused(fraction: float) -> None:
    """Also where each scan that is there is whole."""
    with pytest.raises(CorruptImage):
        render(images.truncated(images.photo_jpeg(200, 150, progressive=True), fraction), width=100)


@pytest.mark.parametrize("fraction", [0.2, 0.5, 0.8])
@pytest.mark.parametrize("format", [ImageFormat.PNG, ImageFormat.GIF, ImageFormat.TIFF, ImageFormat.AVIF])
def test_damage_that_a_format_can_show_is_refused(format: ImageFormat, fraction: float) -> None:
    """Checksums and broken codes tell damage in the middle of these formats."""
    with pytest.raises(CorruptImage):
        render(images.corrupted(images.encoded(format, 200, 150), fraction), width=100)


@pytest.mark.parametrize("fraction", [0.001, 0.01, 0.03, 0.1, 0.2, 0.5, 0.8, 0.99])
@pytest.mark.parametrize("format", images.READABLE)
def test_damage_anywhere_ends_in_a_picture_or_a_refusal(format: ImageFormat, fraction: float) -> None:
    """Damage that a codec can hide may give a picture; nothing else may come of it."""
    is_jpeg = format is ImageFormat.JPEG
    whole = images.photo_jpeg(200, 150, progressive=True) if is_jpeg else images.encoded(format, 200, 150, alpha=True)
    with suppress(BadInput):
        assert render(images.corrupted(whole, fraction), width=100, height=100).size == Size(100, 100)


@pytest.mark.parametrize("output", WRITABLE)
@pytest.mark.parametrize("source", [format for format in images.READABLE if format is not ImageFormat.GIF])
def test_no_metadata_comes_out(source: ImageFormat, output: ImageFormat) -> None:
    """Camera, place, XMP and profile stay behind, from every format to every other."""
    data = images.with_metadata(source, 60, 40)
    assert images.MAKER.encode() in data
    rendered = render(data, width=30, format=output.value)
    picture = images.opened(rendered.data)
    assert images.MAKER.encode() not in rendered.data
    # A TIFF is made of tags, and two of its own are among what EXIF has: how the picture lies, and how fine it is.
    assert output is ImageFormat.TIFF or not picture.getexif()
    assert not picture.getexif().get_ifd(images.GPS_IFD)
    assert not picture.info.get("icc_profile")
    assert not picture.info.get("xmp")


def test_what_is_appended_to_an_image_does_not_come_out() -> None:
    """An archive or a page behind an image is no pixel."""
    data = images.photo_jpeg(60, 40) + b"PK\x03\x04<script>alert(1)</script>"
    assert b"script" not in render(data, width=30).data


def test_the_steps_are_the_table_of_contents() -> None:
    """The order is a promise: a change of it changes pixels and needs a new RECIPE_VERSION."""
    assert [step.__name__ for step in pipeline.STEPS] == [
        "precrop",
        "scale",
        "orient",
        "crop",
        "colour",
        "background",
        "canvas",
        "metadata",
    ]
