"""Lay a colour behind what is clear."""

from imagemill.engine.context import Context
from imagemill.engine.vips import Image


def background(image: Image, context: Context) -> Image:
    """Flatten onto the background: where one was asked for, and where the format holds no transparency."""
    if not image.hasalpha() or (context.alpha and context.background is None):
        return image
    *colour, alpha = context.backdrop
    if image.bands == 2:
        colour = colour[:1]
    if alpha == 255:
        return image.flatten(background=colour)
    behind = image.new_from_image([*colour, alpha])
    return behind.composite2(image, "over").cast("uchar")
