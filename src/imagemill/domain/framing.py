"""How a source becomes an output: the arithmetic of fit, zoom, turns, minimum sizes, cuts, canvas and pad.

Pure and exact. Whatever is asked for, what comes out is never 0 on a side and never over a limit.
"""

from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction
from math import isqrt

from imagemill.domain.geometry import (
    MAX_SCALED_SIDE,
    MAX_SIDE,
    Box,
    Fit,
    Gravity,
    Placement,
    Sides,
    Size,
    rounded,
)
from imagemill.domain.turning import Turn, quarters_of, turned_size


@dataclass(frozen=True, slots=True, kw_only=True)
class Aim:
    """What an output is to be, in device pixels.

    Args:
        width: of the box, 1…MAX_SIDE; None to let it follow.
        height: of the box, likewise.
        fit: how the picture meets the box.
        gravity: what a cut keeps, where the canvas holds the picture.
        enlarge: whether the output may have more pixels than the source.
        max_pixels: limit of the output's width × height.
        minimum: the picture is never scaled to less than this, whatever `enlarge` says.
        zoom: how many times nearer: the picture shows its part of 1/zoom of the width and of the height.
        pad: room around the output.
        rotate: degrees clockwise, 0 up to 360.
        flip: top becomes bottom, before the turn.
        flop: left becomes right, before the turn.
    """

    width: int | None
    height: int | None
    fit: Fit
    max_pixels: int
    gravity: Placement = Gravity.CENTER
    enlarge: bool = False
    minimum: Size = Size(1, 1)
    zoom: Fraction = Fraction(1)
    pad: Sides = field(default=Sides())
    rotate: Decimal = Decimal(0)
    flip: bool = False
    flop: bool = False


@dataclass(frozen=True, slots=True)
class Framing:
    """What to do to a picture, in this order; each step None where nothing is to be done.

    Args:
        cut: keep this of the source as a viewer sees it, before scaling.
        scaled: scale to this size.
        turned: the size that a turn makes of it, where it is not by quarters.
        window: keep this of the scaled, mirrored and turned picture.
        canvas: lay the picture on a canvas of this box's size, its top left corner at (left, top).
        output: the size that comes out.
    """

    cut: Box | None
    scaled: Size
    turned: Size | None
    window: Box | None
    canvas: Box | None
    output: Size

    def within(self, region: Box | None) -> "Framing":
        """The same for a source of which only a region was framed."""
        if region is None:
            return self
        cut = self.cut or Box(0, 0, region.size)
        return replace(self, cut=Box(region.left + cut.left, region.top + cut.top, cut.size))


def frame(source: Size, aim: Aim) -> Framing:
    """Work out how a source becomes an output.

    A missing side follows from the source's proportions, as CSS `auto` does, whatever the fit; with both missing the
    source keeps its size. Without `enlarge` no pixel is invented: `cover` keeps the box's proportions but shrinks the
    box to what the source can fill, `contain` leaves more background, the others stop at the source's size. Minimum
    sizes go before that; what then hangs over a side that was given is cut.
    What is over a limit shrinks until it is not, and keeps its proportions: `max_pixels` may be less than the box has.
    A pad that leaves no room for a picture at all is left out; a recipe with one is refused before it comes here.

    Args:
        source: size of the picture as a viewer shows it.
        aim: what it is to be.

    Source: CSS Images 3, section 5.5 (object-fit); sharp's `fit` for the two that CSS lacks.
    """
    quarters = quarters_of(aim.rotate)
    turn = Turn(aim.flip, aim.flop, quarters or 0)
    seen = turned_size(source, aim.rotate) if quarters is None else turn.size(source)
    room = _room(aim)
    fitted = _fit(_Visible.of(seen, aim.zoom), aim, room)
    scaled = fitted.scale(seen)
    part, cut, window, turned = fitted.part, None, None, None
    if _is_absurd(scaled, aim.max_pixels):
        if quarters is None:
            scaled, part = _shrink(scaled, part, aim.max_pixels)
        else:
            # The part is cut from the source first, and then scaled.
            cut = turn.undo(aim.gravity.keep(seen, fitted.unscale(part)), source)
            scaled = part
    if scaled != part:
        window = aim.gravity.keep(scaled, part)
    if quarters is None:
        turned, scaled = scaled, _before_turning(source, seen, scaled, aim.max_pixels)
    else:
        scaled = turn.size(scaled)  # a quarter back is as good as one forth
    canvas = _canvas(part, fitted.box or part, aim.gravity, room.pad)
    return Framing(cut, scaled, turned, window, canvas, canvas.size if canvas else part)


