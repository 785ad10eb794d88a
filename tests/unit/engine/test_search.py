"""The search: the right number, with few trials, whatever the curve."""

import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagemill.engine.search import TRIALS, greatest, least

CURVES: dict[str, Callable[[float], float]] = {
    "straight": lambda quality: quality / 4,
    "steep at the end": lambda quality: 0.3 * math.exp(quality / 15),
    "steep at the start": lambda quality: 8 * math.log(quality + 1),
    "a step": lambda quality: quality / 4 + (10 if quality > 60 else 0),
}


def counted(margin: Callable[[int], float]) -> tuple[list[int], Callable[[int], float]]:
    """The same margin, and the numbers that were tried."""
    tried: list[int] = []

    def noted(number: int) -> float:
        tried.append(number)
        return margin(number)

    return tried, noted


@pytest.mark.parametrize("target", [1, 2, 35, 61, 79, 80, 99, 100])
@pytest.mark.parametrize("name", CURVES)
def test_the_least_is_found(name: str, target: int) -> None:
    """Within a few steps of the least that is enough, and never below it."""
    curve = CURVES[name]
    tried, margin = counted(lambda number: curve(number) - curve(target))
    found = least(1, 100, margin, first=80, slope=0.25)
    assert found is not None
    assert target <= found <= target + 4
    assert len(tried) <= TRIALS


@given(target=st.integers(2, 101), first=st.integers(-20, 140), slope=st.floats(0.001, 100))
def test_none_is_an_answer_and_no_lack_of_trials(target: int, first: int, slope: float) -> None:
    """However bad the guess: what is found is enough, and where even the end is not, that is said."""
    tried, margin = counted(lambda number: number - target)
    found = least(1, 100, margin, first=first, slope=slope)
    assert found is None if target > 100 else found is not None and found >= target
    assert len(tried) <= TRIALS
    assert all(1 <= number <= 100 for number in tried)
    assert len(set(tried)) == len(tried)


@pytest.mark.parametrize(("most", "found"), [(1000, 80), (640, 64), (8, None)])
def test_the_greatest_is_the_least_mirrored(most: int, found: int | None) -> None:
    """The greatest number whose cost is within the bound."""
    assert greatest(1, 80, lambda number: math.log(most / (10 * number)), first=80, slope=0.03) == found
