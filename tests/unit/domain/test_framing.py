"""Sizes and boxes: what CSS says, to the pixel, for every fit."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from imagemill.domain.framing import Aim, Framing, frame
from imagemill.domain.geometry import (
    MAX_SCALED_SIDE,
    MAX_SIDE,
    Box,
    Fit,
    FocalPoint,
    Gravity,
    Interest,
    Placement,
    Sides,
    Size,
)

NO_LIMIT = MAX_SIDE**2
CENTER = Gravity.CENTER

sources = st.builds(Size, st.integers(1, 70_000), st.integers(1, 70_000))
sides = st.integers(1, MAX_SIDE)
fits = st.sampled_from(Fit)
gravities = st.sampled_from(Gravity)


def framed(
    source: tuple[int, int],
    width: int | None,
    height: int | None,
    fit: Fit,
    *,
    max_pixels: int = NO_LIMIT,
    **rest: Any,
) -> Framing:
    """`frame` with the defaults of these tests."""
    return frame(Size(*source), Aim(**_box(width, height, fit, max_pixels=max_pixels, **rest)))


def _box(width: int | None, height: int | None, fit: Fit, **rest: Any) -> dict[str, Any]:
    defaults = {"gravity": CENTER, "enlarge": False, "max_pixels": 50_000_000}
    return {"width": width, "height": height, "fit": fit} | defaults | rest


@pytest.mark.parametrize(
    ("fit", "source", "box", "enlarge", "output"),
    [
        (Fit.COVER, (3000, 2000), (100, 100), False, (100, 100)),
        (Fit.CONTAIN, (3000, 2000), (100, 100), False, (100, 100)),
        (Fit.INSIDE, (3000, 2000), (100, 100), False, (100, 67)),
        (Fit.OUTSIDE, (3000, 2000), (100, 100), False, (150, 100)),
        (Fit.FILL, (3000, 2000), (100, 100), False, (100, 100)),
        # A small source without `enlarge`: no pixel is invented.
        (Fit.COVER, (50, 80), (100, 100), False, (50, 50)),
        (Fit.COVER, (50, 80), (200, 100), False, (50, 25)),
        (Fit.CONTAIN, (50, 80), (100, 100), False, (100, 100)),
        (Fit.INSIDE, (50, 80), (100, 100), False, (50, 80)),
        (Fit.OUTSIDE, (50, 80), (100, 100), False, (50, 80)),
        (Fit.FILL, (50, 80), (100, 60), False, (50, 60)),
        # The same with `enlarge`.
        (Fit.COVER, (50, 80), (100, 100), True, (100, 100)),
        (Fit.CONTAIN, (50, 80), (100, 100), True, (100, 100)),
        (Fit.INSIDE, (50, 80), (100, 100), True, (63, 100)),
        (Fit.OUTSIDE, (50, 80), (100, 100), True, (100, 160)),
        (Fit.FILL, (50, 80), (100, 60), True, (100, 60)),
        # A missing side follows from the proportions, whatever the fit; both missing keep the size.
        (Fit.COVER, (3000, 2000), (720, None), False, (720, 480)),
        (Fit.CONTAIN, (3000, 2000), (None, 480), False, (720, 480)),
        (Fit.FILL, (50, 80), (100, None), False, (50, 80)),
        (Fit.FILL, (50, 80), (100, None), True, (100, 160)),
        (Fit.COVER, (3000, 2000), (None, None), False, (3000, 2000)),
        # A side never rounds down to nothing.
        (Fit.INSIDE, (10_000, 3), (100, 100), False, (100, 1)),
        (Fit.COVER, (10_000, 3), (1, None), False, (1, 1)),
    ],
)
def test_output_size_is_what_css_says(
    fit: Fit, source: tuple[int, int], box: tuple[int | None, int | None], enlarge: bool, output: tuple[int, int]
) -> None:
    """Each fit gives the size that CSS gives it, with the house's rule on enlarging."""
    assert framed(source, *box, fit, enlarge=enlarge).output == Size(*output)


def test_halves_round_up() -> None:
    """A side of exactly n + ½ becomes n + 1, as in a browser, and not the even neighbour."""
    assert framed((200, 5), 100, None, Fit.INSIDE).output == Size(100, 3)


