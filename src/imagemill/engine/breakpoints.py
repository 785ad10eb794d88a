"""Chooses widths by the bytes that their files have. Knows neither pictures nor encoders."""

import math
from collections.abc import Callable
from itertools import pairwise

from imagemill.domain.widths import Widths


def breakpoints(widths: Widths, largest: int, bytes_at: Callable[[int], int]) -> list[int]:
    """The widths to offer, ascending.

    First both ends; then as many in between as their bytes ask for, evenly; then, while there may be more, one into the
    widest gap that is still wider than the step. Bytes grow about as a power of the width, so a place is found in one
    attempt, and each width that is tried is one that is offered.

    Args:
        widths: what to choose from.
        largest: the greatest width there is.
        bytes_at: makes the file of a width: how many bytes it has. Called once for each width that is answered.
    """
    known = {largest: bytes_at(largest)}
    if largest <= widths.narrowest:
        return [largest]
    known[widths.narrowest] = bytes_at(widths.narrowest)
    low, span = known[widths.narrowest], known[largest] - known[widths.narrowest]
    parts = min(widths.most - 1, math.ceil(span / widths.step_bytes))
    for part in range(parts - 1, 0, -1):
        target = low + span * part / parts
        left, right = next(pair for pair in pairwise(sorted(known)) if known[pair[1]] >= target)
        _add(known, left, right, target, bytes_at)
    while len(known) < widths.most:
        left, right = max(pairwise(sorted(known)), key=lambda pair: _gap(known, *pair))
        if _gap(known, left, right) <= widths.step_bytes:
            break
        _add(known, left, right, (known[left] + known[right]) / 2, bytes_at)
    return sorted(known)


def _gap(known: dict[int, int], left: int, right: int) -> int:
    # Where no whole number lies in between there is no gap to fill.
    return known[right] - known[left] if right - left > 1 else 0


def _add(known: dict[int, int], left: int, right: int, target: float, bytes_at: Callable[[int], int]) -> None:
    if right - left < 2:
        return
    power = math.log(right / left) / math.log(known[right] / known[left]) if known[right] > known[left] else 0.0
    width = round(left * (target / known[left]) ** power)
    width = min(max(width, left + 1), right - 1)
    known[width] = bytes_at(width)
