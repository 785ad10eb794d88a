"""Finds where the pixels of a JPEG or a PNG begin, and refuses a head that would keep a codec busy.

libjpeg keeps each segment and libpng unpacks each text: millions of empty ones in a file of 32 MB cost the API most of
a gigabyte, and texts that unpack to 40 MB each cost it most of a minute. Knows segments and chunks, not what they say.
"""

import struct
import zlib
from contextlib import suppress

from imagemill.domain.formats import ImageFormat
from imagemill.domain.ports import Bytes
from imagemill.engine.scans import START_OF_SCAN, segments
from imagemill.errors import CorruptImage

MAX_CHUNKS = 4096
"""Before a PNG's pixels. A sound file has dozens."""
MAX_UNPACKED_BYTES = 16 * 2**20
"""Of all packed texts of a PNG. They may be a thousandth of what they unpack to, at a second a gigabyte."""

_KEYWORD_BYTES = 80  # with the zero behind it
_LANGUAGE_BYTES = 1024  # and the keyword translated, each with a zero behind it
_STEP_BYTES = 2**16


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
    at, left = 8, MAX_UNPACKED_BYTES
    for _ in range(MAX_CHUNKS):
        if at + 8 > len(data):
            return len(data)
        length, name = struct.unpack_from(">I4s", data, at)
        if name == b"IDAT":
            return at
        left -= _unpacked_bytes(_packed(name, data[at + 8 : at + 8 + length]), left)
        if left < 0:
            raise CorruptImage(f"A PNG may have at most {MAX_UNPACKED_BYTES:,} bytes of packed texts.")
        at += 12 + length
    raise CorruptImage(f"A PNG may have at most {MAX_CHUNKS:,} chunks before its pixels.")


def _packed(name: bytes, body: Bytes) -> Bytes:
    """What of a chunk is to be unpacked; nothing of most."""
    if name not in (b"zTXt", b"iTXt"):
        return b""
    flags = bytes(body[:_KEYWORD_BYTES]).find(b"\0") + 1
    if name == b"zTXt":
        return body[flags + 1 :]
    if bytes(body[flags : flags + 1]) != b"\1":
        return b""
    begin = flags + 2
    for _ in ("language", "keyword"):
        begin += bytes(body[begin : begin + _LANGUAGE_BYTES]).find(b"\0") + 1
    return body[begin:]


def _unpacked_bytes(packed: Bytes, most: int) -> int:
    """How many bytes it becomes; counted no further than one step past the most."""
    unpacking, count = zlib.decompressobj(), 0
    with suppress(zlib.error):  # damage, of which libpng leaves the text out
        while packed and count <= most:
            count += len(unpacking.decompress(packed, _STEP_BYTES))
            packed = unpacking.unconsumed_tail
    return count
