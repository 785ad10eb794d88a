"""How like its lossless original a picture looks: multi-scale structural similarity of brightness, 0…1.

At each of five scales, each half as large as the one before, 8 × 8 pixels at a time and every 4 pixels, contrast and
structure of the two pictures are compared; at the coarsest, brightness too. What counts how much was found by asking
people. Windows are boxes and not bells, since a box costs a tenth.

Colour does not count: encoders spend on it what they spend on brightness, and without it the measure agrees better with
slower ones (docs/decisions/0017). What is clear is looked at on white and on black, and the worse of the two counts.

Source: Wang, Simoncelli and Bovik, Multi-scale structural similarity for image quality assessment, 2003.
"""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Self

from imagemill.engine.vips import Image, in_memory

WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""Of the scales, finest first. Source: the same, section 3.2."""

_BRIGHTNESS = [[0.299, 0.587, 0.114]]  # ITU-R BT.601, as JPEG and WebP take it
_FLOOR_OF_MEANS, _FLOOR_OF_VARIANCES = (0.01 * 255) ** 2, (0.03 * 255) ** 2
_STRIDE, _WINDOW = 4, 8


@dataclass(frozen=True)
class _Scale:
    """A picture at one scale: its pixels, and mean and mean square of each window."""

    pixels: Image
    mean: Image
    square: Image

    @classmethod
    def of(cls, pixels: Image) -> Self:
        return cls(pixels, in_memory(_windows(pixels)), in_memory(_windows(pixels * pixels)))


class Reference:
    """The lossless picture, measured once, for many to be compared with.

    Args:
        image: in memory, 8 bits a band.
    """

    def __init__(self, image: Image) -> None:
        self._image = image

    def score(self, other: Image) -> float:
        """How like the reference another picture of its size looks.

        Returns:
            1 where they are equal, to five decimal places.
        """
        pairs = zip(self._grounds, _brightness(other, clear=len(self._grounds) > 1), strict=False)
        return round(min(_compare(scales, brightness) for scales, brightness in pairs), 5)

    @cached_property
    def _grounds(self) -> list[list[_Scale]]:
        return [_scales(brightness) for brightness in _brightness(self._image, clear=self._image.hasalpha())]


def _brightness(image: Image, *, clear: bool) -> list[Image]:
    if not image.hasalpha():
        return [_grey(image)] * (2 if clear else 1)
    return [_grey(image.flatten(background=ground)) for ground in (255, 0)]


def _grey(image: Image) -> Image:
    grey = image.recomb(_BRIGHTNESS) if image.bands > 2 else image
    return in_memory(grey.cast("float"))


def _scales(brightness: Image) -> list[_Scale]:
    scales = [_Scale.of(brightness)]
    while len(scales) < len(WEIGHTS) and min(brightness.width, brightness.height) >= 2 * _WINDOW:
        brightness = in_memory(_halved(brightness))
        scales.append(_Scale.of(brightness))
    return scales


def _compare(scales: list[_Scale], brightness: Image) -> float:
    weights = WEIGHTS[: len(scales)]
    likenesses = [_likeness(scales[0], _Scale.of(brightness), whole=len(scales) == 1)]
    for scale in scales[1:]:
        brightness = in_memory(_halved(brightness))
        likenesses.append(_likeness(scale, _Scale.of(brightness), whole=scale is scales[-1]))
    # A picture too small for all five scales is judged by those that it has.
    exponents = (weight / sum(weights) for weight in weights)
    return math.prod(math.pow(max(like, 0), exponent) for like, exponent in zip(likenesses, exponents, strict=True))


def _likeness(one: _Scale, other: _Scale, *, whole: bool) -> float:
    both = one.mean * other.mean
    covariance = _windows(one.pixels * other.pixels) - both
    squares = one.mean * one.mean + other.mean * other.mean
    variances = one.square + other.square - squares
    likeness = (covariance * 2 + _FLOOR_OF_VARIANCES) / (variances + _FLOOR_OF_VARIANCES)
    if whole:
        likeness *= (both * 2 + _FLOOR_OF_MEANS) / (squares + _FLOOR_OF_MEANS)
    return float(likeness.avg())


def _windows(pixels: Image) -> Image:
    # Means of 4 × 4 pixels, and of 2 × 2 of those: windows of 8 × 8, one every 4 pixels.
    if min(pixels.width, pixels.height) < _WINDOW:
        return pixels.shrink(pixels.width, pixels.height)
    blocks = _halved(pixels, _STRIDE)
    width, height = blocks.width - 1, blocks.height - 1
    corners = [blocks.crop(x, y, width, height) for x in (0, 1) for y in (0, 1)]
    return (corners[0] + corners[1] + corners[2] + corners[3]) * 0.25


def _halved(pixels: Image, times: int = 2) -> Image:
    # What is left over at the right and at the bottom is left out, or it would be made up.
    whole = pixels.crop(0, 0, pixels.width // times * times, pixels.height // times * times)
    return whole.shrink(times, times)
