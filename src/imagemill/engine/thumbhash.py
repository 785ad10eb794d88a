"""ThumbHash: a blur of a picture with its proportions and its transparency, in about 25 bytes. Plain Python, no
library.

Sums are taken in the order of the author's program: where a picture has no wave of some length, what is written is
what floats leave of it, and only so it is the same.

Source: the algorithm at evanw.github.io/thumbhash; its description is its source code.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from imagemill.engine.raster import Raster

MOST_SIDE = 100
"""Pixels on the longer side that the format allows."""


@dataclass(frozen=True, slots=True)
class _Waves:
    """A channel as waves: its mean, the others from 0 to 1 around ½, and how far they reach."""

    mean: float
    others: Sequence[float]
    reach: float


def thumbhash(raster: Raster) -> bytes:
    """The ThumbHash of a picture.

    Args:
        raster: red, green, blue and alpha, at most MOST_SIDE a side; best tiny, since the work grows with its pixels.
    """
    width, height, longer = raster.width, raster.height, max(raster.width, raster.height)
    light, yellow, red, alpha = _channels(raster)
    clear = _sum(alpha) < width * height
    most = 5 if clear else 7
    across, down = (max(1, _round(most * side / longer)) for side in (width, height))
    lightness = _waves(light, width, height, max(3, across), max(3, down))
    colours = [_waves(channel, width, height, 3, 3) for channel in (yellow, red)]
    head = _head(lightness, colours, clear=clear)
    wide = width > height
    shape = (down if wide else across) | _round(63 * colours[0].reach) << 3 | _round(63 * colours[1].reach) << 9
    data = bytearray(head.to_bytes(3, "little") + (shape | wide << 15).to_bytes(2, "little"))
    parts = [lightness, *colours]
    if clear:
        cover = _waves(alpha, width, height, 5, 5)
        data.append(_round(15 * cover.mean) | _round(15 * cover.reach) << 4)
        parts.append(cover)
    return bytes(data) + _halves([_round(15 * wave) for part in parts for wave in part.others])


def _head(light: _Waves, colours: Sequence[_Waves], *, clear: bool) -> int:
    yellow, red = (_round(31.5 + 31.5 * colour.mean) for colour in colours)
    return _round(63 * light.mean) | yellow << 6 | red << 12 | _round(31 * light.reach) << 18 | clear << 23


def _channels(raster: Raster) -> tuple[list[float], list[float], list[float], list[float]]:
    # Lightness, blue against yellow, green against red, alpha. What is clear takes the mean colour of what is not.
    alphas = [level / 255 for level in raster.pixels[3::4]]
    red, green, blue = (_on_mean(raster.pixels[band::4], alphas) for band in range(3))
    light = [(r + g + b) / 3 for r, g, b in zip(red, green, blue, strict=True)]
    yellow = [(r + g) / 2 - b for r, g, b in zip(red, green, blue, strict=True)]
    return light, yellow, [r - g for r, g in zip(red, green, strict=True)], alphas


def _on_mean(levels: Sequence[int], alphas: Sequence[float]) -> list[float]:
    weighed = [alpha / 255 * level for level, alpha in zip(levels, alphas, strict=True)]
    whole = _sum(alphas)
    mean = _sum(weighed) / whole if whole else 0.0
    return [mean * (1 - alpha) + level for level, alpha in zip(weighed, alphas, strict=True)]


def _waves(levels: Sequence[float], width: int, height: int, across: int, down: int) -> _Waves:
    mean, *others = _corner(levels, width, height, across, down)
    reach = max(map(abs, others))
    return _Waves(mean, [0.5 + 0.5 / reach * wave for wave in others] if reach else others, reach)


def _corner(levels: Sequence[float], width: int, height: int, across: int, down: int) -> Iterator[float]:
    # The long waves only: those in the triangle at the top left of the table of all.
    rows = [levels[start : start + width] for start in range(0, width * height, width)]
    for vertical in range(down):
        falls = _cosines(vertical, height)
        for horizontal in range(across):
            if horizontal * down < across * (down - vertical):
                yield _likeness(rows, _cosines(horizontal, width), falls) / (width * height)


def _likeness(rows: Sequence[Sequence[float]], runs: Sequence[float], falls: Sequence[float]) -> float:
    total = 0.0
    for row, fall in zip(rows, falls, strict=True):
        for level, run in zip(row, runs, strict=True):
            total += level * run * fall
    return total


def _cosines(wave: int, length: int) -> list[float]:
    return [math.cos(math.pi / length * wave * (at + 0.5)) for at in range(length)]


def _sum(numbers: Sequence[float]) -> float:
    # Python's own corrects itself from 3.12 on.
    total = 0.0
    for number in numbers:
        total += number
    return total


def _halves(numbers: list[int]) -> bytes:
    # Two numbers of four bits in a byte, the lower half first.
    pairs = zip(numbers[::2], [*numbers[1::2], 0], strict=False)
    return bytes(low | high << 4 for low, high in pairs)


def _round(value: float) -> int:
    return math.floor(value + 0.5)
