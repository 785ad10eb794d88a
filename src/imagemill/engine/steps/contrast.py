"""Tones further apart, or nearer."""

from imagemill.engine.alpha import with_tones
from imagemill.engine.context import Context
from imagemill.engine.vips import Image


def contrast(image: Image, context: Context) -> Image:
    """Multiply each tone's distance from the middle. Source: Filter Effects 1, section 9.2 (`contrast()`)."""
    factor = float(context.output.contrast)
    return image if factor == 1 else with_tones(image, lambda tone: (tone - 0.5) * factor + 0.5)
