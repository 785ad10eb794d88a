"""Stronger or fainter colours."""

from imagemill.engine.alpha import on_colours
from imagemill.engine.context import Context
from imagemill.engine.vips import Image

_LUMINANCE = (0.213, 0.715, 0.072)


def saturation(image: Image, context: Context) -> Image:
    """Multiply each colour's distance from the grey of its luminance; grey pictures have none.

    Source: Filter Effects 1, section 9.2 (`saturate()`) and its feColorMatrix.
    """
    factor = float(context.output.saturation)
    if factor == 1 or image.interpretation == "b-w":
        return image
    matrix = [
        [weight * (1 - factor) + (factor if band == row else 0) for band, weight in enumerate(_LUMINANCE)]
        for row in range(3)
    ]
    return on_colours(image, lambda colours: colours.recomb(matrix))
