"""Find what a plain border surrounds. Goes before the pipeline, since sizes follow from it."""

from collections.abc import Sequence

from imagemill.domain.geometry import Box, Size
from imagemill.engine.vips import Image

_LEVELS = {"ushort": 257}
"""How many levels of a band are one of 8 bits."""


def trim(image: Image, corner: Sequence[float], tolerance: int) -> Box | None:
    """The smallest box around all pixels that differ from the corner's.

    Where the corner is clear, what is clear is border, whatever colour hides under it.

    Args:
        image: as stored; read once, row by row.
        corner: what each band of the pixel in the corner is.
        tolerance: levels of 255 by which a pixel of the border may differ in a band.

    Returns:
        None if there is nothing but border.
    """
    if image.hasalpha() and corner[-1] == 0:
        image, corner = image.extract_band(image.bands - 1), corner[-1:]
    threshold = tolerance * _LEVELS.get(image.format, 1)
    differs = ((image - list(corner)).abs() > threshold).bandor()
    left, top, width, height = differs.find_trim(threshold=0, background=[0], line_art=True)
    return Box(left, top, Size(width, height)) if width and height else None
