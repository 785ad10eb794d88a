"""Cut away what hangs over the box."""

from imagemill.domain.geometry import Box
from imagemill.engine.context import Context
from imagemill.engine.vips import Image


def crop(image: Image, context: Context) -> Image:
    """Cut `framing.crop` from the scaled picture."""
    return image if context.framing.crop is None else cut(image, context.framing.crop)


def cut(image: Image, box: Box) -> Image:
    """The part of a picture within a box."""
    return image.crop(box.left, box.top, box.size.width, box.size.height)
