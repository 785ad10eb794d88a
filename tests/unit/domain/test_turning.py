"""Turned pictures: boxes go there and back."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagemill.domain.geometry import Box, Size
from imagemill.domain.turning import ORIENTATIONS, Turn, quarters_of, turned_size

SIZE = Size(4, 3)
PIXEL = Size(1, 1)


@pytest.mark.parametrize(
    ("turn", "before", "after"),
    [
        (Turn(), (0, 0), (0, 0)),
        (Turn(quarters=1), (0, 0), (2, 0)),
        (Turn(quarters=2), (0, 0), (3, 2)),
        (Turn(quarters=3), (0, 0), (0, 3)),
        (Turn(flip=True), (1, 0), (1, 2)),
        (Turn(flop=True), (1, 0), (2, 0)),
        (Turn(flop=True, quarters=1), (0, 0), (2, 3)),
    ],
)
def test_a_pixel_goes_where_the_turn_takes_it(turn: Turn, before: tuple[int, int], after: tuple[int, int]) -> None:
    """In a picture of 4 × 3, mirrored first and then turned clockwise."""
    assert turn.apply(Box(*before, PIXEL), SIZE) == Box(*after, PIXEL)


@given(
    st.builds(Turn, st.booleans(), st.booleans(), st.integers(0, 3)), st.integers(1, 50), st.integers(1, 50), st.data()
)
def test_undoing_a_turn_leads_back(turn: Turn, width: int, height: int, data: st.DataObject) -> None:
    """Each box of a picture is found again."""
    left, top = data.draw(st.integers(0, width - 1)), data.draw(st.integers(0, height - 1))
    across, down = data.draw(st.integers(1, width - left)), data.draw(st.integers(1, height - top))
    box, size = Box(left, top, Size(across, down)), Size(width, height)
    there = turn.apply(box, size)
    assert turn.undo(there, size) == box
    assert there.left + there.size.width <= turn.size(size).width


def test_there_are_eight_orientations() -> None:
    """EXIF's eight are all the ways that a picture can lie."""
    assert len({turn.apply(Box(0, 0, Size(2, 1)), SIZE) for turn in ORIENTATIONS.values()}) == 8


@pytest.mark.parametrize(("degrees", "quarters"), [("0", 0), ("90", 1), ("270", 3), ("90.5", None), ("45", None)])
def test_quarters(degrees: str, quarters: int | None) -> None:
    """Only whole quarters move pixels without mixing any."""
    assert quarters_of(Decimal(degrees)) == quarters


@given(st.integers(0, 35_999), st.integers(1, 5000), st.integers(1, 5000))
def test_a_turned_size_holds_the_picture(hundredths: int, width: int, height: int) -> None:
    """It is never smaller than the shorter side, nor larger than the diagonal."""
    size = turned_size(Size(width, height), Decimal(hundredths) / 100)
    assert min(size.width, size.height) >= min(width, height) - 1
    assert max(size.width, size.height) <= (width**2 + height**2) ** 0.5 + 1
