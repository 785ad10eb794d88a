"""Squares instead of pixels."""

from imagemill.engine.alpha import weighed
from imagemill.engine.context import Context
from imagemill.engine.vips import Image, has_eight_bits, in_memory


def pixelate(image: Image, context: Context) -> Image:
    """Give each square of the grid, which begins in the top left corner, its average colour."""
    side = round(context.pixels(context.output.pixelate))
    if context.output.pixelate == 1:
        return image
    return weighed(image, lambda pixels: _squares(pixels, min(side, image.width), min(side, image.height)))


def _squares(image: Image, across: int, down: int) -> Image:
    columns, rows = -(-image.width // across), -(-image.height // down)
    size = columns * across, rows * down
    # What the last squares lack counts as nothing and is made up for: libvips would repeat the last row in its place.
    covered = (Image.black(image.width, image.height) + 1).embed(0, 0, *size).shrink(across, down)
    sums = image.cast("float").embed(0, 0, *size).shrink(across, down)
    means = sums / covered
    # Where colours have been weighed by alpha they are no whole numbers yet.
    squares = in_memory(means.rint().cast("uchar") if has_eight_bits(image) else means)
    return squares.zoom(across, down).crop(0, 0, image.width, image.height)
