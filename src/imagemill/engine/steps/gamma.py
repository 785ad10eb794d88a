"""Lighter or darker middle tones, black and white as they are."""

from imagemill.engine.alpha import with_tones
from imagemill.engine.context import Context
from imagemill.engine.vips import Image


def gamma(image: Image, context: Context) -> Image:
    """Raise each tone to the power of 1/gamma."""
    power = 1 / float(context.output.gamma)
    return image if power == 1 else with_tones(image, lambda tone: tone**power)
