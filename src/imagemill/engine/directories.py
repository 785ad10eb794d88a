"""Counts the pages of a TIFF, and what their tags claim, without reading any. Knows TIFF's directories, nothing else.

libtiff copies what each tag points to, page by page. Tags may point to the same bytes over and over, so that a file of
17 MB kept it busy for half a minute, and a page of 400 tags cost seven gigabytes of memory.
"""

import struct
from dataclasses import dataclass

from imagemill.domain.ports import Bytes
from imagemill.errors import CorruptImage

MAX_COPIES = 2
"""How often over all tags may claim the bytes of the file. In a sound file hardly two share any."""

_MAX_ENTRIES = 0xFFFF  # of a directory; libtiff reads none that has more
_VALUE_BYTES = dict(enumerate((1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4), start=1)) | {16: 8, 17: 8, 18: 8}


@dataclass(frozen=True, slots=True)
class _Layout:
    """How wide the numbers are: (prefix of a directory, entry, reference to the next) and where the first one is."""

    count: struct.Struct
    entry: struct.Struct
    offset: struct.Struct
    first: int


def count_pages(data: Bytes, enough: int) -> int:
    """Count the pages, stopping one after `enough`.

    Raises:
        CorruptImage: together the tags claim far more bytes than the file has.

    Source: TIFF 6.0, section 2; for BigTIFF, libtiff's description of it.
    """
    layout = _layout(data)
    pages, claimed, at = 0, 0, layout.first
    while pages <= enough and (page := _number(layout.offset, data, at)):
        start = page + layout.count.size
        end = start + min(_number(layout.count, data, page), _MAX_ENTRIES) * layout.entry.size
        claimed += _claimed_bytes(layout.entry, data, data[start:end], layout.offset.size)
        if claimed > MAX_COPIES * len(data):
            raise CorruptImage("The tags of the TIFF claim more than the file holds.")
        pages, at = pages + 1, end
    return pages


def _layout(data: Bytes) -> _Layout:
    order = "<" if data[:2] == b"II" else ">"
    sizes = ("Q", "2xHQ8x", "Q", 8) if 43 in data[2:4] else ("H", "2xHI4x", "I", 4)
    count, entry, offset = (struct.Struct(order + size) for size in sizes[:3])
    return _Layout(count, entry, offset, sizes[3])


def _number(kind: struct.Struct, data: Bytes, at: int) -> int:
    # Past the end there is nothing.
    return int(kind.unpack_from(data, at)[0]) if at + kind.size <= len(data) else 0


def _claimed_bytes(entry: struct.Struct, data: Bytes, table: Bytes, inline: int) -> int:
    whole = table[: len(table) // entry.size * entry.size]
    values = (count * _VALUE_BYTES.get(kind, 0) for kind, count in entry.iter_unpack(whole))
    # A short value stands in its entry. A count out of the blue is damage that a reader skips, so it counts once.
    claimed: int = sum(min(value, len(data)) for value in values if value > inline)
    return len(whole) + claimed
