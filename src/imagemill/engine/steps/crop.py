"""Keep a part of the source, before it is scaled."""

from imagemill.domain.geometry import Box
from imagemill.engine.context import Context
from imagemill.engine.vips import Image


def crop(image: Image, context: Context) -> Image:
    """Cut what `crop` and `trim` leave; and what gravity leaves, where scaling all would be absurd."""
    return image if context.cut is None else cut(image, context.cut)


def cut(image: Image, box: Box) -> Image:
    """The part of a picture within a box; a codec that rounds down may have left a row or a column less."""
    width, height = min(box.size.width, image.width - box.left), min(box.size.height, image.height - box.top)
    return image.crop(box.left, box.top, width, height)