@pytest.mark.parametrize(
    ("gravity", "corner"),
    [
        (Gravity.CENTER, (25, 0)),
        (Gravity.TOP, (25, 0)),
        (Gravity.LEFT, (0, 0)),
        (Gravity.TOP_LEFT, (0, 0)),
        (Gravity.BOTTOM_LEFT, (0, 0)),
        (Gravity.RIGHT, (50, 0)),
        (Gravity.TOP_RIGHT, (50, 0)),
        (Gravity.BOTTOM_RIGHT, (50, 0)),
    ],
)
def test_gravity_says_what_a_crop_keeps(gravity: Gravity, corner: tuple[int, int]) -> None:
    """`cover` cuts the box from the side that gravity names."""
    framing = framed((300, 200), 100, 100, Fit.COVER, gravity=gravity)
    assert framing.scaled == Size(150, 100)
    assert framing.window == Box(*corner, Size(100, 100))


@pytest.mark.parametrize(
    ("gravity", "top"), [(Gravity.TOP, 0), (Gravity.CENTER, 16), (Gravity.LEFT, 16), (Gravity.BOTTOM_RIGHT, 33)]
)
def test_gravity_says_where_a_canvas_holds_the_picture(gravity: Gravity, top: int) -> None:
    """`contain` lays the picture where gravity says; an odd pixel goes to the far side."""
    framing = framed((300, 200), 100, 100, Fit.CONTAIN, gravity=gravity)
    assert framing.scaled == Size(100, 67)
    assert framing.canvas == Box(0, top, Size(100, 100))


def test_contain_needs_no_canvas_for_a_picture_of_the_boxs_shape() -> None:
    """Where nothing is left free there is nothing to lay the picture on."""
    assert framed((300, 200), 150, 100, Fit.CONTAIN) == Framing(None, Size(150, 100), None, None, None, Size(150, 100))


shares = st.integers(0, 100).map(lambda hundredths: Decimal(hundredths) / 100)
placements = gravities | st.sampled_from(Interest) | st.builds(FocalPoint, shares, shares)
angles = st.sampled_from([Decimal(0), Decimal(90), Decimal(180), Decimal(270)]) | st.integers(0, 35_999).map(
    lambda hundredths: Decimal(hundredths) / 100
)
pads = st.builds(Sides, *[st.integers(0, 32_000)] * 4) | st.just(Sides())
boxes = st.fixed_dictionaries(
    {
        "width": st.none() | sides,
        "height": st.none() | sides,
        "fit": fits,
        "max_pixels": st.integers(1, NO_LIMIT),
    },
    optional={
        "gravity": placements,
        "enlarge": st.booleans(),
        "minimum": st.builds(Size, sides, sides) | st.builds(Size, st.just(1), sides),
        "zoom": st.integers(100, 1000).map(lambda hundredths: Fraction(hundredths, 100)),
        "pad": pads,
        "rotate": angles,
        "flip": st.booleans(),
        "flop": st.booleans(),
    },
)


@settings(max_examples=500, deadline=None)
@given(sources, boxes)
@example(Size(1, 70_000), _box(MAX_SIDE, 1, Fit.COVER, enlarge=True))
@example(Size(1000, 1), _box(None, None, Fit.COVER, max_pixels=10))
@example(Size(1000, 1000), _box(MAX_SIDE, MAX_SIDE, Fit.CONTAIN))
@example(Size(1000, 10), _box(100, 100, Fit.COVER, enlarge=True, rotate=Decimal(45), max_pixels=10_000))
@example(Size(10, 10), _box(10, 10, Fit.COVER, pad=Sides(0, 9000, 0, 9000)))
@example(Size(10, 10), _box(200, 10, Fit.CONTAIN, pad=Sides(7, 7, 7, 7), max_pixels=1000))
@example(Size(70_000, 1), _box(100, 100, Fit.INSIDE, minimum=Size(1, 90)))
def test_every_framing_can_be_done(source: Size, box: dict[str, Any]) -> None:
    """Whatever is asked: cuts lie within the picture, the picture within the canvas, all within the limits."""
    framing = frame(source, Aim(**box))
    aim, max_pixels = Aim(**box), box["max_pixels"]
    if framing.cut:
        assert _holds(source, framing.cut)
    quarter = aim.rotate in (90, 270)
    turned = framing.turned or (Size(framing.scaled.height, framing.scaled.width) if quarter else framing.scaled)
    part = framing.window.size if framing.window else turned
    if framing.window:
        assert _holds(turned, framing.window)
    if framing.canvas:
        assert _holds(framing.canvas.size, Box(framing.canvas.left, framing.canvas.top, part))
    assert framing.output == (framing.canvas.size if framing.canvas else part)
    assert 1 <= framing.output.width <= MAX_SIDE
    assert 1 <= framing.output.height <= MAX_SIDE
    for size in (framing.output, framing.scaled, turned):
        assert size.pixels <= max_pixels
        assert max(size.width, size.height) <= MAX_SCALED_SIDE


