"""Turn the picture clockwise, by any angle."""

from math import cos, radians, sin

from imagemill.domain.geometry import Size
from imagemill.domain.turning import quarters_of
from imagemill.engine.alpha import weighed, with_alpha
from imagemill.engine.context import Context
from imagemill.engine.steps.colour import colour
from imagemill.engine.steps.scale import stretch
from imagemill.engine.vips import Image, in_memory, interpolation

_ROUNDING = 2
"""Pixels by which a side may be off because sizes are whole numbers; so much is cut or left clear, at both ends."""


def rotate(image: Image, context: Context) -> Image:
    """Turn by `rotate`; what no picture covers then is clear."""
    degrees = context.output.rotate
    if not degrees:
        return image
    quarters = quarters_of(degrees)
    if quarters:
        return in_memory(image).rot(f"d{90 * quarters}")
    # Colours first, since what is clear here is clear in sRGB.
    image = in_memory(with_alpha(colour(image, context)))
    turned = context.framing.turned or Size(image.width, image.height)
    return weighed(image, lambda pixels: _turn(pixels, radians(float(degrees)), turned))


def _turn(image: Image, angle: float, size: Size) -> Image:
    across, down = abs(cos(angle)), abs(sin(angle))
    around = Size(round(image.width * across + image.height * down), round(image.width * down + image.height * across))
    if abs(around.width - size.width) <= _ROUNDING and abs(around.height - size.height) <= _ROUNDING:
        return _turn_to(image, angle, size)
    # Squeezed by `fit=fill`, or shrunk to a limit: not a matter of turning any more.
    turned = in_memory(_turn_to(image, angle, around))
    return stretch(turned, size.width, size.height)


def _turn_to(image: Image, angle: float, size: Size) -> Image:
    # Around the middle. A pixel's place is that of its centre, so the middle is at half of one less than the side.
    a, b, c, d = cos(angle), -sin(angle), sin(angle), cos(angle)
    x, y = (image.width - 1) / 2, (image.height - 1) / 2
    return image.affine(
        [a, b, c, d],
        oarea=[0, 0, size.width, size.height],
        odx=(size.width - 1) / 2 - (a * x + b * y),
        ody=(size.height - 1) / 2 - (c * x + d * y),
        interpolate=interpolation("bicubic"),
        extend="background",
        background=[0],
        premultiplied=True,
    )
