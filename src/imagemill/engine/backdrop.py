"""A blurred copy of a picture, to lie behind it."""

from fractions import Fraction
from math import ceil

from imagemill.domain.geometry import Size, rounded
from imagemill.engine.alpha import over, with_alpha
from imagemill.engine.steps.blur import soften
from imagemill.engine.steps.scale import stretch
from imagemill.engine.vips import Image, in_memory

_SIDE = 64
"""The copy is made this small."""

_SIGMAS = (24, 8, 2.5)
"""How much it is blurred there. The last one is what is seen: a twenty-fifth of the picture's longer side. The others
lie behind it and show only where the picture is clear for so far that the last has nothing to take colours from."""


def backdrop(image: Image, size: Size) -> Image:
    """An opaque, blurred copy that covers a size, as `fit=cover` would.

    Args:
        image: in memory; where it is clear, the copy takes the colours nearby.
        size: in pixels.
    """
    scale = Fraction(_SIDE, max(image.width, image.height))
    width, height = (max(1, rounded(side * scale)) for side in (image.width, image.height))
    small = in_memory(stretch(with_alpha(image).premultiply(), width, height))
    opaque = in_memory(_filled(small))
    cover = max(Fraction(size.width, opaque.width), Fraction(size.height, opaque.height))
    large = stretch(opaque, ceil(opaque.width * cover), ceil(opaque.height * cover))
    left, top = (large.width - size.width) // 2, (large.height - size.height) // 2
    return large.crop(left, top, size.width, size.height)


def lay(image: Image, behind: Image, left: int = 0, top: int = 0) -> Image:
    """Lay a picture on an opaque one, its top left corner at (left, top)."""
    if not image.hasalpha():
        return behind.insert(image, left, top)
    return over(image, behind, left, top)


def _filled(small: Image) -> Image:
    *sums, alpha = (small.extract_band(band).avg() for band in range(small.bands))
    average = [level * 255 / alpha if alpha else 255 for level in sums]
    filled = small.new_from_image([*average, 255]).copy(interpretation=small.interpretation)
    for sigma in _SIGMAS:
        layer = soften(small, sigma)
        clear = 1 - layer.extract_band(layer.bands - 1) / 255
        filled = layer + filled * clear
    return filled.extract_band(0, n=small.bands - 1).rint().cast("uchar").copy(interpretation=_opaque(small))


def _opaque(image: Image) -> str:
    return "srgb" if image.bands > 2 else "b-w"
