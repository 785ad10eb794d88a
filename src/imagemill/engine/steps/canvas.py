"""Lay the picture on a larger canvas: what `fit=contain` and `pad` leave free is background."""

from imagemill.engine.backdrop import backdrop, lay
from imagemill.engine.context import Context
from imagemill.engine.steps.colour import matched_colour
from imagemill.engine.vips import Image, in_memory


def canvas(image: Image, context: Context) -> Image:
    """Fill the rest of `framing.canvas` with the background."""
    box = context.framing.canvas
    if box is None:
        return image
    if context.blurred:
        image = in_memory(image)
        return lay(image, backdrop(image, box.size), box.left, box.top)
    red, green, blue, alpha = matched_colour(context.backdrop, image, context)
    if alpha < 255 and not image.hasalpha():
        image = image.addalpha()
    colour = [red] if image.bands < 3 else [red, green, blue]
    if image.hasalpha():
        colour.append(alpha)
    return image.embed(box.left, box.top, box.size.width, box.size.height, extend="background", background=colour)
