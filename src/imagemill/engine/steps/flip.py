"""Turn the picture upside down."""

from imagemill.engine.context import Context
from imagemill.engine.vips import Image, in_memory


def flip(image: Image, context: Context) -> Image:
    """Make top bottom. The last row comes first, so all have to be there."""
    return in_memory(image).flip("vertical") if context.output.flip else image
