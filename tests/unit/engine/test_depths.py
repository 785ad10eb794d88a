"""Numbers that only a TIFF has: more than 16 bits, signs, floats."""

import struct

import numpy as np
import numpy.typing as npt
import pytest

from imagemill.domain.formats import ImageFormat
from imagemill.errors import UnsupportedImage
from tests import images, samples
from tests.unit.engine.rendering import ENGINE, distance, mode, pixels, render

RGB = np.asarray(images.photo(60, 40))
GREY = np.asarray(images.photo(60, 40).convert("L"))[..., None]
WHOLE = {"u4": 2**32 - 1, "i4": 2**31 - 1, "i2": 2**15 - 1, "i1": 2**7 - 1, "u2": 2**16 - 1}


@pytest.mark.parametrize("kind", WHOLE)
@pytest.mark.parametrize("colours", [RGB, GREY], ids=["rgb", "grey"])
def test_whole_numbers_are_as_light_as_their_share_of_the_greatest(kind: str, colours: npt.NDArray[np.uint8]) -> None:
    """The greatest number is white, whatever it is."""
    data = samples.tiff(np.round(colours / 255 * WHOLE[kind]).astype(f"<{kind}"))
    rendered = render(data, width=60, height=40, format="png")
    assert mode(rendered) == ("RGB" if colours is RGB else "L")
    assert distance(pixels(rendered), colours.astype(np.int16)) < 1


@pytest.mark.parametrize("kind", ["f4", "f2"])
@pytest.mark.parametrize("colours", [RGB, GREY], ids=["rgb", "grey"])
def test_floats_are_light(kind: str, colours: npt.NDArray[np.uint8]) -> None:
    """From 0 to 1: half of the light is 188, as on any screen."""
    data = samples.tiff(_light(colours / 255).astype(f"<{kind}"))
    assert distance(pixels(render(data, width=60, height=40, format="png")), colours.astype(np.int16)) < 1


@pytest.mark.parametrize("colours", [RGB, GREY], ids=["rgb", "grey"])
def test_alpha_is_a_share_in_any_depth(colours: npt.NDArray[np.uint8]) -> None:
    """Half clear is half clear, of whole numbers and of floats."""
    half = np.full((40, 60, 1), 0.5)
    light = np.dstack([_light(colours / 255), half]).astype("<f4")
    whole = np.round(np.dstack([colours / 255, half]) * (2**32 - 1)).astype("<u4")
    for numbers in (light, whole):
        shown = pixels(render(samples.tiff(numbers), width=60, height=40, format="png"))
        assert np.abs(shown[..., -1] - 128).max() <= 1
        assert distance(shown[..., :-1], colours.astype(np.int16)) < 1


@pytest.mark.parametrize("kind", ["u1", "u2"])
def test_inks_have_an_alpha_of_their_own_depth(kind: str) -> None:
    """Scaled or not, what is half clear is, and has the colour that the same inks have without alpha."""
    shares = np.full((40, 60, 5), [0.2, 0.6, 0.1, 0.0, 0.5])
    inks = np.round(shares * np.iinfo(kind).max).astype(f"<{kind}")
    opaque = pixels(render(samples.tiff(inks[..., :4], inks=True), width=60, height=40, format="png"))
    for width in (60, 30):
        shown = pixels(render(samples.tiff(inks, inks=True), width=width, format="png"))
        assert np.abs(shown[..., 3] - 128).max() <= 1
        assert np.abs(shown[..., :3] - opaque[0, 0]).max() <= 2


def test_floats_with_a_profile_are_the_profiles() -> None:
    """Its curve says what they mean."""
    picture = samples.tiff((RGB / 255).astype("<f4"), profile=images.srgb_profile())
    assert distance(pixels(render(picture, width=60, height=40, format="png")), RGB.astype(np.int16)) < 1


def test_numbers_that_are_no_light_are_no_trouble() -> None:
    """Less than nothing is black, more than all is white; so is what is no number at all, or the other."""
    numbers = np.array([[[-1e30], [-0.5], [0.0], [1.0], [7.0], [1e30], [np.inf], [np.nan]]], "<f4")
    shown = pixels(render(samples.tiff(numbers), width=8, format="png"))[0, :, 0]
    assert shown[:7].tolist() == [0, 0, 0, 255, 255, 255, 255]


def test_trim_counts_levels_in_any_depth() -> None:
    """Its tolerance means what it means elsewhere."""
    numbers = np.zeros((40, 60, 1), "<f4")
    numbers[10:20, 10:30] = 0.5
    assert render(samples.tiff(numbers), trim=10, format="png").size.width == 20


@pytest.mark.parametrize("kind", ["f8"])
def test_what_libvips_does_not_read_is_refused_as_such(kind: str) -> None:
    """It is sound, and not called damaged."""
    with pytest.raises(UnsupportedImage):
        ENGINE.probe(samples.tiff(RGB.astype(f"<{kind}")))


def test_a_codec_that_is_not_there_is_refused_as_such() -> None:
    """Its pixels cannot be read, so it shows when the job runs."""
    data = samples.tiff(RGB, compression=50000)  # Zstandard
    with pytest.raises(UnsupportedImage):
        render(data, width=10, format="png")


@pytest.mark.parametrize("bits", [10, 12, 16])
def test_deep_colours_of_jpeg_2000_are_refused(bits: int) -> None:
    """Pillow would show white as black."""
    data = bytearray(samples.sample(ImageFormat.JP2, 16, 16))
    depths = data.index(b"\xff\x4f\xff\x51") + 42
    data[depths : depths + 9 : 3] = bytes([bits - 1] * 3)
    with pytest.raises(UnsupportedImage, match="8 bits"):
        ENGINE.probe(bytes(data))


def test_pillow_too_says_what_it_does_not_read() -> None:
    """A BMP of bits that nobody writes."""
    head = struct.pack("<IiiHHIIiiII", 40, 4, 4, 1, 16, 3, 32, 0, 0, 0, 0) + struct.pack("<3I", 0xF000, 0xF00, 0xF)
    data = b"BM" + struct.pack("<IHHI", 14 + len(head) + 32, 0, 0, 14 + len(head)) + head + bytes(32)
    with pytest.raises(UnsupportedImage):
        render(data, format="png")


def _light(tones: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.where(tones <= 0.04045, tones / 12.92, ((tones + 0.055) / 1.055) ** 2.4)
