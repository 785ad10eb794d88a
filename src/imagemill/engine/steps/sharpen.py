"""Sharpen the picture."""

from imagemill.engine.context import Context
from imagemill.engine.steps.blur import soften
from imagemill.engine.vips import Image, in_memory

_MOST = 10.0
"""Sigma in pixels past which libvips does not go."""


def sharpen(image: Image, context: Context) -> Image:
    """Lift edges of the lightness by an unsharp mask of sigma `sharpen`; even parts and colours stay as they are."""
    sigma = min(_MOST, context.pixels(float(context.output.sharpen)))
    if not sigma:
        return image
    image = in_memory(image)
    if not image.hasalpha():
        return image.sharpen(sigma=sigma)
    return _continued(image, sigma).sharpen(sigma=sigma).bandjoin(image.extract_band(image.bands - 1))


def _continued(image: Image, sigma: float) -> Image:
    # Where the picture is clear it goes on in the colours nearby: its outline is no edge of light and dark.
    weighed = image.premultiply()
    nearby = in_memory(soften(weighed, 2 * sigma).unpremultiply())
    alpha = weighed.extract_band(image.bands - 1)
    colours = weighed.extract_band(0, n=image.bands - 1) + nearby.extract_band(0, n=image.bands - 1) * (1 - alpha / 255)
    interpretation = "srgb" if image.bands > 2 else "b-w"
    return in_memory(colours.rint().cast("uchar").copy(interpretation=interpretation))
