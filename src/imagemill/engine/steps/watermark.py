"""Lay an image or a text over the picture."""

from dataclasses import replace
from fractions import Fraction

from imagemill.domain.colours import colour_channels
from imagemill.domain.geometry import Sides, Size, rounded
from imagemill.domain.header import Header
from imagemill.domain.ports import Bytes
from imagemill.domain.watermark import Watermark
from imagemill.engine import reading
from imagemill.engine.alpha import fade, over, weighed, with_alpha
from imagemill.engine.context import Context
from imagemill.engine.steps.colour import colour, in_colours, matched
from imagemill.engine.steps.scale import stretch
from imagemill.engine.vips import Image, enlarge, in_memory, written

_TYPE = 100.0
"""Size of the type, in pixels, in which a text is measured."""
_LARGEST_TYPE = 500.0
"""Past it a text is drawn this large and then scaled: what draws letters was not made for larger ones."""
_SMALLEST_TILE = 256
"""Tiles are doubled up to this side before they are laid, so that a tiny one costs no more than a large one."""


def watermark(image: Image, context: Context) -> Image:
    """Lay the watermark over the picture, at its place or again and again. The picture keeps its own outline."""
    asked = context.output.watermark
    if asked is None:
        return image
    box = Size(_share(image.width, asked), _share(image.height, asked))
    mark = _opened(*context.marks[asked.token], context, box) if asked.token else _written(asked, box)
    image = in_colours(image)
    mark = in_memory(_faded(matched(mark, image, context), float(asked.opacity)))
    offset = _device(asked.offset, context)
    size = Size(image.width, image.height)
    left, top = (0, 0) if asked.tile else _place(asked, Size(mark.width, mark.height), size, offset)
    if asked.tile:
        mark = _tiles(mark, size, offset)
    return over(mark, image, left, top)


def _share(length: int, asked: Watermark) -> int:
    return max(1, rounded(length * Fraction(asked.scale)))


def _device(offset: Sides, context: Context) -> Sides:
    return Sides(*(round(context.pixels(side)) for side in (offset.top, offset.right, offset.bottom, offset.left)))


def _written(asked: Watermark, box: Size) -> Image:
    text = asked.text or ""
    sample = written(text, _TYPE)
    type_size = max(1.0, _TYPE * min(box.width / sample.width, box.height / sample.height))
    mask = written(text, min(type_size, _LARGEST_TYPE))
    if type_size > _LARGEST_TYPE:
        mask = enlarge(mask, *(round(side * type_size / _LARGEST_TYPE) for side in (mask.width, mask.height)))
    *ink, alpha = colour_channels(asked.color)
    plain = mask.new_from_image(ink).copy(interpretation="srgb").cast("uchar")
    return _faded(plain.bandjoin(mask), alpha / 255)


def _opened(data: Bytes, header: Header, context: Context, box: Size) -> Image:
    image = with_alpha(in_colours(colour(reading.open(data, header), replace(context, profile_kept=False))))
    scale = min(Fraction(box.width, image.width), Fraction(box.height, image.height))
    width, height = (max(1, rounded(side * scale)) for side in (image.width, image.height))
    return weighed(image, lambda pixels: stretch(pixels, width, height))


def _faded(mark: Image, opacity: float) -> Image:
    if opacity == 1:
        return mark
    return fade(mark, mark.new_from_image(round(255 * opacity)).cast("uchar"))


def _place(asked: Watermark, mark: Size, picture: Size, offset: Sides) -> tuple[int, int]:
    free = Size(max(1, picture.width - offset.across), max(1, picture.height - offset.down))
    left, top = asked.gravity.lay(mark, free)
    return left + offset.left, top + offset.top


def _tiles(mark: Image, size: Size, offset: Sides) -> Image:
    width, height = mark.width + offset.across, mark.height + offset.down
    # What reaches over the picture is not made: offsets may be a hundred times as long as it.
    tile = mark.embed(offset.left, offset.top, width, height)
    tile = tile.crop(0, 0, min(width, size.width), min(height, size.height))
    width, height = tile.width, tile.height
    across, down = min(-(-_SMALLEST_TILE // width), -(-size.width // width)), -(-_SMALLEST_TILE // height)
    tile = in_memory(tile.replicate(max(1, across), max(1, down)))
    tiles = tile.replicate(-(-size.width // tile.width), -(-size.height // tile.height))
    return tiles.crop(0, 0, size.width, size.height)