@given(sources, sides, sides, pads, placements)
def test_a_pad_is_added_to_the_box(source: Size, width: int, height: int, pad: Sides, gravity: Placement) -> None:
    """Where the limits allow it, box and pad both come out to the pixel, and the picture lies within the box."""
    framing = framed(
        (source.width, source.height), width, height, Fit.CONTAIN, pad=pad, gravity=gravity, max_pixels=100 * NO_LIMIT
    )
    if width + pad.across <= MAX_SIDE and height + pad.down <= MAX_SIDE:
        assert framing.output == Size(width + pad.across, height + pad.down)
        assert framing.canvas is None or (framing.canvas.left >= pad.left and framing.canvas.top >= pad.top)


def test_a_pad_that_leaves_no_room_is_left_out() -> None:
    """The recipe refuses it before; here the picture stays."""
    assert framed((10, 10), 10, 10, Fit.FILL, pad=Sides(5, 5, 5, 5), max_pixels=100).output == Size(10, 10)


@pytest.mark.parametrize(
    ("fit", "box", "output"),
    [
        (Fit.INSIDE, (100, 100), (100, 80)),
        (Fit.CONTAIN, (100, 100), (100, 100)),
        (Fit.OUTSIDE, (100, 10), (400, 80)),
        (Fit.COVER, (100, None), (100, 80)),
        (Fit.COVER, (None, None), (1000, 200)),
    ],
)
def test_a_minimum_enlarges_and_cuts(fit: Fit, box: tuple[int | None, int | None], output: tuple[int, int]) -> None:
    """A panorama that would become too low is scaled up; what hangs over a side that was given is cut."""
    assert framed((1000, 200), *box, fit, minimum=Size(1, 80)).output == Size(*output)


@pytest.mark.parametrize(
    ("fit", "box", "output"),
    [(Fit.COVER, (200, 100), (100, 50)), (Fit.FILL, (200, 100), (100, 80)), (Fit.INSIDE, (200, 200), (100, 160))],
)
def test_a_minimum_goes_before_enlarge(fit: Fit, box: tuple[int, int], output: tuple[int, int]) -> None:
    """A source of 50 × 80 becomes 100 wide although nothing else may be enlarged; no more than that."""
    assert framed((50, 80), *box, fit, minimum=Size(100, 1)).output == Size(*output)


@given(sources, st.none() | sides, st.none() | sides, fits, st.builds(Size, st.integers(1, 300), st.integers(1, 300)))
def test_the_picture_is_not_below_its_minimum(
    source: Size, width: int | None, height: int | None, fit: Fit, minimum: Size
) -> None:
    """Whatever the source, what is seen of it has at least the minimum on each side, if the box has."""
    framing = framed((source.width, source.height), width, height, fit, minimum=minimum, max_pixels=2**40)
    seen = framing.window.size if framing.window else framing.scaled
    if max(framing.output.width, framing.output.height) < MAX_SIDE:
        assert seen.width >= min(minimum.width, width or minimum.width)
        assert seen.height >= min(minimum.height, height or minimum.height)


@pytest.mark.parametrize(
    ("fit", "box", "scaled", "output"),
    [
        (Fit.COVER, (100, 100), (300, 200), (100, 100)),
        (Fit.INSIDE, (100, 100), (200, 134), (100, 67)),
        (Fit.COVER, (None, None), (3000, 2000), (1500, 1000)),
        (Fit.FILL, (100, 100), (200, 200), (100, 100)),
    ],
)
def test_zoom_shows_less_of_the_picture(
    fit: Fit, box: tuple[int | None, int | None], scaled: tuple[int, int], output: tuple[int, int]
) -> None:
    """The output is as large as without, and shows half of the width and of the height."""
    framing = framed((3000, 2000), *box, fit, zoom=Fraction(2))
    assert (framing.scaled, framing.output) == (Size(*scaled), Size(*output))


