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
    number = min(max(first, low), high)
    for left in reversed(range(TRIALS)):
        tried = _Tried(number, margin(number))
        if tried.margin >= 0:
            over = tried
        else:
            under = tried
        below, above = under.number if under else low - 1, over.number if over else high + 1
        if above - below <= 1:
            break
        # The last trial but one goes to the end where nothing was enough yet: "none" is never for lack of trials.
        guess = high if left <= 2 and over is None else _guess(tried, under, over, slope, halve=left == 2)
        number = min(max(guess, below + 1), above - 1)
    return over.number if over else None


def greatest(low: int, high: int, margin: Callable[[int], float], *, first: int, slope: float) -> int | None:
    """The greatest number whose margin is not negative, where margins shrink as numbers grow: `least`, mirrored."""
    found = least(-high, -low, lambda number: margin(-number), first=-first, slope=slope)
    return None if found is None else -found


def _guess(last: _Tried, under: _Tried | None, over: _Tried | None, slope: float, *, halve: bool) -> int:
    # Where the line through what is known crosses zero. Once halfway instead, lest one end crawls towards the other.
    if under and over:
        if halve:
            return (under.number + over.number) // 2
        slope = (over.margin - under.margin) / (over.number - under.number)
    return math.ceil(last.number - last.margin / slope)
