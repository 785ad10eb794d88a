"""Colours that a file tells in numbers: Display P3 in an AVIF or a PNG without a profile."""

import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from imagemill.domain.formats import ImageFormat
from imagemill.engine.primaries import is_p3
from tests import images
from tests.unit.engine.rendering import pixels, render

INSIDE, SRGB = (234, 51, 35), (255, 0, 0)
"""Red of sRGB, as Display P3 writes it."""


def avif(primaries: int, transfer: int, **options: object) -> bytes:
    """A plain AVIF that says this of its colours."""
    picture = Image.new("RGB", (32, 32), INSIDE)
    data = images.saved(picture, ImageFormat.AVIF, quality=100, subsampling="4:4:4", **options)
    at = data.index(b"colrnclx") + 8
    return data[:at] + struct.pack(">2H", primaries, transfer) + data[at + 4 :]


def png(primaries: int, transfer: int, **options: object) -> bytes:
    """The same as PNG."""
    data = images.saved(Image.new("RGB", (32, 32), INSIDE), ImageFormat.PNG, **options)
    body = b"cICP" + bytes((primaries, transfer, 0, 1))
    return data[:33] + struct.pack(">I", 4) + body + struct.pack(">I", zlib.crc32(body)) + data[33:]


@pytest.mark.parametrize(("make", "format"), [(avif, ImageFormat.AVIF), (png, ImageFormat.PNG)])
def test_display_p3_is_heeded(make: object, format: ImageFormat) -> None:
    """As a browser does: converted, or with the profile of the same name; nothing else is touched."""
    data = make(12, 13)
    assert pixels(render(data, format="png"))[9, 9] == pytest.approx(SRGB, abs=6)
    kept = render(data, profile="keep", format="png")
    assert pixels(kept)[9, 9] == pytest.approx(INSIDE, abs=3)
    assert images.opened(kept.data).info["icc_profile"]
    for numbers in ((1, 13), (2, 2), (12, 16)):
        assert pixels(render(make(*numbers), format="png"))[9, 9] == pytest.approx(INSIDE, abs=3)


def test_a_png_of_many_parts_is_given_up() -> None:
    """What stands behind a thousand chunks is not looked for."""
    data = png(12, 13)
    body = b"tEXta\0b"
    text = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    assert is_p3(data[:33] + text * 9 + data[33:], ImageFormat.PNG)
    assert not is_p3(data[:33] + text * 1001 + data[33:], ImageFormat.PNG)


def test_a_profile_says_more() -> None:
    """Where both are there, the profile counts."""
    data = png(12, 13, icc_profile=images.swapped_profile())
    red, green, _ = pixels(render(data, format="png"))[9, 9]
    assert green > red


@pytest.mark.parametrize("make", [avif, png])
def test_a_file_that_breaks_off_says_nothing(make: object) -> None:
    """At every length, and with any byte changed, there is an answer."""
    data = make(12, 13)
    format = ImageFormat.AVIF if make is avif else ImageFormat.PNG
    for end in range(400):
        assert is_p3(data[:end], format) in (False, True)
    random = np.random.default_rng(1)
    for at in random.integers(0, 400, 500):
        broken = bytearray(data)
        broken[at % len(data)] ^= 1 << int(random.integers(8))
        assert is_p3(bytes(broken), format) in (False, True)
