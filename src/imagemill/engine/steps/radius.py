"""Round the corners."""

from imagemill.engine.alpha import fade
from imagemill.engine.context import Context
from imagemill.engine.vips import Image


def radius(image: Image, context: Context) -> Image:
    """Make clear what lies outside of rounded corners; at most half of the shorter side is round."""
    if not context.output.radius:
        return image
    round_by = min(context.pixels(context.output.radius), image.width / 2, image.height / 2)
    return fade(image, coverage(_distance(image.width, image.height, round_by)))


def coverage(distance: Image) -> Image:
    """How much of each pixel a shape covers, 0…255, by its distance in pixels from the edge: below 0 is inside."""
    return ((0.5 - distance) * 255).rint().cast("uchar")


def from_middle(width: int, height: int) -> tuple[Image, Image]:
    """How far each pixel's centre is from the middle, to the right and down."""
    place = Image.xyz(width, height) + 0.5
    return place[0] - width / 2, place[1] - height / 2


def _distance(width: int, height: int, round_by: float) -> Image:
    across, down = from_middle(width, height)
    across, down = across.abs() - (width / 2 - round_by), down.abs() - (height / 2 - round_by)
    right, below = (across > 0).ifthenelse(across, 0), (down > 0).ifthenelse(down, 0)
    return (right**2 + below**2) ** 0.5 - round_by
