"""Colours turned on the colour wheel."""

from math import cos, radians, sin

from imagemill.engine.alpha import on_colours
from imagemill.engine.context import Context
from imagemill.engine.vips import Image

_LUMINANCE = (0.213, 0.715, 0.072)
_SINE = ((-0.213, -0.715, 0.928), (0.143, 0.140, -0.283), (-0.787, 0.715, 0.072))
"""How much of the angle's sine each channel takes of each."""


def hue(image: Image, context: Context) -> Image:
    """Turn each colour around the axis of greys, its luminance kept; grey pictures have none.

    Source: Filter Effects 1, section 9.2 (`hue-rotate()`) and its feColorMatrix.
    """
    angle = radians(float(context.output.hue))
    if not angle or image.interpretation == "b-w":
        return image
    matrix = [
        [
            weight + cos(angle) * ((band == row) - weight) + sin(angle) * _SINE[row][band]
            for band, weight in enumerate(_LUMINANCE)
        ]
        for row in range(3)
    ]
    return on_colours(image, lambda colours: colours.recomb(matrix))
