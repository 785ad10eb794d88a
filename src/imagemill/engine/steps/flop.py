"""Mirror the picture."""

from imagemill.engine.context import Context
from imagemill.engine.vips import Image


def flop(image: Image, context: Context) -> Image:
    """Make left right."""
    return image.flip("horizontal") if context.output.flop else image
