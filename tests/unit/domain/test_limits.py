"""Limits: at the limit is fine, one past it is not."""

import pytest

from imagemill.domain.formats import ImageFormat
from imagemill.domain.geometry import Size
from imagemill.domain.header import Header
from imagemill.domain.limits import Limits
from imagemill.errors import EmptyImage, ImageTooLarge, TooManyPixels

LIMITS = Limits(image_bytes=10, pixels=100, output_pixels=100, frames=3)


def test_bytes() -> None:
    """1…limit bytes."""
    LIMITS.check_bytes(1)
    LIMITS.check_bytes(10)
    with pytest.raises(EmptyImage):
        LIMITS.check_bytes(0)
    with pytest.raises(ImageTooLarge, match="at most 10 bytes"):
        LIMITS.check_bytes(11)


def test_pixels_count_frames() -> None:
    """Width × height × frames, so that an animation is not a way around."""
    LIMITS.check_header(Header(ImageFormat.GIF, Size(5, 10), frames=2, alpha=False))
    with pytest.raises(TooManyPixels):
        LIMITS.check_header(Header(ImageFormat.GIF, Size(5, 10), frames=3, alpha=False))


def test_frames_have_a_limit_of_their_own() -> None:
    """However small they are."""
    LIMITS.check_header(Header(ImageFormat.WEBP, Size(1, 1), frames=3, alpha=False))
    with pytest.raises(TooManyPixels, match="at most 3 frames"):
        LIMITS.check_header(Header(ImageFormat.WEBP, Size(1, 1), frames=4, alpha=False))


def test_a_side_has_a_limit_of_its_own() -> None:
    """However few pixels there are: nothing shrinks millions of them to one."""
    limits = Limits(image_bytes=10, pixels=10**9, output_pixels=100, frames=3)
    limits.check_header(Header(ImageFormat.PNG, Size(1, 1_000_000), frames=1, alpha=False))
    for size in (Size(1_000_001, 1), Size(1, 1_000_001)):
        with pytest.raises(TooManyPixels, match="side"):
            limits.check_header(Header(ImageFormat.PNG, size, frames=1, alpha=False))
