"""EXIF: what libexif would follow without end is refused before it is asked; what cameras write is let in."""

import struct
import time
from io import BytesIO

import pytest
from PIL import Image

from imagemill.domain.formats import ImageFormat
from imagemill.engine.exif import MAX_ENTRIES, check_exif
from imagemill.errors import CorruptImage
from tests import images
from tests.unit.engine.rendering import ENGINE

WRAPPED = (ImageFormat.JPEG, ImageFormat.PNG, ImageFormat.WEBP, ImageFormat.AVIF)
"""The formats in which libvips reads EXIF."""


def wrapped(exif: bytes, format: ImageFormat) -> bytes:
    """A picture that carries EXIF as it is given."""
    file = BytesIO()
    Image.new("RGB", (24, 16), (200, 90, 10)).save(file, images.pillow_name(format), exif=b"Exif\0\0" + exif)
    return file.getvalue()


def directories(order: str, *tables: list[tuple[int, int]]) -> bytes:
    """EXIF of directories, each told as tags with the number of the directory that each points to."""
    starts = [8]
    for table in tables:
        starts.append(starts[-1] + 2 + 12 * len(table) + 4)
    parts = [{"<": b"II*\0", ">": b"MM\0*"}[order], struct.pack(order + "I", 8)]
    for table in tables:
        entries = (struct.pack(order + "2H2I", tag, 4, 1, starts[to]) for tag, to in table)
        parts += [struct.pack(order + "H", len(table)), *entries, bytes(4)]
    return b"".join(parts)


@pytest.mark.parametrize("format", WRAPPED)
@pytest.mark.parametrize("count", [20, 200, 2000])
def test_directories_that_point_to_themselves(format: ImageFormat, count: int) -> None:
    """Refused at once, in all formats: libexif would read them for minutes."""
    data = wrapped(images.exif_of_pointers(count), format)
    started = time.monotonic()
    with pytest.raises(CorruptImage, match="EXIF"):
        ENGINE.probe(memoryview(data))
    assert time.monotonic() - started < 1


@pytest.mark.parametrize("order", ["<", ">"])
def test_directories_that_point_to_each_other(order: str) -> None:
    """In either order of bytes, and over as many stations as there are."""
    pair = [(0x8825, 2)] * 50, [(0x8769, 1)] * 50
    exif = directories(order, [(0x8769, 1)] * 50, *pair)
    with pytest.raises(CorruptImage, match=f"{MAX_ENTRIES:,}"):
        check_exif(exif, len(exif), ImageFormat.JPEG)


@pytest.mark.parametrize("order", ["<", ">"])
def test_directories_as_cameras_write_them(order: str) -> None:
    """The picture, the shot, the standard and the place; a pointer to its own kind is not followed."""
    exif = directories(order, [(0x0110, 0), (0x8769, 1), (0x8825, 3)], [(0x8769, 1), (0xA005, 2)], [(1, 0)], [(1, 0)])
    check_exif(exif * 20, 20 * len(exif), ImageFormat.JPEG)
    for format in WRAPPED:
        assert ENGINE.probe(wrapped(exif, format)).size.width == 24
        assert ENGINE.probe(images.oriented(format, 24, 16, 6)).size.width == 24


@pytest.mark.parametrize("cut", range(4, 30))
def test_a_directory_past_the_end(cut: int) -> None:
    """What is not there is not followed; that it is missing is for others to say."""
    exif = directories("<", [(0x8769, 1)], [(0xA005, 0)])[:cut]
    check_exif(memoryview(exif), len(exif), ImageFormat.PNG)


def test_exif_in_parts() -> None:
    """An AVIF may put an item together from parts, so that it stands nowhere as libexif will see it: it is refused."""
    data = wrapped(images.exif_of_pointers(1), ImageFormat.AVIF)
    assert ENGINE.probe(data).size.width == 24
    with pytest.raises(CorruptImage):
        ENGINE.probe(in_two_parts(data))


@pytest.mark.parametrize("more", [b"more", b"trailing bytes here", b"\0\0\0\1more" + bytes(20)])
def test_what_lies_behind_an_avif_is_passed_over(more: bytes) -> None:
    """Readers go as far as they understand; what a tool has added behind hides no EXIF."""
    data = wrapped(images.exif_of_pointers(1), ImageFormat.AVIF)
    assert ENGINE.probe(data + more).size.width == 24


@pytest.mark.parametrize("format", [ImageFormat.TIFF, ImageFormat.WEBP])
def test_pixels_that_look_like_exif(format: ImageFormat) -> None:
    """Only where EXIF may stand is it looked for: pixels may be of any bytes."""
    file = BytesIO()
    Image.new("RGBA", (200, 200), (77, 77, 0, 42)).save(file, images.pillow_name(format), lossless=True)
    data = file.getvalue()
    assert ENGINE.probe(data if format is ImageFormat.TIFF else with_comment(data)).size.width == 200


def with_comment(data: bytes) -> bytes:
    """A WebP with a chunk of no known kind, in which directories point to themselves."""
    told = images.exif_of_pointers(200)
    body = data[8:] + b"note" + struct.pack("<I", len(told)) + told + bytes(len(told) % 2)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def in_two_parts(data: bytes) -> bytes:
    """An AVIF whose last item, the EXIF, is told in two extents."""
    at = data.index(b"iloc") - 4
    (length,) = struct.unpack_from(">I", data, at)
    # Of Pillow's: version 0, offsets and lengths of four bytes, one extent an item.
    count, place, size = struct.unpack_from(">H2I", data, at + length - 10)
    assert count == 1
    parts = struct.pack(">H4I", 2, place + 8, 6, place + 14, size - 6)
    grown = bytearray(data[: at + length - 10] + parts + data[at + length :])
    for box in (at, data.index(b"meta") - 4):
        (told,) = struct.unpack_from(">I", grown, box)
        struct.pack_into(">I", grown, box, told + 8)
    return bytes(grown)
