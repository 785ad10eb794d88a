"""What a job costs."""

import pytest

from imagemill.domain.formats import ImageFormat
from imagemill.domain.geometry import Size
from imagemill.domain.header import Header
from imagemill.domain.work import weight


@pytest.mark.parametrize(
    ("size", "frames", "expected"),
    [(Size(1, 1), 1, 1), (Size(1000, 999), 1, 1), (Size(3000, 2000), 1, 7), (Size(1000, 1000), 50, 51)],
)
def test_a_job_weighs_its_megapixels_and_one(size: Size, frames: int, expected: int) -> None:
    """All frames count, since all are decoded; whatever costs nearly nothing to decode still costs a job."""
    assert weight(Header(ImageFormat.GIF, size, frames, alpha=False)) == expected
