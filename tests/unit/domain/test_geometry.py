"""Sizes, and where one lies in another: exact, to the pixel."""

from decimal import Decimal
from fractions import Fraction

import pytest

from imagemill.domain.geometry import Box, FocalPoint, Size, scale_length


@pytest.mark.parametrize(("x", "y", "corner"), [("0.9", "0.1", (100, 0)), ("0.4", "0.5", (30, 0)), ("0", "0", (0, 0))])
def test_a_focal_point_comes_to_the_middle(x: str, y: str, corner: tuple[int, int]) -> None:
    """Of what shows it is the middle, as far as there is picture: not, as in CSS, a share of what is left over."""
    point = FocalPoint(Decimal(x), Decimal(y))
    assert point.keep(Size(200, 100), Size(100, 100)) == Box(*corner, Size(100, 100))


def test_a_focal_point_shares_out_a_canvas() -> None:
    """On a canvas it does what CSS's `object-position` does."""
    point = FocalPoint(Decimal("0.2"), Decimal("0.2"))
    assert point.lay(Size(100, 50), Size(100, 100)) == (0, 10)


@pytest.mark.parametrize(
    ("length", "dpr", "device"), [(100, "2", 200), (101, "1.5", 152), (1, "1", 1), (None, "3", None)]
)
def test_a_box_is_counted_in_device_pixels(length: int | None, dpr: str, device: int | None) -> None:
    """CSS pixels × device pixel ratio, halves rounded up; a missing side stays missing."""
    assert scale_length(length, Fraction(dpr)) == device


def test_a_size_of_nothing_is_refused() -> None:
    """A size has at least one pixel on each side."""
    with pytest.raises(ValueError, match="at least 1"):
        Size(0, 5)