@dataclass(frozen=True, slots=True)
class _Room:
    """What a picture may fill: `max_pixels` and MAX_SIDE, less the pad."""

    max_pixels: int
    pad: Sides = Sides()

    def holds(self, size: Size) -> bool:
        width, height = size.width + self.pad.across, size.height + self.pad.down
        return max(width, height) <= MAX_SIDE and width * height <= self.max_pixels


@dataclass(frozen=True, slots=True)
class _Visible:
    """How much of the source is to be seen. `zoom` need not leave whole pixels, nor even one of them: rounded before it
    is scaled, the output would be of another shape."""

    width: Fraction
    height: Fraction

    @classmethod
    def of(cls, source: Size, zoom: Fraction) -> "_Visible":
        """The part that a zoom leaves."""
        return cls(source.width / zoom, source.height / zoom)

    @property
    def pixels(self) -> Size:
        """The same in whole pixels."""
        return _multiply(self, Fraction(1))

    def scales(self, part: Size) -> tuple[Fraction, Fraction]:
        """By how much each side is scaled to become this part. One that has as many pixels stays as it is."""
        across, down = _scales(self, part)
        return (
            Fraction(1) if part.width == self.pixels.width else across,
            Fraction(1) if part.height == self.pixels.height else down,
        )


@dataclass(frozen=True, slots=True)
class _Fitted:
    """How what is to be seen of a picture meets the box: by how much each side is scaled, the part of the scaled
    picture that shows, and the box that holds it where that is larger."""

    across: Fraction
    down: Fraction
    part: Size
    box: Size | None = None

    @classmethod
    def whole(cls, source: _Visible, part: Size) -> "_Fitted":
        """All of it shows."""
        return cls(*source.scales(part), part)

    @classmethod
    def covering(cls, source: _Visible, part: Size) -> "_Fitted":
        """What hangs over the part is cut."""
        scale = max(source.scales(part))
        return cls(scale, scale, part)

    def scale(self, seen: Size) -> Size:
        """The whole picture, scaled."""
        return Size(
            max(self.part.width, rounded(seen.width * self.across)),
            max(self.part.height, rounded(seen.height * self.down)),
        )

    def unscale(self, part: Size) -> Size:
        """A part of the scaled picture in pixels of the whole one, to the nearest."""
        return Size(max(1, rounded(part.width / self.across)), max(1, rounded(part.height / self.down)))


def _fit(source: _Visible, aim: Aim, room: _Room) -> _Fitted:
    if aim.width is None or aim.height is None:
        return _uniform(source, _follow(source, aim.width, aim.height), aim, room, (aim.width, aim.height))
    box = Size(aim.width, aim.height)
    match aim.fit:
        case Fit.FILL:
            filled = box if aim.enlarge else _larger(_smaller(box, source.pixels), aim.minimum)
            return _Fitted.whole(source, _within(filled, room))
        case Fit.INSIDE:
            return _uniform(source, min(_scales(source, box)), aim, room, (box.width, box.height))
        case Fit.OUTSIDE:
            return _uniform(source, max(_scales(source, box)), aim, room, (None, None))
        case Fit.CONTAIN:
            box = _within(box, room)
            inside = _uniform(source, min(_scales(source, box)), aim, room, (box.width, box.height))
            return replace(inside, box=box)
    # What is left is Fit.COVER.
    return _Fitted.covering(source, _within(box if aim.enlarge else _fillable(box, source, aim.minimum), room))