@pytest.mark.parametrize("zoom", [Fraction(2), Fraction(3), Fraction("3.3"), Fraction(7)])
@pytest.mark.parametrize("fit", list(Fit))
@pytest.mark.parametrize("box", [(240, None), (None, 200), (240, 200), (90, 300)])
@pytest.mark.parametrize("source", [(640, 427), (37, 311), (3, 2)])
def test_zoom_does_not_change_the_output_s_shape(
    source: tuple[int, int], box: tuple[int | None, int | None], fit: Fit, zoom: Fraction
) -> None:
    """However few pixels show, and though they need not be a whole number: the output is as large as without."""
    zoomed, without = (framed(source, *box, fit, zoom=nearness, enlarge=True) for nearness in (zoom, Fraction(1)))
    assert zoomed.output == without.output


@pytest.mark.parametrize("fit", list(Fit))
@pytest.mark.parametrize("box", [(None, None), (1000, None), (1000, 1000)])
def test_zoom_alone_cuts_and_does_not_scale(box: tuple[int | None, int | None], fit: Fit) -> None:
    """Half of 427 rows is no whole number; what shows are 214 of them, as they are."""
    framing = framed((640, 427), *box, fit, zoom=Fraction(2))
    assert framing.scaled == Size(640, 427)


def test_zoom_invents_no_pixel_either() -> None:
    """Where the part that shows has too few pixels, the output is smaller, of the same shape."""
    assert framed((300, 200), 200, 100, Fit.COVER, zoom=Fraction(4)).output == Size(75, 38)
    assert framed((300, 200), 200, 100, Fit.COVER, zoom=Fraction(4), enlarge=True).output == Size(200, 100)


@pytest.mark.parametrize(
    ("rotate", "output"), [("0", (300, 200)), ("90", (200, 300)), ("180", (300, 200)), ("45", (354, 354))]
)
def test_a_turned_picture_has_the_size_of_what_is_around_it(rotate: str, output: tuple[int, int]) -> None:
    """A quarter swaps the sides; any other angle needs a larger box."""
    assert framed((300, 200), None, None, Fit.COVER, rotate=Decimal(rotate)).output == Size(*output)


@given(sources, st.builds(Size, sides, sides), fits, st.sampled_from([0, 90, 180, 270]), st.booleans())
def test_the_box_is_that_of_the_turned_picture(source: Size, box: Size, fit: Fit, rotate: int, flip: bool) -> None:
    """Turning first and framing then is the same: fit looks at the picture as it will stand."""
    turned = (source.height, source.width) if rotate % 180 else (source.width, source.height)
    plain = framed(turned, box.width, box.height, fit)
    options = {"rotate": Decimal(rotate), "flip": flip}
    assert framed((source.width, source.height), box.width, box.height, fit, **options).output == plain.output


@pytest.mark.parametrize(
    ("options", "cut"),
    [
        ({}, Box(0, 59_995, Size(10, 5))),
        ({"flip": True}, Box(0, 0, Size(10, 5))),
        ({"rotate": Decimal(180)}, Box(0, 0, Size(10, 5))),
    ],
)
def test_a_cut_before_scaling_is_measured_on_the_source(options: dict[str, Any], cut: Box) -> None:
    """Gravity speaks of the picture as it will stand; the cut lies in the picture as it was."""
    box = {"max_pixels": 50_000_000, "gravity": Gravity.BOTTOM, "enlarge": True} | options
    assert framed((10, 60_000), 1000, 500, Fit.COVER, **box).cut == cut


def test_a_region_shifts_the_cut() -> None:
    """A cut of a region is told in the source's pixels; without another cut it is the region."""
    region = Box(7, 9, Size(10, 60_000))
    framing = framed((10, 60_000), 1000, 500, Fit.COVER, enlarge=True, max_pixels=50_000_000)
    assert framing.within(region).cut == Box(7, 9 + 29_997, Size(10, 5))
    assert framed((10, 60_000), 5, None, Fit.COVER).within(region).cut == region
    assert framing.within(None) is framing


