"""Blur the picture."""

from imagemill.engine.alpha import weighed
from imagemill.engine.context import Context
from imagemill.engine.vips import Image, enlarge, in_memory

_ENOUGH = 4
"""Sigma in pixels at which a blur is so smooth that nobody can tell it from one made on finer pixels."""

_LEAST = 0.02
"""Weight, as a share of the middle's, past which pixels no longer count. At 0.2, libvips' own, a blur is a good deal
weaker than its sigma says."""

_ALL = 10
"""Sigma in sides of the picture past which nothing changes any more: all of it is one colour."""


def blur(image: Image, context: Context) -> Image:
    """Blur by a Gaussian of sigma `blur`. Past the edge the picture goes on as it is at the edge."""
    sigma = context.pixels(float(context.output.blur))
    return weighed(image, lambda pixels: soften(pixels, sigma)) if sigma else image


def soften(image: Image, sigma: float) -> Image:
    """Blur the pixels as they are; a large sigma costs no more than a small one.

    Args:
        image: any bands; alpha, if there is one, has been weighed in.
        sigma: in pixels. Past _ALL of the picture's longer sides as much as that.
    """
    sigma = min(sigma, _ALL * max(image.width, image.height))
    factor = int(sigma / _ENOUGH)
    if factor < 2:
        return _blurred(image, sigma)
    # Averaged blocks are blurred by so much less, and made large again where they were.
    blocks = in_memory(_blurred(image.shrink(factor, factor, ceil=True), sigma / factor))
    return enlarge(blocks, blocks.width * factor, blocks.height * factor).crop(0, 0, image.width, image.height)


def _blurred(image: Image, sigma: float) -> Image:
    # In floats: libvips' fast whole numbers make a picture lighter or darker, at a sigma of 0.5 by 3 %.
    blurred = image.gaussblur(sigma, min_ampl=_LEAST, precision="float")
    return blurred.rint().cast("uchar") if image.format == "uchar" else blurred
