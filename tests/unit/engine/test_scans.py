"""Counting scans: exactly those of the first image, whatever other segments hold."""

import pytest

from imagemill.engine.scans import count_scans
from tests import images

START_OF_SCAN = b"\xff\xda"


def comment(text: bytes) -> bytes:
    """A JPEG comment segment."""
    return b"\xff\xfe" + (len(text) + 2).to_bytes(2, "big") + text


def test_a_baseline_jpeg_has_one_scan() -> None:
    """The common camera JPEG is decoded in one pass."""
    assert count_scans(images.photo_jpeg(64, 64), enough=64) == 1


def test_a_progressive_jpeg_has_several() -> None:
    """Pillow's encoder writes ten for colour."""
    assert count_scans(images.photo_jpeg(64, 64, progressive=True), enough=64) == 10


def test_counting_stops_when_it_knows_enough() -> None:
    """One over the limit is as good as a million."""
    assert count_scans(images.jpeg_of_scans(200, side=64), enough=64) == 65


def test_markers_in_other_segments_do_not_count() -> None:
    """Thumbnails and comments may hold the same bytes."""
    data = images.photo_jpeg(64, 64)
    assert count_scans(data[:2] + comment(START_OF_SCAN * 100) + data[2:], enough=64) == 1


def test_an_end_hidden_in_a_comment_hides_no_scans() -> None:
    """An end-of-image marker inside a segment is not the end."""
    data = images.jpeg_of_scans(100, side=64)
    second = data.index(START_OF_SCAN, data.index(START_OF_SCAN) + 2)
    table = data.rindex(b"\xff\xc4", 0, second)
    assert count_scans(data[:table] + comment(b"\xff\xd9") + data[table:], enough=64) == 65


def test_what_follows_the_image_does_not_count() -> None:
    """Phones append videos and more images."""
    assert count_scans(images.photo_jpeg(64, 64) + START_OF_SCAN * 100, enough=64) == 1


@pytest.mark.parametrize("fraction", [0.01, 0.1, 0.5, 0.99])
def test_a_cut_file_is_counted_to_its_end(fraction: float) -> None:
    """Damage is the decoder's business."""
    data = images.truncated(images.photo_jpeg(64, 64, progressive=True), fraction)
    assert 0 <= count_scans(memoryview(data), enough=64) <= 10
