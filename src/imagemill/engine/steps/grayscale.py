"""Only light and dark."""

from imagemill.engine.context import Context
from imagemill.engine.steps.colour import in_colours, in_greys
from imagemill.engine.vips import Image


def grayscale(image: Image, context: Context) -> Image:
    """Make each pixel the grey of its luminance, measured in linear light; in colour if it will meet some."""
    if not context.output.grayscale or image.interpretation == "b-w":
        return image
    grey = in_greys(image)
    return grey if context.grey else in_colours(grey)
