"""The engine as a whole: many outputs from one decode, limits, damage, and no trace of where a picture was taken."""

from contextlib import suppress
from dataclasses import replace
from unittest.mock import patch

import numpy as np
import pytest

from imagemill.domain.formats import FACTS, ImageFormat
from imagemill.domain.geometry import Size
from imagemill.domain.recipe import Recipe
from imagemill.engine import pipeline, vips
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
    """Unless asked, an animation becomes a still picture of its first frame, which is red here."""
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
@pytest.mark.parametrize("format", [ImageFormat.PNG, ImageFormat.GIF, ImageFormat.TIFF])
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
        "crop",
        "scale",
        "orient",
        "flip",
        "flop",
        "rotate",
        "gravity",
        "colour",
        "brightness",
        "contrast",
        "gamma",
        "saturation",
        "hue",
        "grayscale",
        "tint",
        "pixelate",
        "blur",
        "sharpen",
        "watermark",
        "radius",
        "circle",
        "background",
        "canvas",
        "metadata",
    ]


PAIRS = [{"width": 60, "format": "jpeg"}, {"width": 60, "format": "webp"}, {"width": 30, "format": "webp"}]


def runs(data: bytes, **options: object) -> tuple[int, list[pipeline.Rendered]]:
    """How often the steps ran for a recipe, and what came out."""
    with patch.object(pipeline, "apply", wraps=pipeline.apply) as apply:
        made = list(ENGINE.render(data, Recipe.parse(options)))
    return apply.call_count, made


@pytest.mark.parametrize("outputs", [PAIRS, PAIRS[::-1]])
def test_outputs_that_differ_in_format_share_a_picture(outputs: list[dict[str, object]]) -> None:
    """The steps run once for each picture, and each file is what it would be alone."""
    data = images.photo_jpeg(240, 160)
    count, made = runs(data, outputs=outputs)
    assert count == 2
    for rendered, options in zip(made, outputs, strict=True):
        assert distance(pixels(rendered), pixels(render(data, **options))) < 6


@pytest.mark.parametrize("outputs", [PAIRS[:2], PAIRS[1::-1]])
def test_what_is_clear_shares_no_picture_with_what_cannot_be(outputs: list[dict[str, object]]) -> None:
    """WebP stays clear and JPEG gets its white, whichever comes first."""
    data = images.photo_png(240, 160, alpha=True)
    count, made = runs(data, outputs=outputs)
    assert count == 2
    assert {pixels(rendered).shape[2] for rendered in made} == {3, 4}
    (jpeg,) = (rendered for rendered in made if rendered.format is ImageFormat.JPEG)
    assert distance(pixels(jpeg), pixels(render(data, **PAIRS[0]))) < 1.5


def test_a_canvas_is_white_in_jpeg_and_clear_in_webp() -> None:
    """A picture that becomes clear on the way is not shared either."""
    pair = [{"format": "webp"}, {"format": "jpeg"}]
    _, made = runs(images.photo_jpeg(60, 40), width=60, height=60, fit="contain", outputs=pair)
    assert pixels(made[0]).shape[2] == 4
    assert tuple(pixels(made[1])[2, 2]) == pytest.approx((255, 255, 255), abs=3)


def test_pictures_are_kept_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no room to keep a picture it is made again, and nobody can tell."""
    data = images.photo_jpeg(240, 160)
    monkeypatch.setattr(pipeline, "MASTER_BYTES", 0)
    count, made = runs(data, outputs=PAIRS)
    assert count == 3
    assert distance(pixels(made[1]), pixels(render(data, **PAIRS[1]))) == 0


def test_one_picture_for_all_outputs_is_decoded_as_small_as_for_one() -> None:
    """Two formats of one size need no more of the original than one does."""
    data = images.photo_jpeg(800, 600)
    with patch.object(vips, "open", wraps=vips.open) as opened:
        list(ENGINE.render(data, Recipe.parse({"width": 100, "outputs": [{}, {"format": "webp"}]})))
    assert [call.args[2] for call in opened.call_args_list if len(call.args) > 2] == [4]


def test_a_poster_and_its_animation_come_from_one_job() -> None:
    """Where a format holds no frames the first is taken."""
    data = images.moving(ImageFormat.GIF, [100, 200], loop=0)
    recipe = Recipe.parse({"animated": True, "width": 24, "outputs": [{"format": "webp"}, {"format": "jpeg"}]})
    moving, still = ENGINE.render(data, recipe)
    assert (moving.frames, still.frames) == (2, 1)
    assert moving.size == still.size == Size(24, 16)
