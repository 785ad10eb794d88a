"""More or less light."""

from imagemill.engine.alpha import with_tones
from imagemill.engine.context import Context
from imagemill.engine.vips import Image


def brightness(image: Image, context: Context) -> Image:
    """Multiply each tone. Source: Filter Effects 1, section 9.2 (`brightness()`)."""
    factor = float(context.output.brightness)
    return image if factor == 1 else with_tones(image, lambda tone: tone * factor)
