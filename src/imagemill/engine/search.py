"""Looks for a number with few trials. Knows neither pictures nor encoders."""

import math
from collections.abc import Callable
from dataclasses import dataclass

TRIALS = 7
"""Most trials of one search. Halving would need seven for one of 100 qualities; a good guess needs three or four."""


@dataclass(frozen=True, slots=True)
class _Tried:
    """A number, and by how much it was enough; less than 0 where it was not."""

    number: int
    margin: float


def least(low: int, high: int, margin: Callable[[int], float], *, first: int, slope: float) -> int | None:
    """The least number whose margin is not negative, where margins grow with numbers.

    Args:
        low: the least that may be answered.
        high: the greatest that may be answered.
        margin: tries a number: by how much it is enough, less than 0 where it is not. At most TRIALS calls.
        first: a guess to begin with.
        slope: by how much the margin grows from one number to the next, about.

    Returns:
        The least that was found to be enough, which may be a little more than there would be where the trials ran
        out. None if not even `high` is enough.
    """
    under: _Tried | None = None
    over: _Tried | None = None
    number, step = min(max(first, low), high), 0
    for trial in range(TRIALS):
        tried = _Tried(number, margin(number))
        if tried.margin >= 0:
            # An end that stays where it is counts half each time, so that the next guess falls beyond the other.
            over, under = tried, under and _Tried(under.number, under.margin / 2)
        else:
            under, over = tried, over and _Tried(over.number, over.margin / 2)
        below, above = under.number if under else low - 1, over.number if over else high + 1
        if above - below <= 1:
            break
        if under and over:
            guess = _between(under, over)
        elif over is None and trial == TRIALS - 2:
            guess = high  # so that "none" is never for lack of trials
        else:
            # Each step twice the one before, or a slope that was guessed too steep would need many.
            step = max(math.ceil(abs(tried.margin) / slope * 1.3), math.ceil(step * 1.3))
            guess = tried.number - step if over else tried.number + step
        number = min(max(guess, below + 1), above - 1)
    return over.number if over else None


def greatest(low: int, high: int, margin: Callable[[int], float], *, first: int, slope: float) -> int | None:
    """The greatest number whose margin is not negative, where margins shrink as numbers grow: `least`, mirrored."""
    found = least(-high, -low, lambda number: margin(-number), first=-first, slope=slope)
    return None if found is None else -found


def _between(under: _Tried, over: _Tried) -> int:
    # Where the line through both crosses zero.
    slope = (over.margin - under.margin) / (over.number - under.number)
    return math.ceil(under.number - under.margin / slope)
