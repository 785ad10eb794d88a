"""Sizes, boxes, and where one lies in another. Exact: rationals, no floats, no libvips.

All lengths are pixels, all pairs (width, height), the origin is the top left corner.
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from math import floor

MAX_SIDE = 16_383
"""Pixels on an output's longer side: what WebP can hold, so that every format can (RFC 9649, section 2.5)."""

MAX_SCALED_SIDE = 1_000_000
"""A scaled picture that only a crop will look at may be this long, and have as many pixels as an output; past that the
source is cropped before scaling. libvips itself refuses coordinates from 10,000,000 on (VIPS_MAX_COORD)."""


class Fit(StrEnum):
    """How a picture meets its box: the words of CSS `object-fit` and of sharp."""

    COVER = "cover"
    """Fill the box, crop what hangs over."""
    CONTAIN = "contain"
    """All of the picture within the box, the rest of the box is background."""
    INSIDE = "inside"
    """As large as goes into the box; the output is the picture, not the box."""
    OUTSIDE = "outside"
    """As small as covers the box; nothing is cropped."""
    FILL = "fill"
    """Exactly the box, proportions ignored."""


@dataclass(frozen=True, slots=True)
class Size:
    """A width and a height, each at least 1."""

    width: int
    height: int

    def __post_init__(self) -> None:
        if self.width < 1 or self.height < 1:
            raise ValueError(f"a size is at least 1 × 1, not {self.width} × {self.height}")

    @property
    def pixels(self) -> int:
        """Width × height."""
        return self.width * self.height


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle: its top left corner and its size."""

    left: int
    top: int
    size: Size


@dataclass(frozen=True, slots=True)
class Sides:
    """A length at each of the four sides."""

    top: int = 0
    right: int = 0
    bottom: int = 0
    left: int = 0

    def plain(self) -> int | tuple[int, int, int, int]:
        """As JSON writes it: one number where all are equal."""
        sides = (self.top, self.right, self.bottom, self.left)
        return self.top if len(set(sides)) == 1 else sides

    @property
    def across(self) -> int:
        """Left and right together."""
        return self.left + self.right

    @property
    def down(self) -> int:
        """Top and bottom together."""
        return self.top + self.bottom


class Gravity(StrEnum):
    """Which part survives a cut, and where a picture lies on a larger canvas."""

    CENTER = "center"
    TOP = "top"
    RIGHT = "right"
    BOTTOM = "bottom"
    LEFT = "left"
    TOP_LEFT = "top-left"
    TOP_RIGHT = "top-right"
    BOTTOM_LEFT = "bottom-left"
    BOTTOM_RIGHT = "bottom-right"

    @property
    def anchor(self) -> tuple[Fraction, Fraction]:
        """The point as (x, y), each 0, ½ or 1."""
        half = Fraction(1, 2)
        x = Fraction(0) if "left" in self else Fraction(1) if "right" in self else half
        y = Fraction(0) if "top" in self else Fraction(1) if "bottom" in self else half
        return x, y

    def keep(self, outer: Size, inner: Size) -> Box:
        """The part of this size that a cut keeps."""
        x, y = self.anchor
        return Box(int((outer.width - inner.width) * x), int((outer.height - inner.height) * y), inner)

    def lay(self, inner: Size, outer: Size) -> tuple[int, int]:
        """Where the top left corner of a picture lies on a larger canvas."""
        box = self.keep(outer, inner)
        return box.left, box.top


class Interest(StrEnum):
    """A cut that looks at the picture for what to keep."""

    ATTENTION = "attention"
    """What draws the eye: skin, saturated colours, contrast."""
    ENTROPY = "entropy"
    """What has most detail."""

    def keep(self, outer: Size, inner: Size) -> Box:
        """The middle: where nobody has looked yet."""
        return Gravity.CENTER.keep(outer, inner)

    def lay(self, inner: Size, outer: Size) -> tuple[int, int]:
        """The middle: on a canvas all of the picture shows, and there is nothing to choose."""
        return Gravity.CENTER.lay(inner, outer)


@dataclass(frozen=True, slots=True)
class FocalPoint:
    """A point that a cut keeps as near to the middle as it can; 0…1 of the width and of the height."""

    x: Decimal
    y: Decimal

    def keep(self, outer: Size, inner: Size) -> Box:
        """The part of this size around the point, within the picture."""
        left = rounded(outer.width * Fraction(self.x) - Fraction(inner.width, 2))
        top = rounded(outer.height * Fraction(self.y) - Fraction(inner.height, 2))
        return Box(max(0, min(outer.width - inner.width, left)), max(0, min(outer.height - inner.height, top)), inner)

    def lay(self, inner: Size, outer: Size) -> tuple[int, int]:
        """Room is shared between the sides as the point says. Source: CSS `object-position`."""
        return (
            int((outer.width - inner.width) * Fraction(self.x)),
            int((outer.height - inner.height) * Fraction(self.y)),
        )

    def plain(self) -> tuple[Decimal, Decimal]:
        """As JSON writes it."""
        return self.x, self.y


Placement = Gravity | Interest | FocalPoint
"""What a cut keeps, and where a canvas holds the picture."""


def rounded(value: Fraction) -> int:
    """The nearest whole number. Halves go up, as in CSS and libvips; Python's round() sends them to the even one."""
    return floor(value + Fraction(1, 2))


def scale_length(length: int | None, dpr: Fraction) -> int | None:
    """A length in device pixels: CSS pixels × device pixel ratio, rounded; 0 only if it was."""
    return length if not length or dpr == 1 else max(1, rounded(length * dpr))
