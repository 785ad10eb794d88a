"""Turn the picture upright, as its EXIF orientation asks."""

from imagemill.engine.context import Context
from imagemill.engine.vips import Image, in_memory, orientation

_IN_ROW_ORDER = (1, 2)
"""Orientations that can be undone row by row, as pixels arrive."""


def orient(image: Image, _context: Context) -> Image:
    """Turn and mirror the picture, and strike the orientation out."""
    how = orientation(image)
    if how == 1:
        return image
    return (image if how in _IN_ROW_ORDER else in_memory(image)).autorot()
