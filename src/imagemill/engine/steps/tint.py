"""One hue for all of the picture."""

from imagemill.domain.colours import colour_channels
from imagemill.engine.alpha import on_colours
from imagemill.engine.context import Context
from imagemill.engine.steps.colour import in_colours, matched_colour
from imagemill.engine.vips import Image, in_memory


def tint(image: Image, context: Context) -> Image:
    """Keep each pixel's lightness, and take its hue and chroma from the tint's, as far as the tint is opaque."""
    if context.output.tint is None:
        return image
    *colour, alpha = matched_colour(colour_channels(context.output.tint), image, context)
    _, a, b = Image.black(1, 1).new_from_image(colour).copy(interpretation="srgb").colourspace("lab").getpoint(0, 0)
    share = alpha / 255

    def dye(colours: Image) -> Image:
        lightness = colours.colourspace("lab").extract_band(0)
        dyed = lightness.bandjoin([a, b]).copy(interpretation="lab").colourspace("srgb")
        return dyed * share + colours * (1 - share)

    # Computed first, since it is needed twice.
    return on_colours(in_memory(in_colours(image)), dye).copy(interpretation="srgb")
