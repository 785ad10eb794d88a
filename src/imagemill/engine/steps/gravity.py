"""Keep what gravity says of a picture that hangs over its box."""

from imagemill.domain.geometry import Interest
from imagemill.engine.context import Context
from imagemill.engine.steps.colour import colour
from imagemill.engine.steps.crop import cut
from imagemill.engine.vips import Image, in_memory


def gravity(image: Image, context: Context) -> Image:
    """Cut `framing.window`, or a window of its size around what is of most interest."""
    window = context.framing.window
    if window is None:
        return image
    wanted = context.output.gravity
    # An animation that looked for something else in each frame would jump.
    if not isinstance(wanted, Interest) or context.frames > 1:
        return cut(image, window)
    # It is looked at first and cut afterwards; as it is seen, or 16 bits would seem to hold more detail than 8.
    return in_memory(colour(image, context)).smartcrop(window.size.width, window.size.height, interesting=str(wanted))
