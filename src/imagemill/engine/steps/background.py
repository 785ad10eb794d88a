"""Lay a colour, or a blurred copy, behind what is clear."""

from imagemill.domain.geometry import Size
from imagemill.engine.alpha import over
from imagemill.engine.backdrop import backdrop, lay
from imagemill.engine.context import Context
from imagemill.engine.steps.colour import matched_colour
from imagemill.engine.vips import Image, in_memory


def background(image: Image, context: Context) -> Image:
    """Flatten onto the background: where one was asked for, and where the format holds no transparency."""
    if not image.hasalpha():
        return image
    if context.blurred:
        if context.framing.canvas:
            return image  # the canvas lies behind all of it, so that no seam shows
        image = in_memory(image)
        return lay(image, backdrop(image, Size(image.width, image.height)))
    if context.alpha and context.background is None:
        return image
    *colour, alpha = matched_colour(context.backdrop, image, context)
    if image.bands == 2:
        colour = colour[:1]
    if alpha == 255:
        return image.flatten(background=colour)
    return over(image, image.new_from_image([*colour, alpha]))
