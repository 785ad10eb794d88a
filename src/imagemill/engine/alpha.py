"""What steps do to pictures that may be transparent: colours apart from alpha, or weighed by it.

libvips computes on demand, and what two ask for it computes twice. A picture that is taken apart and put together again
is asked twice, and so is all that lies before it: ten such steps would cost a thousand. So pixels are kept first.
"""

from collections.abc import Callable

from imagemill.engine.vips import Image, in_memory

Change = Callable[[Image], Image]


def weighed(image: Image, mix: Change) -> Image:
    """Mix neighbouring pixels, colours weighed by their alpha: or what is under clear pixels would bleed into edges."""
    if not image.hasalpha():
        return mix(image)
    # Rounded, since a cast alone cuts off, which darkens by half a level.
    return mix(image.premultiply()).unpremultiply().rint().cast(image.format)


def on_colours(image: Image, change: Change) -> Image:
    """Change the colours of an 8-bit picture, each pixel for itself, and leave alpha as it is."""
    if not image.hasalpha():
        return _whole(change(image))
    image = in_memory(image)
    colours = image.extract_band(0, n=image.bands - 1)
    return _whole(change(colours)).bandjoin(image.extract_band(image.bands - 1))


def with_tones(image: Image, curve: Callable[[float], float]) -> Image:
    """Give each tone of an 8-bit picture, 0…1, another one; past the ends counts as the end."""
    levels = bytes(round(255 * min(1.0, max(0.0, curve(level / 255)))) for level in range(256))
    table = Image.new_from_memory(levels, 256, 1, 1, "uchar")
    return on_colours(image, lambda colours: colours.maplut(table))


def fade(image: Image, mask: Image) -> Image:
    """Make a picture as transparent as a mask of one 8-bit band is dark."""
    if not image.hasalpha():
        return image.bandjoin(mask)
    image = in_memory(image)
    alpha = image.extract_band(image.bands - 1)
    faded = (alpha * mask / 255).rint().cast("uchar")
    return image.extract_band(0, n=image.bands - 1).bandjoin(faded)


def with_alpha(image: Image) -> Image:
    """The picture with a transparency channel."""
    return image if image.hasalpha() else image.addalpha()


def over(image: Image, behind: Image, left: int = 0, top: int = 0) -> Image:
    """Lay an 8-bit picture over another, which keeps its size and stays opaque where it is.

    Args:
        image: with alpha.
        behind: with as many colours.
        left: where the picture's left edge lies in the other one; below 0 it reaches over.
        top: likewise.
    """
    right, bottom = min(left + image.width, behind.width), min(top + image.height, behind.height)
    x, y = max(left, 0), max(top, 0)
    if x >= right or y >= bottom:
        return behind
    behind = in_memory(behind)
    # As floats, since libvips cuts whole ones off, which darkens by half a level; and only where both are.
    floor = behind.crop(x, y, right - x, bottom - y).cast("float")
    laid = floor.composite2(image.cast("float"), "over", x=left - x, y=top - y).extract_band(0, n=behind.bands)
    return behind.insert(_whole(laid), x, y)


def _whole(image: Image) -> Image:
    return image if image.format == "uchar" else image.rint().cast("uchar")
