"""Colours: everything becomes sRGB or grey of 8 bits, as a careful viewer would show it."""

import pytest
from PIL import Image

from imagemill.domain.formats import ImageFormat
from imagemill.domain.geometry import Size
from imagemill.engine import vips
from imagemill.engine.steps.colour import colour
from tests import images
from tests.unit.engine.rendering import context, mode, pixels, render

RED_JPEG = images.saved(Image.new("RGB", (40, 40), (255, 0, 0)), ImageFormat.JPEG)


def plain(color: str | tuple[int, ...], mode: str = "RGB", **options: object) -> bytes:
    """A PNG of one colour."""
    return images.saved(Image.new(mode, (40, 40), color), ImageFormat.PNG, **options)


def shown(data: bytes, **options: object) -> tuple[int, ...]:
    """The colour that a plain picture has when it comes out."""
    return tuple(int(channel) for channel in pixels(render(data, width=20, format="png", **options))[10, 10])


def test_an_srgb_picture_is_left_alone() -> None:
    """The guard: the common picture costs nothing."""
    image = vips.open(images.photo_png(60, 40), ImageFormat.PNG)
    assert colour(image, context(Size(60, 40))) is image


def test_an_embedded_profile_is_heeded() -> None:
    """A profile that says that red is green makes red green."""
    assert shown(plain("red", icc_profile=images.swapped_profile())) == pytest.approx((0, 255, 0), abs=3)


def test_an_srgb_profile_changes_no_pixel() -> None:
    """A profile that says no more than sRGB is left out of the sums."""
    assert shown(plain((200, 100, 50), icc_profile=images.srgb_profile())) == (200, 100, 50)


NAMED_COLOURS = images.swapped_profile()[:12] + b"nmcl" + images.swapped_profile()[16:]


@pytest.mark.parametrize("profile", [b"junk" * 50, b"\x00" * 10, images.srgb_profile()[:300], NAMED_COLOURS])
def test_a_broken_profile_is_ignored(profile: bytes) -> None:
    """A picture does not fail for its profile."""
    assert shown(plain((200, 100, 50), icc_profile=profile)) == (200, 100, 50)


def test_a_profile_of_another_colour_space_is_ignored() -> None:
    """An RGB profile in a grey picture says nothing."""
    data = images.saved(Image.new("L", (40, 40), 90), ImageFormat.PNG, icc_profile=images.swapped_profile())
    assert shown(data) == pytest.approx((90,), abs=1)


@pytest.mark.parametrize("profile", [None, b"junk" * 50, images.srgb_profile()])
def test_cmyk_becomes_srgb(profile: bytes | None) -> None:
    """CMYK without a profile that fits is converted by libvips' own: a light yellowish green here."""
    options = {"icc_profile": profile} if profile else {}
    data = images.saved(images.opened(images.cmyk_jpeg(40, 40)), ImageFormat.JPEG, quality=95, **options)
    red, green, blue = shown(data)
    assert 150 < red < 215
    assert green > 190
    assert blue < 90


@pytest.mark.parametrize(("format", "expected"), [("png", "RGB"), ("jpeg", "RGB"), ("webp", "RGB"), ("avif", "RGB")])
def test_cmyk_comes_out_as_three_bands(format: str, expected: str) -> None:
    """No output has inks."""
    assert mode(render(images.cmyk_jpeg(40, 40), width=20, format=format)) == expected


def test_sixteen_bits_become_eight() -> None:
    """The high byte stays: half of white is 127 or 128, not clipped to 255."""
    assert shown(images.png_16_bit(40, 40, colour=(65535, 32768, 0))) == pytest.approx((255, 128, 0), abs=1)


def test_sixteen_bits_of_alpha_become_eight() -> None:
    """Alpha is brought to 8 bits like the colours."""
    assert shown(images.png_16_bit(40, 40, colour=(65535, 32768, 0, 32768))) == pytest.approx((255, 128, 0, 128), abs=1)


@pytest.mark.parametrize(("format", "expected"), [("png", "L"), ("jpeg", "L"), ("webp", "RGB"), ("avif", "RGB")])
def test_grey_stays_grey_where_the_format_can(format: str, expected: str) -> None:
    """One band in, one band out."""
    assert mode(render(images.grey_jpeg(60, 40), width=30, format=format)) == expected


def test_grey_with_alpha_stays_so() -> None:
    """Two bands in, two bands out."""
    assert mode(render(images.grey_png(60, 40, alpha=True), width=30, format="png")) == "LA"


def test_grey_takes_colour_on_a_coloured_background() -> None:
    """A grey picture on a red canvas needs three bands; on a grey canvas it does not."""
    box = {"width": 40, "height": 40, "fit": "contain", "format": "png"}
    assert mode(render(images.grey_jpeg(60, 40), background="#f00", **box)) == "RGB"
    assert mode(render(images.grey_jpeg(60, 40), background="#888", **box)) == "L"


def test_a_palette_becomes_colours() -> None:
    """Indexed colours and their clear entry are resolved before scaling."""
    rendered = render(images.palette_png(60, 40), width=30, format="png")
    assert mode(rendered) == "RGBA"


@pytest.mark.parametrize(
    ("mode", "value", "expected"), [("1", 1, 255), ("I;16", 32768, 128), ("F", 0.2159, 128), ("L", 77, 77)]
)
def test_a_tiff_of_any_depth_becomes_eight_bits(mode: str, value: float, expected: int) -> None:
    """One bit, sixteen bits and floating point come out as grey of 8 bits."""
    data = images.saved(Image.new(mode, (40, 40), value), ImageFormat.TIFF)
    assert shown(data) == pytest.approx((expected,), abs=1)


@pytest.mark.parametrize(("bands", "expected"), [(1, (40,)), (2, (40,)), (3, (40, 80, 120)), (5, (40, 80, 120))])
def test_bands_without_a_meaning_are_taken_as_colours(bands: int, expected: tuple[int, ...]) -> None:
    """A TIFF that does not say what its bands are shows the first three as RGB, or the first as grey."""
    rendered = render(images.tiff_bands(40, 40, bands, photometric=200), width=20, background="#fff", format="png")
    assert tuple(pixels(rendered)[10, 10]) == expected


@pytest.mark.parametrize("format", ["png", "jpeg", "webp", "avif", "gif"])
@pytest.mark.parametrize(("bands", "photometric"), [(1, 1), (2, 1), (3, 2), (4, 2), (5, 2), (4, 5), (5, 5)])
def test_any_number_of_bands_comes_out(bands: int, photometric: int, format: str) -> None:
    """Grey, RGB and CMYK, with alpha and with more than that: no output fails for its bands."""
    data = images.tiff_bands(40, 30, bands, photometric)
    for background in ({}, {"background": "#f00"}, {"background": "#f008"}):
        rendered = render(data, width=20, height=20, fit="contain", format=format, **background)
        assert rendered.size == Size(20, 20)


def test_a_profile_that_cannot_be_written_to_leaves_our_colours_alone() -> None:
    """Where it does not say how red is made, ours are told as they are."""
    profile = images.srgb_profile().replace(b"rXYZ", b"none")
    data = images.saved(Image.new("RGB", (40, 40), (9, 9, 9)), ImageFormat.PNG, icc_profile=profile)
    assert tuple(pixels(render(data, profile="keep", pad=20, background="#f80", format="png"), "RGB")[3, 3]) == (
        255, 136, 0
    )  # fmt: skip
