"""Counts the scans of a JPEG without decoding any. Knows JPEG's markers and nothing else."""

import re

from imagemill.domain.ports import Bytes

_MARKER = re.compile(rb"\xff([\x01-\xcf\xd8-\xfe])")
# FF 00 is a stuffed byte and FF D0…D7 restarts: both belong to the coded data, so that one search skips all of it.
_START_OF_SCAN, _END_OF_IMAGE = 0xDA, 0xD9
_WITHOUT_LENGTH = (0x01, 0xD8)


def count_scans(data: Bytes, enough: int) -> int:
    """Count the scans of the first image in a JPEG file, stopping one after `enough`.

    Source: ITU-T T.81, section B.1.1.
    """
    scans = position = 0
    while scans <= enough and (found := _MARKER.search(data, position)):
        marker, position = found[1][0], found.end()
        if marker == _END_OF_IMAGE:
            break
        scans += marker == _START_OF_SCAN
        if marker not in _WITHOUT_LENGTH:
            position += int.from_bytes(data[position : position + 2], "big")
    return scans
