"""BlurHash: a picture as a few waves, written in 83 printable characters. Plain Python, no library.

Source: the algorithm's description at github.com/woltapp/blurhash, Algorithm.md.
"""

import math
from collections.abc import Sequence

from imagemill.engine.raster import Raster

WAVES = (4, 3)
"""Waves along the longer and the shorter side: what the format's authors advise for photographs."""

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz#$%*+,-.:;=?@[]^_{|}~"

Colour = tuple[float, float, float]


def blurhash(raster: Raster) -> str:
    """The BlurHash of a picture.

    Args:
        raster: red, green and blue; best tiny, since the work grows with its pixels.

    Returns:
        28 characters.
    """
    across, down = WAVES if raster.width >= raster.height else WAVES[::-1]
    mean, *waves = _waves(raster, across, down)
    peak = max(abs(channel) for wave in waves for channel in wave)
    steps = max(0, min(82, math.floor(peak * 166 - 0.5)))
    largest = (steps + 1) / 166
    written = [_written(across - 1 + (down - 1) * 9, 1), _written(steps, 1), _written(_mean_digits(mean), 4)]
    return "".join([*written, *(_written(_wave_digits(wave, largest), 2) for wave in waves)])


def _waves(raster: Raster, across: int, down: int) -> list[Colour]:
    # Each row is summed once for each wave across, and these sums once for each wave down.
    light = [_linear(level) for level in range(256)]
    rows = [_row_sums(raster, y, across, light) for y in range(raster.height)]
    found = []
    for vertical in range(down):
        weights = [math.cos(math.pi * vertical * y / raster.height) for y in range(raster.height)]
        for horizontal in range(across):
            norm = (2 if vertical or horizontal else 1) / (raster.width * raster.height)
            red, green, blue = (
                norm * sum(weight * row[channel][horizontal] for weight, row in zip(weights, rows, strict=True))
                for channel in range(3)
            )
            found.append((red, green, blue))
    return found


def _row_sums(raster: Raster, y: int, across: int, light: Sequence[float]) -> list[list[float]]:
    # By channel and wave.
    start, end = y * raster.width * 3, (y + 1) * raster.width * 3
    channels = [[light[level] for level in raster.pixels[start + channel : end : 3]] for channel in range(3)]
    waves = [[math.cos(math.pi * wave * x / raster.width) for x in range(raster.width)] for wave in range(across)]
    return [
        [sum(level * weight for level, weight in zip(levels, wave, strict=True)) for wave in waves]
        for levels in channels
    ]


def _linear(level: int) -> float:
    # Source: IEC 61966-2-1, the transfer function of sRGB; and its inverse below.
    value = level / 255
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4


def _level(light: float) -> int:
    value = max(0.0, min(1.0, light))
    curved = value * 12.92 if value <= 0.0031308 else 1.055 * value ** (1 / 2.4) - 0.055
    return int(curved * 255 + 0.5)


def _mean_digits(mean: Colour) -> int:
    red, green, blue = map(_level, mean)
    return red << 16 | green << 8 | blue


def _wave_digits(wave: Colour, largest: float) -> int:
    red, green, blue = (
        max(0, min(18, math.floor(math.copysign(math.sqrt(abs(channel / largest)), channel) * 9 + 9.5)))
        for channel in wave
    )
    return (red * 19 + green) * 19 + blue


def _written(number: int, length: int) -> str:
    return "".join(_DIGITS[number // 83**place % 83] for place in reversed(range(length)))
