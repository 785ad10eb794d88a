"""Follows EXIF's directories as libexif will, and refuses what would keep it busy. Reads nothing of what they say.

libexif reads a directory each time that one points to it, until that has become too deep: two hundred pointers to
where they stand, in two kilobytes, kept it busy for more than a minute. libvips asks it as soon as it opens a file, and
cannot be told not to.
"""

import re
import struct
from collections.abc import Iterator
from contextlib import suppress

from imagemill.domain.formats import ImageFormat
from imagemill.domain.ports import Bytes
from imagemill.engine.headers import DAMAGED, MAX_PARTS, boxes
from imagemill.errors import CorruptImage

MAX_ENTRIES = 20_000
"""Of all directories of a file, as often as they are read. A sound file has hundreds."""

_STARTS = ((re.compile(rb"II\*\0"), "<"), (re.compile(rb"MM\0\*"), ">"))
_TOP, _POINTERS = 0, frozenset([0x8769, 0x8825, 0xA005])  # to what is told of the picture, the place, the standard
_EXIF_ITEM = re.compile(b"Exif")
_CHUNK = re.compile(b"EXIF(.{4})", re.DOTALL)


def check_exif(data: Bytes, end: int, format: ImageFormat) -> None:
    """Refuse a file whose EXIF points to its own directories over and over.

    Looked for is what EXIF begins with, wherever it may stand: formats wrap it in many ways.

    Args:
        data: the file.
        end: where its pixels begin, or the file's end.
        format: whose wrapping it is.

    Raises:
        CorruptImage: following it would take longer than any sound file does, or it cannot be followed.
    """
    entries = 0
    for begin, stop in _places(data, end, format):
        for start, order in _STARTS:
            for found in start.finditer(data, begin, stop):
                for read in _read(data, found.start(), stop, order):
                    entries += read
                    if entries > MAX_ENTRIES:
                        raise CorruptImage(
                            f"The EXIF of an image may have at most {MAX_ENTRIES:,} entries, read one by one."
                        )


def _places(data: Bytes, end: int, format: ImageFormat) -> Iterator[tuple[int, int]]:
    # Where libvips may find EXIF. Of a format that is not here it asks for none.
    if format in (ImageFormat.JPEG, ImageFormat.PNG):
        yield 0, end
    elif format is ImageFormat.WEBP:
        for found in _CHUNK.finditer(data):
            yield found.end(), min(end, found.end() + int.from_bytes(found[1], "little"))
    elif format in (ImageFormat.AVIF, ImageFormat.HEIC) and _EXIF_ITEM.search(data):
        if _is_scattered(data):
            raise CorruptImage(DAMAGED)
        yield 0, end


def _read(data: Bytes, start: int, end: int, order: str) -> Iterator[int]:
    # Source: libexif's exif-data.c. It follows no pointer from a directory to one of its own kind.
    count, offset, entry = struct.Struct(order + "H"), struct.Struct(order + "I"), struct.Struct(order + "H6xI")
    unread = [(_TOP, _number(offset, data, start + 4, end))]
    while unread:
        kind, at = unread.pop()
        first = start + at + count.size
        whole = max(0, min(_number(count, data, start + at, end), (end - first) // entry.size))
        yield 1 + whole
        table = data[first : first + whole * entry.size]
        unread += [found for found in entry.iter_unpack(table) if found[0] in _POINTERS and found[0] != kind]
        if kind == _TOP and (thumbnail := _number(offset, data, first + len(table), end)):
            unread.append((1, thumbnail))


def _number(kind: struct.Struct, data: Bytes, at: int, end: int) -> int:
    # Past the end there is nothing.
    return int(kind.unpack_from(data, at)[0]) if at + kind.size <= end else 0


def _is_scattered(data: Bytes) -> bool:
    """Whether an item that holds EXIF is put together from parts, so that it stands nowhere as it will be read."""
    places: list[tuple[bytes, tuple[int, int]]] = []
    with suppress(CorruptImage, struct.error):
        # One by one: what makes no sense behind them is passed over by readers too.
        for place in boxes(data, 0, len(data)):
            places.append(place)  # noqa: PERF402 - a list of them all would be lost
    if len(places) == MAX_PARTS:
        return True
    try:
        for at, end in (place for name, place in places if name == b"meta"):
            told = {item for found in _inside(data, b"iinf", at + 4, end) for item in _exif_items(data, *found)}
            parts = [part for found in _inside(data, b"iloc", at + 4, end) for part in _parts(data, *found)]
            if any(item in told and count > 1 for item, count in parts):
                return True
    except (CorruptImage, struct.error, IndexError):
        return True
    return False


def _inside(data: Bytes, name: bytes, at: int, end: int) -> list[tuple[int, int]]:
    found = [*boxes(data, at, end)]
    if len(found) == MAX_PARTS:
        raise CorruptImage(DAMAGED)
    return [place for other, place in found if other == name]


def _exif_items(data: Bytes, at: int, end: int) -> Iterator[int]:
    # Source: ISO/IEC 14496-12, section 8.11.6 (`iinf`). An item's number, a protection, and four letters.
    for start, _ in _inside(data, b"infe", at + (6 if data[at] == 0 else 8), end):
        item, kind = struct.unpack_from(">I2x4s" if data[start] > 2 else ">H2x4s", data, start + 4)
        if kind == b"Exif":
            yield item


def _parts(data: Bytes, at: int, _end: int) -> Iterator[tuple[int, int]]:
    # Source: ISO/IEC 14496-12, section 8.11.3 (`iloc`). Widths of its numbers come first, four bits each.
    version, widths = data[at], struct.unpack_from(">H", data, at + 4)[0]
    offset, length, base = widths >> 12, widths >> 8 & 15, widths >> 4 & 15
    index = widths & 15 if version else 0
    number = ">I" if version > 1 else ">H"
    (items,) = struct.unpack_from(number, data, at + 6)
    if items > MAX_PARTS:
        raise CorruptImage(DAMAGED)
    at += 6 + struct.calcsize(number)
    for _ in range(items):
        (item,) = struct.unpack_from(number, data, at)
        at += struct.calcsize(number) + (4 if version else 2) + base
        (count,) = struct.unpack_from(">H", data, at)
        yield item, count
        at += 2 + count * (index + offset + length)
