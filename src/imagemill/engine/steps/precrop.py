"""Cut the source before it is scaled: only where scaling all of it would make a picture of absurd length."""

from imagemill.engine.context import Context
from imagemill.engine.steps.crop import cut
from imagemill.engine.steps.orient import orient
from imagemill.engine.vips import Image


def precrop(image: Image, context: Context) -> Image:
    """Cut `framing.precrop` from the source. It is as a viewer sees it, so the source is turned upright first."""
    if context.framing.precrop is None:
        return image
    return cut(orient(image, context), context.framing.precrop)
