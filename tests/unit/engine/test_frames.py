"""Counting frames: never fewer than the reader finds, and exactly so in a common file."""

import pytest

from imagemill.domain.formats import ImageFormat
from imagemill.engine.frames import count_frames
from tests import images
from tests.unit.engine.rendering import ENGINE


@pytest.mark.parametrize("frames", [2, 999, 1000])
def test_frames_of_a_webp(frames: int) -> None:
    """As many as libwebp finds."""
    data = images.webp_of_frames(frames)
    assert count_frames(memoryview(data), ImageFormat.WEBP, enough=1000) == frames
    assert ENGINE.probe(data).frames == frames


def test_frames_inside_of_a_frame() -> None:
    """A frame that claims to hold all the others hides none: libwebp would find them."""
    data = bytearray(images.webp_of_frames(100))
    first = data.index(b"ANMF")
    data[first + 4 : first + 8] = (len(data) - first - 8).to_bytes(4, "little")
    assert count_frames(data, ImageFormat.WEBP, enough=1000) == 100


@pytest.mark.parametrize(
    ("data", "format"),
    [(images.webp_of_frames(2000), ImageFormat.WEBP), (images.tiff_of_pages(2000), ImageFormat.TIFF)],
    ids=["webp", "tiff"],
)
def test_counting_stops_when_it_knows_enough(data: bytes, format: ImageFormat) -> None:
    """One over the limit is as good as a million."""
    assert count_frames(data, format, enough=1000) == 1001


@pytest.mark.parametrize("fraction", [0.001, 0.01, 0.1, 0.5, 0.99])
@pytest.mark.parametrize("format", images.READABLE)
def test_a_cut_file_is_counted_to_its_end(format: ImageFormat, fraction: float) -> None:
    """Damage is the decoder's business."""
    data = images.truncated(images.encoded(format, 64, 64), fraction)
    assert 0 <= count_frames(data, format, enough=1000) <= 2
