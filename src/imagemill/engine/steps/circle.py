"""Keep a circle, or an ellipse where the picture is not square."""

from imagemill.engine.alpha import fade
from imagemill.engine.context import Context
from imagemill.engine.steps.radius import coverage, from_middle
from imagemill.engine.vips import Image


def circle(image: Image, context: Context) -> Image:
    """Make clear what lies outside of the ellipse that touches all four sides."""
    if not context.output.circle:
        return image
    return fade(image, coverage(_distance(image.width, image.height)))


def _distance(width: int, height: int) -> Image:
    # To first order, which is exact at the edge: the value of the ellipse's equation over the length of its slope.
    across, down = from_middle(width, height)
    x, y = across * (2 / width), down * (2 / height)
    slope = ((x * (2 / width)) ** 2 + (y * (2 / height)) ** 2) ** 0.5 * 2
    return (x**2 + y**2 - 1) / (slope < 1e-9).ifthenelse(1e-9, slope)
