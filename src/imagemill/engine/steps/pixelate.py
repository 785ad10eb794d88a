"""Squares instead of pixels."""

from imagemill.engine.alpha import weighed
from imagemill.engine.context import Context
from imagemill.engine.vips import Image, in_memory


def pixelate(image: Image, context: Context) -> Image:
    """Give each square of the grid, which begins in the top left corner, its average colour."""
    side = round(context.pixels(context.output.pixelate))
    if context.output.pixelate == 1:
        return image
    return weighed(image, lambda pixels: _squares(pixels, min(side, max(image.width, image.height))))


def _squares(image: Image, side: int) -> Image:
    squares = in_memory(image.shrink(side, side, ceil=True))
    return squares.zoom(side, side).crop(0, 0, image.width, image.height)
