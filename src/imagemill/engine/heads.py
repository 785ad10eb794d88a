"""Finds where the pixels of a JPEG or a PNG begin, and refuses a head that would keep a codec busy.

libjpeg keeps each segment and libpng unpacks each text: millions of empty ones in a file of 32 MB cost the API most of
a gigabyte, and texts that unpack to 40 MB each cost it most of a minute. Knows segments and chunks, not what they say.
"""

import struct

from imagemill.domain.formats import ImageFormat
from imagemill.domain.ports import Bytes
from imagemill.engine.scans import START_OF_SCAN, segments
from imagemill.errors import CorruptImage

MAX_CHUNKS = 4096
"""Before a PNG's pixels. A sound file has dozens."""
MAX_PACKED_BYTES = 2**20
"""Of all packed texts of a PNG. They unpack to a thousand times as much, at a second a gigabyte."""

_KEYWORD_BYTES = 80  # with the zero behind it


def head_bytes(data: Bytes, format: ImageFormat) -> int:
    """How many bytes stand before the first pixels; of other formats all may.

    Raises:
        CorruptImage: the head has more parts, or more packed text, than a sound one.
    """
    if format is ImageFormat.JPEG:
        end = next((end for marker, end in segments(data) if marker == START_OF_SCAN), len(data))
        return min(end, len(data))
    return _png_head(data) if format is ImageFormat.PNG else len(data)


def _png_head(data: Bytes) -> int:
    # Source: PNG, third edition, sections 5.3 (chunks) and 11.3.3 (texts).
    at, packed = 8, 0
    for _ in range(MAX_CHUNKS):
        if at + 8 > len(data):
            return len(data)
        length, name = struct.unpack_from(">I4s", data, at)
        if name == b"IDAT":
            return at
        packed += length if _is_packed(name, data, at + 8) else 0
        if packed > MAX_PACKED_BYTES:
            raise CorruptImage(f"A PNG may have at most {MAX_PACKED_BYTES:,} bytes of packed texts.")
        at += 12 + length
    raise CorruptImage(f"A PNG may have at most {MAX_CHUNKS:,} chunks before its pixels.")


def _is_packed(name: bytes, data: Bytes, at: int) -> bool:
    if name != b"iTXt":
        return name == b"zTXt"
    return bytes(data[at : at + _KEYWORD_BYTES + 1]).partition(b"\0")[2][:1] != b"\0"
