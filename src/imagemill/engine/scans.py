"""Walks through the segments of a JPEG and counts its scans, decoding none. Knows JPEG's markers and nothing else."""

import re
from collections.abc import Iterator

from imagemill.domain.ports import Bytes
from imagemill.errors import CorruptImage

MAX_SEGMENTS = 4096
"""Of one image. A sound one has dozens, and some hundreds where a profile or a depth map is spread over them."""
START_OF_SCAN = 0xDA

_MARKER = re.compile(rb"\xff([\x01-\xcf\xd8-\xfe])")
# FF 00 is a stuffed byte and FF D0…D7 restarts: both belong to the coded data, so that one search skips all of it.
_END_OF_IMAGE = 0xD9
_WITHOUT_LENGTH = (0x01, 0xD8)


def segments(data: Bytes) -> Iterator[tuple[int, int]]:
    """The segments of the first image in a JPEG file: the marker, and where it ends. Coded data is passed over.

    Raises:
        CorruptImage: there are more than a sound file has; each costs whoever reads it.

    Source: ITU-T T.81, section B.1.1.
    """
    count = position = 0
    while (found := _MARKER.search(data, position)) and found[1][0] != _END_OF_IMAGE:
        count += 1
        if count > MAX_SEGMENTS:
            raise CorruptImage(f"A JPEG may have at most {MAX_SEGMENTS:,} segments.")
        marker, position = found[1][0], found.end()
        if marker not in _WITHOUT_LENGTH:
            position += int.from_bytes(data[position : position + 2], "big")
        yield marker, position


def count_scans(data: Bytes, enough: int) -> int:
    """Count the scans of the first image in a JPEG file, stopping one after `enough`.

    Raises:
        CorruptImage: as `segments`.
    """
    scans = 0
    for marker, _ in segments(data):
        scans += marker == START_OF_SCAN
        if scans > enough:
            break
    return scans