def _uniform(source: _Visible, scale: Fraction, aim: Aim, room: _Room, limit: tuple[int | None, int | None]) -> _Fitted:
    scaled = _multiply(source, scale if aim.enlarge else min(scale, Fraction(1)))
    if scaled.width >= aim.minimum.width and scaled.height >= aim.minimum.height:
        return _Fitted.whole(source, _within(scaled, room))
    grown = _larger(_multiply(source, max(_scales(source, aim.minimum))), aim.minimum)
    part = Size(min(grown.width, limit[0] or grown.width), min(grown.height, limit[1] or grown.height))
    fitted = _Fitted.whole if part == grown else _Fitted.covering
    return fitted(source, _within(part, room))


def _follow(source: _Visible, width: int | None, height: int | None) -> Fraction:
    if width is not None:
        return width / source.width
    return height / source.height if height is not None else Fraction(1)


def _scales(source: Size | _Visible, box: Size) -> tuple[Fraction, Fraction]:
    return Fraction(box.width, source.width), Fraction(box.height, source.height)


def _fillable(box: Size, source: _Visible, minimum: Size) -> Size:
    # The largest box of these proportions, up to the one asked for, that the source fills without being enlarged more
    # than the minimum demands.
    shrink = max(Fraction(1), *_scales(source, box))
    for side, least in ((box.width, minimum.width), (box.height, minimum.height)):
        if least > 1:
            shrink = min(shrink, max(Fraction(1), Fraction(side, least)))
    return _larger(_divide(box, shrink), minimum)


def _before_turning(source: Size, seen: Size, turned: Size, max_pixels: int) -> Size:
    scale = max(_scales(seen, turned))
    return _within(_multiply(source, scale), _Room(max_pixels))


def _canvas(part: Size, box: Size, gravity: Placement, pad: Sides) -> Box | None:
    if part == box and not (pad.across or pad.down):
        return None
    left, top = gravity.lay(part, box)
    return Box(pad.left + left, pad.top + top, Size(box.width + pad.across, box.height + pad.down))


def _room(aim: Aim) -> _Room:
    room = _Room(aim.max_pixels, aim.pad)
    return room if room.holds(Size(1, 1)) else _Room(aim.max_pixels)


def _is_absurd(scaled: Size, max_pixels: int) -> bool:
    return scaled.pixels > max_pixels or max(scaled.width, scaled.height) > MAX_SCALED_SIDE


def _shrink(scaled: Size, part: Size, max_pixels: int) -> tuple[Size, Size]:
    small = _within(scaled, _Room(max_pixels))
    width, height = part.width * small.width // scaled.width, part.height * small.height // scaled.height
    return small, Size(max(1, width), max(1, height))


def _within(size: Size, room: _Room) -> Size:
    # The longer side first; the shorter then follows, and where the limit cuts that, the longer one follows it.
    if room.holds(size):
        return size
    if room.pad.across or room.pad.down:
        return _within_pad(size, room)
    longer, shorter = max(size.width, size.height), min(size.width, size.height)
    long = min(MAX_SIDE, longer, room.max_pixels, max(1, isqrt(room.max_pixels * longer // shorter)))
    short = rounded(Fraction(shorter * long, longer))
    if short * long > room.max_pixels:
        short = max(1, room.max_pixels // long)
        long = min(long, max(1, rounded(Fraction(longer * short, shorter))))
    short = max(1, short)
    return Size(long, short) if size.width >= size.height else Size(short, long)


def _within_pad(size: Size, room: _Room) -> Size:
    # Halves the distance to the largest that the room holds; 1 × 1 it does hold.
    longer = max(size.width, size.height)
    low, high = 1, longer
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if room.holds(_multiply(size, Fraction(middle, longer))) else (low, middle)
    return _multiply(size, Fraction(low, longer))


def _multiply(size: Size | _Visible, scale: Fraction) -> Size:
    return Size(max(1, rounded(size.width * scale)), max(1, rounded(size.height * scale)))


def _divide(size: Size, scale: Fraction) -> Size:
    if scale == 1:
        return size
    return Size(max(1, rounded(size.width / scale)), max(1, rounded(size.height / scale)))


def _smaller(size: Size, limit: Size) -> Size:
    return Size(min(size.width, limit.width), min(size.height, limit.height))


def _larger(size: Size, minimum: Size) -> Size:
    return Size(max(size.width, minimum.width), max(size.height, minimum.height))
