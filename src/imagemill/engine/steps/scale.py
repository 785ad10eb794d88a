"""Bring the picture to its size."""

from imagemill.engine.alpha import weighed
from imagemill.engine.context import Context
from imagemill.engine.vips import Image, enlarge, is_turned

COARSEST = 1 / 4
"""Scale down to which the filter (Lanczos 3) does all of it. Below, its weights, which libvips keeps as small whole
numbers, add up to less than one: alone it makes 253 of white. Blocks are averaged first, then nothing is lost."""
NO_GAP, GAP = 0, 2
"""How many times larger than the output the averaging of blocks leaves the picture; 0 is not to average at all."""


def scale(image: Image, context: Context) -> Image:
    """Scale to `framing.scaled`, sides swapped if the picture still lies on its side."""
    width, height = context.framing.scaled.width, context.framing.scaled.height
    if is_turned(image):
        width, height = height, width
    if (image.width, image.height) == (width, height):
        return image
    return weighed(image, lambda pixels: stretch(pixels, width, height))


def stretch(image: Image, width: int, height: int) -> Image:
    """Scale to this size; where alpha is, colours have been weighed by it."""
    across, down = width / image.width, height / image.height
    gap = NO_GAP if min(across, down) > COARSEST else GAP
    # A side that shrinks does so first: it needs the better filter.
    small = image.resize(min(across, 1), vscale=min(down, 1), gap=gap) if min(across, down) < 1 else image
    return enlarge(small, width, height) if max(across, down) > 1 else small


def shrink(image: Image, factor: int) -> Image:
    """Make each block of factor × factor pixels one: what `scale` does first with pictures that are far too large."""
    return image if factor == 1 else weighed(image, lambda pixels: pixels.shrink(factor, factor, ceil=True))
