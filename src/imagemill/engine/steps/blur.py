"""Blur the picture."""

from math import exp

from imagemill.engine.alpha import weighed
from imagemill.engine.context import Context
from imagemill.engine.vips import Image, convolved, enlarge, in_memory

_ENOUGH = 4
"""Sigma in pixels at which a blur is so smooth that nobody can tell it from one made on finer pixels."""

_LEAST = 0.02
"""Weight, as a share of the middle's, past which pixels no longer count. At 0.2, libvips' own, a blur is a good deal
weaker than its sigma says."""

_MOST = 64
"""What the middle weight has to stay below."""

_ALL = 20
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
    # Averaged blocks are blurred by so much less, and made large again where they were. Around them lies one more, of
    # what the picture goes on with past its edge: without it they would go on with their own average.
    columns, rows = -(-image.width // factor) + 2, -(-image.height // factor) + 2
    wide = image.embed(factor, factor, columns * factor, rows * factor, extend="copy")
    blocks = in_memory(_blurred(wide.shrink(factor, factor), sigma / factor))
    large = enlarge(blocks, columns * factor, rows * factor)
    return large.crop(factor, factor, image.width, image.height)


def _blurred(image: Image, sigma: float) -> Image:
    weights = _weights(sigma)
    if image.format != "uchar":
        return convolved(image, weights, sum(weights), whole=False)
    # Whole numbers take a tenth of the time. Where they do not add up to a power of two, or the middle one has more
    # than six bits, libvips makes a picture lighter or darker by rounding, at a sigma of 0.5 by 3 %.
    total = next(total for total in (256, 128, 64) if total * max(weights) < _MOST * sum(weights) or total == _MOST)
    steps = [round(weight * total / sum(weights)) for weight in weights]
    steps[len(steps) // 2] += total - sum(steps)
    return convolved(image, steps, total, whole=True)


def _weights(sigma: float) -> list[float]:
    half = [1.0]
    while (weight := exp(-(len(half) ** 2) / (2 * sigma**2))) >= _LEAST:
        half.append(weight)
    return half[:0:-1] + half
