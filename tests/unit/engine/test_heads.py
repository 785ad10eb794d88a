"""Heads: where the pixels begin, and a refusal of what would keep a codec busy before it comes to them."""

import struct
import time
import zlib

import numpy as np
import pytest

from imagemill.domain.formats import ImageFormat
from imagemill.engine.heads import MAX_CHUNKS, MAX_UNPACKED_BYTES, head_bytes
from imagemill.engine.scans import MAX_SEGMENTS
from imagemill.errors import CorruptImage
from tests import images
from tests.unit.engine.rendering import ENGINE

JPEG, PNG = images.photo_jpeg(32, 24), images.photo_png(32, 24)
PROGRESSIVE = images.photo_jpeg(32, 24, progressive=True)


def chunk(name: bytes, body: bytes = b"") -> bytes:
    """A chunk of a PNG."""
    return struct.pack(">I4s", len(body), name) + body + struct.pack(">I", zlib.crc32(name + body))


def png_with(chunks: bytes) -> bytes:
    """A PNG with further chunks behind its header."""
    return PNG[:33] + chunks + PNG[33:]


def jpeg_with(segments: bytes, whole: bytes = JPEG) -> bytes:
    """A JPEG with further segments before all others."""
    return whole[:2] + segments + whole[2:]


def test_pixels_begin_behind_the_head() -> None:
    """In a JPEG behind the header of its first scan, in a PNG at the first chunk of them; elsewhere anywhere."""
    scan = JPEG.index(b"\xff\xda")
    assert head_bytes(memoryview(JPEG), ImageFormat.JPEG) == scan + 2 + int.from_bytes(JPEG[scan + 2 : scan + 4], "big")
    assert head_bytes(memoryview(PNG), ImageFormat.PNG) == PNG.index(b"IDAT") - 4
    assert head_bytes(b"RIFF", ImageFormat.WEBP) == 4


@pytest.mark.parametrize("data", [JPEG[:20], JPEG[: JPEG.index(b"\xff\xda") + 6], PNG[:20], PNG[:36], b""])
def test_a_head_that_is_cut_short_ends_with_the_file(data: bytes) -> None:
    """Damage is the decoder's business."""
    assert head_bytes(data, ImageFormat.PNG if data.startswith(PNG[:8]) else ImageFormat.JPEG) == len(data)


@pytest.mark.parametrize(
    "data",
    [
        jpeg_with(b"\xff\xe1\0\2" * 2_000_000),
        jpeg_with(b"\xff\x01" * 2_000_000),
        PROGRESSIVE.replace(b"\xff\xda", b"\xff\xfe\0\2" * 2_000_000 + b"\xff\xda", 2),
        png_with(chunk(b"tEXt", b"k\0v") * 500_000),
        png_with(chunk(b"eXIf", b"II*\0" + bytes(8)) * 500_000),
        png_with(chunk(b"zTXt", b"k\0\0" + zlib.compress(bytes(40 * 2**20), 9)) * 100),
        png_with(chunk(b"iTXt", b"k\0\1\0\0\0" + zlib.compress(bytes(40 * 2**20), 9)) * 100),
    ],
    ids=["segments", "markers", "between-scans", "texts", "exif", "packed", "packed-unicode"],
)
def test_a_head_without_end_is_refused_at_once(data: bytes) -> None:
    """Nothing is kept or unpacked of it: the API opens each file, and a thread of it is worth more than an odd file."""
    started = time.monotonic()
    with pytest.raises(CorruptImage, match="at most"):
        ENGINE.probe(memoryview(data))
    assert time.monotonic() - started < 1


def test_what_sound_files_have_is_let_in() -> None:
    """Profiles and depth maps over hundreds of segments, texts of half a megabyte in a packed and a plain way."""
    assert ENGINE.probe(jpeg_with((b"\xff\xe2\xff\xff" + bytes(65_533)) * 200)).size.width == 32
    assert ENGINE.probe(jpeg_with(b"\xff\xe2\0\2" * (MAX_SEGMENTS - 20))).size.width == 32
    assert ENGINE.probe(png_with(chunk(b"tEXt", b"k\0v") * (MAX_CHUNKS - 10))).size.width == 32
    assert ENGINE.probe(png_with(chunk(b"iTXt", b"k\0\0\0\0\0" + b"x" * 2 * MAX_UNPACKED_BYTES))).size.width == 32
    assert ENGINE.probe(png_with(packed(MAX_UNPACKED_BYTES // 2 - 100) * 2)).size.width == 32
    assert ENGINE.probe(png_with(chunk(b"zTXt", b"k\0\0" + noise(2**21)))).size.width == 32


def test_packed_texts_are_counted_as_what_they_become() -> None:
    """Few bytes may become many, in one text or in several together; a damaged one becomes what is left of it."""
    for many in (packed(MAX_UNPACKED_BYTES + 2**17), packed(MAX_UNPACKED_BYTES // 2) * 3):
        with pytest.raises(CorruptImage, match="packed texts"):
            ENGINE.probe(png_with(many))
    assert (
        ENGINE.probe(png_with(chunk(b"zTXt", b"no end of keyword" * 10) + chunk(b"iTXt", b"k\0\1\0"))).size.width == 32
    )


def packed(size: int) -> bytes:
    """A packed text that becomes this many bytes."""
    return chunk(b"iTXt", b"k\0\1\0en\0\0" + zlib.compress(bytes(size), 9))


def noise(size: int) -> bytes:
    """Packed bytes that take as many packed."""
    return zlib.compress(np.random.default_rng(1).bytes(size), 0)
