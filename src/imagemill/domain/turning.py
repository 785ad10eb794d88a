"""Turned and mirrored pictures: how large they are, and where a box of one lies in the other."""

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from math import cos, radians, sin

from imagemill.domain.geometry import Box, Size, rounded


@dataclass(frozen=True, slots=True)
class Turn:
    """Mirror, then turn by quarters.

    Args:
        flip: top becomes bottom.
        flop: left becomes right.
        quarters: 0…3, clockwise.
    """

    flip: bool = False
    flop: bool = False
    quarters: int = 0

    def size(self, size: Size) -> Size:
        """The size that comes out."""
        return Size(size.height, size.width) if self.quarters % 2 else size

    def apply(self, box: Box, size: Size) -> Box:
        """Where a box of a picture of this size lies after the turn."""
        box = self._mirror(box, size)
        for _ in range(self.quarters):
            box = Box(size.height - box.top - box.size.height, box.left, Size(box.size.height, box.size.width))
            size = Size(size.height, size.width)
        return box

    def undo(self, box: Box, size: Size) -> Box:
        """Where a box of the turned picture lay before, in a picture of this size."""
        turned = self.size(size)
        for _ in range(self.quarters):
            box = Box(box.top, turned.width - box.left - box.size.width, Size(box.size.height, box.size.width))
            turned = Size(turned.height, turned.width)
        return self._mirror(box, size)

    def _mirror(self, box: Box, size: Size) -> Box:
        left = size.width - box.left - box.size.width if self.flop else box.left
        top = size.height - box.top - box.size.height if self.flip else box.top
        return Box(left, top, box.size)


ORIENTATIONS = {
    1: Turn(),
    2: Turn(flop=True),
    3: Turn(quarters=2),
    4: Turn(flip=True),
    5: Turn(flop=True, quarters=3),
    6: Turn(quarters=1),
    7: Turn(flop=True, quarters=1),
    8: Turn(quarters=3),
}
"""What makes a picture of each EXIF orientation upright. Source: CIPA DC-008, section 4.6.4."""


def quarters_of(degrees: Decimal) -> int | None:
    """How many quarters an angle from 0 up to 360 is; None if it is not a whole number of them."""
    return int(degrees / 90) if degrees % 90 == 0 else None


def turned_size(size: Size, degrees: Decimal) -> Size:
    """The smallest upright box around a picture that was turned."""
    across, down = _directions(degrees)
    return Size(
        max(1, rounded(size.width * across + size.height * down)),
        max(1, rounded(size.width * down + size.height * across)),
    )


def _directions(degrees: Decimal) -> tuple[Fraction, Fraction]:
    # To twelve places, so that it is the same on every machine and a quarter is a quarter.
    angle = radians(float(degrees))
    return Fraction(round(abs(cos(angle)), 12)), Fraction(round(abs(sin(angle)), 12))
