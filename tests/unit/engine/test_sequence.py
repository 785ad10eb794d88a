"""Sequences of AVIF: told without a decoder what a decoder finds, and nothing of bytes that make no sense."""

import pytest

from imagemill.domain.formats import ImageFormat
from imagemill.domain.geometry import Size
from imagemill.engine.roll import FOR_EVER
from imagemill.engine.sequence import Sequence, read_sequence
from tests import images
from tests.unit.engine.rendering import ENGINE, distance, pixels, render

DELAYS = [50, 100, 150]
DATA = images.moving(ImageFormat.AVIF, DELAYS, loop=0)

ENDLESS = 2**64 - 1


def played(track_duration: int, edit_duration: int, *, repeated: bool = True) -> bytes:
    """The sequence with other times: its writer uses those of 8 bytes."""
    data = bytearray(DATA)
    track, edit = data.index(b"tkhd") + 4, data.index(b"elst") + 4
    data[track + 28 : track + 36] = track_duration.to_bytes(8, "big")
    data[edit + 3] = int(repeated)
    data[edit + 8 : edit + 16] = edit_duration.to_bytes(8, "big")
    return bytes(data)


@pytest.mark.parametrize("alpha", [False, True])
def test_frames_and_size_are_told(alpha: bool) -> None:
    """Of the pictures; that transparency is a track of its own, with frames of its own, adds none."""
    data = images.moving(ImageFormat.AVIF, DELAYS, loop=0, width=40, height=30, alpha=alpha)
    assert read_sequence(memoryview(data)) == Sequence(3, Size(40, 30), FOR_EVER)
    header = ENGINE.probe(data)
    assert (header.frames, header.alpha) == (3, alpha)


def test_a_still_picture_is_no_sequence() -> None:
    """It has one frame."""
    data = images.encoded(ImageFormat.AVIF, 40, 30)
    assert read_sequence(data) is None
    assert ENGINE.probe(data).frames == 1


@pytest.mark.parametrize(
    ("data", "plays"),
    [
        (played(ENDLESS, 300), FOR_EVER),
        (played(900, 300), 3),
        (played(901, 300), 4),
        (played(2**63, 1), 65_535),
        (played(900, 0), FOR_EVER),
        (played(ENDLESS, 300, repeated=False), 1),
        (DATA.replace(b"edts", b"free"), FOR_EVER),
    ],
    ids=["endless", "three", "three and a part", "more than there is room for", "of no length", "once", "not told"],
)
def test_how_often_it_is_played(data: bytes, plays: int) -> None:
    """As often as the track is longer than what it repeats; a part of a round is one."""
    sequence = read_sequence(data)
    assert sequence is not None
    assert sequence.plays == plays


def test_a_sequence_in_another_size_than_the_picture_in_front_is_a_picture() -> None:
    """The limits have seen the picture's size."""
    data = bytearray(DATA)
    track = data.index(b"tkhd") - 4
    end = track + int.from_bytes(data[track : track + 4], "big")
    data[end - 8 : end - 4] = (4000 << 16).to_bytes(4, "big")
    assert read_sequence(data) == Sequence(3, Size(4000, 32), FOR_EVER)
    assert ENGINE.probe(bytes(data)).frames == 1


def test_a_sequence_that_is_to_be_turned_is_a_picture() -> None:
    """libvips turns the one in front, Pillow would leave all of them as they lie."""
    data = DATA.replace(b"pixi\0", b"irot\2", 1)
    assert ENGINE.probe(data).frames == 1
    plain, turned = (pixels(render(file, format="png", animated=True), "RGB") for file in (DATA, data))
    assert distance(turned, plain[::-1, ::-1]) < 20, "chroma is smoothed otherwise by each"
    assert distance(turned, plain) > 50


def test_what_makes_no_sense_is_no_sequence() -> None:
    """Cut anywhere, any byte another: an answer, and never an exception."""
    for length in range(len(DATA)):
        read_sequence(DATA[:length])
    head = DATA[: DATA.index(b"mdat")]
    for place in range(len(head)):
        for value in (0, 1, 127, 255):
            read_sequence(head[:place] + bytes([value]) + head[place + 1 :])
    assert read_sequence(DATA[: DATA.index(b"moov") + 200]) is None
    assert read_sequence(b"") is None