@given(sources, sides, sides, gravities, st.booleans())
def test_contain_gives_exactly_the_box(source: Size, width: int, height: int, gravity: Gravity, enlarge: bool) -> None:
    """`contain` always fills the box: with picture or with background."""
    framing = framed((source.width, source.height), width, height, Fit.CONTAIN, gravity=gravity, enlarge=enlarge)
    assert framing.output == Size(width, height)


@given(sources, sides, sides, st.sampled_from((Fit.COVER, Fit.FILL)))
def test_enlarged_cover_and_fill_give_exactly_the_box(source: Size, width: int, height: int, fit: Fit) -> None:
    """With `enlarge`, `cover` and `fill` give the box to the pixel, whatever the source."""
    assert framed((source.width, source.height), width, height, fit, enlarge=True).output == Size(width, height)


@given(sources, sides, sides)
def test_inside_and_outside_touch_the_box(source: Size, width: int, height: int) -> None:
    """With `enlarge`, `inside` meets the box on one side and stays within it; `outside` meets it and covers it."""
    inside = framed((source.width, source.height), width, height, Fit.INSIDE, enlarge=True).output
    assert inside.width == width or inside.height == height
    assert inside.width <= width
    assert inside.height <= height
    outside = framed((source.width, source.height), width, height, Fit.OUTSIDE, enlarge=True).output
    if max(outside.width, outside.height) < MAX_SIDE:
        assert outside.width == width or outside.height == height
        assert outside.width >= width
        assert outside.height >= height


@given(sources, st.none() | sides, st.none() | sides, fits)
def test_no_pixel_is_invented_unless_asked(source: Size, width: int | None, height: int | None, fit: Fit) -> None:
    """Without `enlarge` the scaled picture is never larger than the source, on either side."""
    scaled = framed((source.width, source.height), width, height, fit).scaled
    assert scaled.width <= source.width
    assert scaled.height <= source.height


@given(sources, sides, sides)
def test_cover_keeps_the_proportions_of_the_box(source: Size, width: int, height: int) -> None:
    """Without `enlarge`, `cover` gives the box or a smaller one of its shape, to the nearest pixel."""
    output = framed((source.width, source.height), width, height, Fit.COVER).output
    scale = min(Fraction(1), Fraction(source.width, width), Fraction(source.height, height))
    assert abs(output.width - max(1, width * scale)) <= Fraction(1, 2)
    assert abs(output.height - max(1, height * scale)) <= Fraction(1, 2)


@given(sources, st.none() | sides, st.none() | sides, st.sampled_from((Fit.INSIDE, Fit.OUTSIDE, Fit.CONTAIN)))
def test_proportions_stay(source: Size, width: int | None, height: int | None, fit: Fit) -> None:
    """Where nothing is distorted by request, either side is within a pixel of what the other one implies."""
    scaled = framed((source.width, source.height), width, height, fit, enlarge=True, max_pixels=50_000_000).scaled
    implied_width = Fraction(scaled.height * source.width, source.height)
    implied_height = Fraction(scaled.width * source.height, source.width)
    assert abs(scaled.height - implied_height) <= 1 or abs(scaled.width - implied_width) <= 1


def test_a_box_over_the_limit_keeps_its_shape() -> None:
    """A box of more pixels than an output may have shrinks to the largest of its proportions that is allowed."""
    assert framed((100, 100), 16_000, 8_000, Fit.FILL, enlarge=True, max_pixels=2_000_000).output == Size(2000, 1000)


def test_a_huge_scaled_picture_is_cut_first() -> None:
    """Where scaling the whole source would make more pixels than an output may have, its part is cut out before."""
    framing = framed((10, 60_000), 1000, 500, Fit.COVER, enlarge=True, max_pixels=50_000_000, gravity=Gravity.BOTTOM)
    assert framing == Framing(Box(0, 59_995, Size(10, 5)), Size(1000, 500), None, None, None, Size(1000, 500))


def _holds(outer: Size, box: Box) -> bool:
    return (
        box.left >= 0
        and box.top >= 0
        and box.left + box.size.width <= outer.width
        and box.top + box.size.height <= outer.height
    )
