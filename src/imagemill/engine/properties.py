"""The properties that an AVIF's pictures have: they lie side by side, whichever picture has them. Knows bytes only.

Source: ISO/IEC 23008-12, section 6.5 and 9.3 (`iprp`, `ipco`).
"""

import struct
from collections.abc import Iterator

from imagemill.domain.ports import Bytes
from imagemill.engine.headers import boxes
from imagemill.errors import CorruptImage

_TRANSFORMING = (b"irot", b"imir", b"clap")  # turn, mirror, cut


def properties(data: Bytes) -> Iterator[tuple[bytes, tuple[int, int]]]:
    """The name of each, and where its content begins and ends.

    Raises:
        CorruptImage, struct.error, LookupError: there are none, or none that can be understood.
    """
    at, end = dict(boxes(data, 0, len(data)))[b"meta"]
    at, end = dict(boxes(data, at + 4, end))[b"iprp"]
    at, end = dict(boxes(data, at, end))[b"ipco"]
    return boxes(data, at, end)


def is_transformed(data: Bytes) -> bool:
    """Whether any picture is to be turned, mirrored or cut before it is seen; also where that cannot be told."""
    try:
        return any(name in _TRANSFORMING for name, _ in properties(data))
    except (CorruptImage, struct.error, LookupError):
        return True
