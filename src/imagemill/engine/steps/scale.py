"""Bring the picture to its size."""

from imagemill.engine.alpha import weighed
from imagemill.engine.context import Context
from imagemill.engine.vips import Image, enlarge, is_turned

COARSEST = 1 / 10
"""Scale down to which the filter (Lanczos 3) alone is faster than averaging blocks first, and finer; measured."""
NO_GAP, GAP = 0, 2
"""How many times larger than the output the averaging of blocks leaves the picture; 0 is not to average at all."""


def scale(image: Image, context: Context) -> Image:
    """Scale to `framing.scaled`, sides swapped if the picture still lies on its side."""
    width, height = context.framing.scaled.width, context.framing.scaled.height
    if is_turned(image):
        width, height = height, width
    if (image.width, image.height) == (width, height):
        return image
    across, down = width / image.width, height / image.height
    gap = NO_GAP if min(across, down) > COARSEST else GAP
    if max(across, down) <= 1:
        return weighed(image, lambda pixels: pixels.resize(across, vscale=down, gap=gap))
    # A side that shrinks does so first: it needs the better filter.
    across, down = min(across, 1), min(down, 1)
    return weighed(image, lambda pixels: enlarge(pixels.resize(across, vscale=down, gap=gap), width, height))


def shrink(image: Image, factor: int) -> Image:
    """Make each block of factor × factor pixels one: what `scale` does first with pictures that are far too large."""
    return image if factor == 1 else weighed(image, lambda pixels: pixels.shrink(factor, factor, ceil=True))
