"""Sizes, boxes and the arithmetic of fit, crop and canvas. Exact: rationals, no floats, no libvips.

All lengths are pixels, all pairs (width, height), the origin is the top left corner.
"""

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from math import isqrt

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


class Gravity(StrEnum):
    """Which part survives a crop, and where a picture lies on a larger canvas."""

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
class Framing:
    """What to do to a picture, in this order; each step None where nothing is to be done.

    Args:
        precrop: cut this from the source, before scaling.
        scaled: scale to this size.
        crop: cut this from the scaled picture.
        canvas: lay the picture on a canvas of this box's size, its top left corner at (left, top).
    """

    precrop: Box | None
    scaled: Size
    crop: Box | None
    canvas: Box | None

    @property
    def output(self) -> Size:
        """The size that comes out."""
        if self.canvas:
            return self.canvas.size
        return self.crop.size if self.crop else self.scaled


def frame(
    source: Size,
    *,
    width: int | None,
    height: int | None,
    fit: Fit,
    gravity: Gravity,
    enlarge: bool,
    max_pixels: int,
) -> Framing:
    """Work out how a source becomes an output.

    A missing side follows from the source's proportions, as CSS `auto` does, whatever the fit; with both missing the
    source keeps its size. Without `enlarge` no pixel is invented: `cover` keeps the box's proportions but shrinks the
    box to what the source can fill, `contain` leaves more background, the others stop at the source's size.
    What is over a limit shrinks until it is not, and keeps its proportions: `max_pixels` may be less than the box has.

    Args:
        source: size of the picture as a viewer shows it.
        width: of the box, 1…MAX_SIDE, device pixels; None to let it follow.
        height: of the box, likewise.
        fit: how the picture meets the box.
        gravity: what a crop keeps, where the canvas holds the picture.
        enlarge: whether the output may have more pixels than the source.
        max_pixels: limit of the output's width × height.

    Returns:
        The framing; its `output` is never 0 on a side and never over a limit.

    Source: CSS Images 3, section 5.5 (object-fit); sharp's `fit` for the two that CSS lacks.
    """
    if width is None or height is None:
        scale = _follow(source, width, height)
        return Framing(None, _scale_within(source, scale, enlarge=enlarge, max_pixels=max_pixels), None, None)
    box = Size(width, height)
    match fit:
        case Fit.FILL:
            scaled = _within(box if enlarge else _smaller(box, source), max_pixels)
            return Framing(None, scaled, None, None)
        case Fit.INSIDE:
            scaled = _scale_within(source, min(_scales(source, box)), enlarge=enlarge, max_pixels=max_pixels)
            return Framing(None, scaled, None, None)
        case Fit.OUTSIDE:
            scaled = _scale_within(source, max(_scales(source, box)), enlarge=enlarge, max_pixels=max_pixels)
            return Framing(None, scaled, None, None)
        case Fit.CONTAIN:
            box = _within(box, max_pixels)
            scaled = _scale_within(source, min(_scales(source, box)), enlarge=enlarge, max_pixels=max_pixels)
            return Framing(None, scaled, None, None if scaled == box else _place(scaled, box, gravity))
    # What is left is Fit.COVER.
    return _cover(source, _within(box if enlarge else _fillable(box, source), max_pixels), gravity, max_pixels)


def scale_box(length: int | None, dpr: Fraction) -> int | None:
    """A side of the box in device pixels: CSS pixels × device pixel ratio, rounded, at least 1."""
    return None if length is None else max(1, _round(length * dpr))


def _follow(source: Size, width: int | None, height: int | None) -> Fraction:
    if width is not None:
        return Fraction(width, source.width)
    return Fraction(height, source.height) if height is not None else Fraction(1)


def _scales(source: Size, box: Size) -> tuple[Fraction, Fraction]:
    return Fraction(box.width, source.width), Fraction(box.height, source.height)


def _fillable(box: Size, source: Size) -> Size:
    # The largest box of these proportions, up to the one asked for, that the source fills without being enlarged.
    scale = max(Fraction(1), *_scales(source, box))
    return Size(max(1, _round(box.width / scale)), max(1, _round(box.height / scale)))


def _cover(source: Size, box: Size, gravity: Gravity, max_pixels: int) -> Framing:
    scale = max(_scales(source, box))
    scaled = Size(max(box.width, _round(source.width * scale)), max(box.height, _round(source.height * scale)))
    if scaled.pixels > max_pixels or max(scaled.width, scaled.height) > MAX_SCALED_SIDE:
        return Framing(_window(source, box, gravity), box, None, None)
    return Framing(None, scaled, None if scaled == box else _cut(scaled, box, gravity), None)


def _window(source: Size, box: Size, gravity: Gravity) -> Box:
    # The part of the source that has the box's proportions, to the nearest whole pixel.
    scale = max(_scales(source, box))
    return _cut(source, Size(max(1, _round(box.width / scale)), max(1, _round(box.height / scale))), gravity)


def _cut(outer: Size, inner: Size, gravity: Gravity) -> Box:
    x, y = gravity.anchor
    return Box(int((outer.width - inner.width) * x), int((outer.height - inner.height) * y), inner)


def _place(inner: Size, outer: Size, gravity: Gravity) -> Box:
    corner = _cut(outer, inner, gravity)
    return Box(corner.left, corner.top, outer)


def _scale_within(source: Size, scale: Fraction, *, enlarge: bool, max_pixels: int) -> Size:
    if not enlarge:
        scale = min(scale, Fraction(1))
    return _within(Size(max(1, _round(source.width * scale)), max(1, _round(source.height * scale))), max_pixels)


def _within(size: Size, max_pixels: int) -> Size:
    # The longer side first; the shorter then follows, as near to the proportions as whole pixels and the limit allow.
    longer, shorter = max(size.width, size.height), min(size.width, size.height)
    if longer <= MAX_SIDE and size.pixels <= max_pixels:
        return size
    long = min(MAX_SIDE, longer, max_pixels, max(1, isqrt(max_pixels * longer // shorter)))
    short = max(1, min(_round(Fraction(shorter * long, longer)), max_pixels // long))
    return Size(long, short) if size.width >= size.height else Size(short, long)


def _smaller(size: Size, limit: Size) -> Size:
    return Size(min(size.width, limit.width), min(size.height, limit.height))


def _round(value: Fraction) -> int:
    # Halves go up, as in CSS and libvips; Python's round() sends them to the even neighbour.
    return int(value + Fraction(1, 2))
