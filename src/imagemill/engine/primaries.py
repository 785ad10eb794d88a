"""Reads which primaries an AVIF or a PNG says its colours have, where it says so in numbers and not by a profile.

Knows bytes only. Numbers of video; of all that there are, those of Display P3 are the ones that pictures have.

Source: ITU-T H.273, section 8; ISO/IEC 23008-12, section 6.5.5 (`colr`); PNG, third edition, section 11.3.2.6 (`cICP`).
"""

import struct

from imagemill.domain.formats import ImageFormat
from imagemill.domain.ports import Bytes
from imagemill.engine.headers import MAX_PARTS
from imagemill.engine.properties import properties
from imagemill.errors import CorruptImage

_P3, _SRGB_CURVE = 12, 13


def is_p3(data: Bytes, format: ImageFormat) -> bool:
    """Whether a file says that it is in Display P3; one that cannot be understood does not."""
    try:
        if format is ImageFormat.AVIF:
            return _of_avif(data) == (_P3, _SRGB_CURVE)
        return format is ImageFormat.PNG and _of_png(data) == (_P3, _SRGB_CURVE)
    except (CorruptImage, struct.error, LookupError):
        return False


def _of_avif(data: Bytes) -> tuple[int, int] | None:
    told = [data[start:stop] for name, (start, stop) in properties(data) if name == b"colr"]
    numbers = [struct.unpack_from(">2H", colour, 4) for colour in told if bytes(colour[:4]) == b"nclx"]
    return numbers[0] if numbers else None


def _of_png(data: Bytes) -> tuple[int, int] | None:
    at = 8
    for _ in range(MAX_PARTS):
        length, name = struct.unpack_from(">I4s", data, at)
        if name == b"cICP":
            return data[at + 8], data[at + 9]
        if name == b"IDAT":
            return None
        at += 12 + length
    return None
