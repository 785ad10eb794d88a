"""Reads of an AVIF whether it is a sequence: how many frames, of what size, and how often they are played.

libheif, which reads the rest of an AVIF's header, tells of the picture in front only. Knows bytes, nothing of pixels.

Source: ISO/IEC 14496-12, sections 8.3.2 (`tkhd`), 8.3.3 (`tref`), 8.6.6 (`elst`), 8.7.3 (`stsz`); ISO/IEC 23008-12,
section 9.6, for an edit list that is played over and over.
"""

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from imagemill.domain.geometry import Size
from imagemill.domain.ports import Bytes
from imagemill.engine.headers import boxes
from imagemill.engine.roll import FOR_EVER
from imagemill.errors import CorruptImage

_MOST_PLAYS = 65_535  # What GIF and WebP have room for.
_REPEATED = 1
_ENDLESS = (2**32 - 1, 2**64 - 1)


@dataclass(frozen=True, slots=True)
class Sequence:
    """The track of pictures in a file.

    Args:
        frames: how many there are.
        size: of each, as it is stored.
        plays: how often they are shown, one after the other; `FOR_EVER`, also where the file does not say.
    """

    frames: int
    size: Size
    plays: int


Parts = Mapping[bytes, tuple[int, int]]


def read_sequence(data: Bytes) -> Sequence | None:
    """The sequence of an AVIF; None if there is none, or none that can be understood."""
    try:
        track = next(_tracks(data), None)
        return None if track is None else _sequence(data, track)
    except (CorruptImage, struct.error, LookupError, ValueError):
        return None


def _tracks(data: Bytes) -> Iterator[Parts]:
    # One that refers to another is its transparency.
    movie = _parts(data, (0, len(data)))[b"moov"]
    for name, place in boxes(data, *movie):
        if name == b"trak" and b"tref" not in (track := _parts(data, place)):
            yield track


def _sequence(data: Bytes, track: Parts) -> Sequence:
    at, end = track[b"tkhd"]
    # In the second version times are of 8 bytes.
    (duration,) = struct.unpack_from(">Q", data, at + 28) if data[at] else struct.unpack_from(">I", data, at + 20)
    width, height = struct.unpack_from(">2I", data, end - 8)
    media = track[b"mdia"]
    for name in (b"minf", b"stbl", b"stsz"):
        media = _parts(data, media)[name]
    (frames,) = struct.unpack_from(">I", data, media[0] + 8)
    # Sides are in 65,536ths of a pixel.
    return Sequence(frames, Size(width >> 16, height >> 16), _plays(data, track, duration))


def _plays(data: Bytes, track: Parts, duration: int) -> int:
    if b"edts" not in track:
        return FOR_EVER
    at, _ = _parts(data, track[b"edts"])[b"elst"]
    if not data[at + 3] & _REPEATED:
        return 1
    (once,) = struct.unpack_from(">Q" if data[at] else ">I", data, at + 8)
    return FOR_EVER if duration in _ENDLESS or not once else min(-(-duration // once), _MOST_PLAYS)


def _parts(data: Bytes, place: tuple[int, int]) -> Parts:
    return dict(boxes(data, *place))
