"""Sizes and boxes: what CSS says, to the pixel, for every fit."""

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from imagemill.domain.geometry import MAX_SCALED_SIDE, MAX_SIDE, Box, Fit, Framing, Gravity, Size, frame, scale_box

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
    gravity: Gravity = CENTER,
    enlarge: bool = False,
    max_pixels: int = NO_LIMIT,
) -> Framing:
    """`frame` with the defaults of these tests."""
    box = _box(width, height, fit, gravity=gravity, enlarge=enlarge, max_pixels=max_pixels)
    return frame(Size(*source), **box)


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
    assert framing.crop == Box(*corner, Size(100, 100))


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
    assert framed((300, 200), 150, 100, Fit.CONTAIN) == Framing(None, Size(150, 100), None, None)


boxes = st.fixed_dictionaries(
    {
        "width": st.none() | sides,
        "height": st.none() | sides,
        "fit": fits,
        "gravity": gravities,
        "enlarge": st.booleans(),
        "max_pixels": st.integers(1, NO_LIMIT),
    }
)


@given(sources, boxes)
@example(Size(1, 70_000), _box(MAX_SIDE, 1, Fit.COVER, enlarge=True))
@example(Size(1000, 1), _box(None, None, Fit.COVER, max_pixels=10))
@example(Size(1000, 1000), _box(MAX_SIDE, MAX_SIDE, Fit.CONTAIN))
def test_every_framing_can_be_done(source: Size, box: dict[str, Any]) -> None:
    """Whatever is asked: cuts lie within the picture, the picture within the canvas, the output within the limits."""
    framing = frame(source, **box)
    max_pixels = box["max_pixels"]
    if framing.precrop:
        assert _holds(source, framing.precrop)
    if framing.crop:
        assert _holds(framing.scaled, framing.crop)
    if framing.canvas:
        assert _holds(framing.canvas.size, Box(framing.canvas.left, framing.canvas.top, framing.scaled))
    assert 1 <= framing.output.width <= MAX_SIDE
    assert 1 <= framing.output.height <= MAX_SIDE
    assert framing.output.pixels <= max_pixels
    assert framing.scaled.pixels <= max_pixels
    assert max(framing.scaled.width, framing.scaled.height) <= MAX_SCALED_SIDE


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
    assert framing == Framing(Box(0, 59_995, Size(10, 5)), Size(1000, 500), None, None)


@pytest.mark.parametrize(
    ("length", "dpr", "device"), [(100, "2", 200), (101, "1.5", 152), (1, "1", 1), (None, "3", None)]
)
def test_a_box_is_counted_in_device_pixels(length: int | None, dpr: str, device: int | None) -> None:
    """CSS pixels × device pixel ratio, halves rounded up; a missing side stays missing."""
    assert scale_box(length, Fraction(dpr)) == device


def test_a_size_of_nothing_is_refused() -> None:
    """A size has at least one pixel on each side."""
    with pytest.raises(ValueError, match="at least 1"):
        Size(0, 5)


def _holds(outer: Size, box: Box) -> bool:
    return (
        box.left >= 0
        and box.top >= 0
        and box.left + box.size.width <= outer.width
        and box.top + box.size.height <= outer.height
    )
