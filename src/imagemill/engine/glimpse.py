"""A glimpse of a finished picture for those who still wait for it: its placeholder and its dominant colour.

Both are told from a tiny copy of the picture, of an animation from its first frame.
Where neither is asked for nothing is computed.
"""

import base64
from collections import Counter
from dataclasses import dataclass

from imagemill.domain.encoding import Profile
from imagemill.domain.output import Output
from imagemill.domain.placeholder import Placeholder
from imagemill.engine import vips
from imagemill.engine.blurhash import blurhash
from imagemill.engine.raster import Raster
from imagemill.engine.thumbhash import thumbhash
from imagemill.engine.vips import Image

TINY_SIDE = 32
"""Longer side of what is looked at: decoders of hashes draw about as many, and more would not change the waves."""

LQIP_SIDE = 16
LQIP_QUALITY = 75
"""Of the tiny WebP: 100 to 170 bytes, of which 30 are the container. At 40 it is a quarter smaller, and one sees the
blocks of its codec, which are as large as half the picture."""

_STEP = 16  # Levels of a channel that count as one colour.
_OPAQUE = 128  # Least alpha of a pixel whose colour counts.


@dataclass(frozen=True, slots=True)
class Glimpse:
    """What is known of a picture in a few characters.

    Args:
        placeholder: as asked for; None where none was.
        dominant_color: as `#rrggbb`; None where nobody asked, or all is clear.
    """

    placeholder: str | None = None
    dominant_color: str | None = None


NOTHING = Glimpse()


def glimpse(image: Image, output: Output, frames: int) -> Glimpse:
    """What the output asks to be told of its picture.

    Args:
        image: finished and in memory; the frames of an animation one below the other.
        output: what is asked for.
        frames: 1 for a still picture.
    """
    if output.placeholder is None and not output.dominant_color:
        return NOTHING
    first = image.crop(0, 0, image.width, image.height // frames)
    if output.profile is Profile.KEEP:
        first = vips.to_srgb(first) or first  # a placeholder has no place for a profile
    placeholder = None if output.placeholder is None else _draw(first, output.placeholder)
    return Glimpse(placeholder, dominant_color(_tiny(first)) if output.dominant_color else None)


def dominant_color(raster: Raster) -> str | None:
    """The mean of the colours that are most frequent, as `#rrggbb`; clear pixels do not count.

    Args:
        raster: red, green, blue and alpha.
    """
    pixels = [*zip(*(raster.pixels[band::4] for band in range(4)), strict=True)]
    seen = Counter(
        (red // _STEP, green // _STEP, blue // _STEP) for red, green, blue, alpha in pixels if alpha >= _OPAQUE
    )
    if not seen:
        return None
    # Of equally frequent ones the first in order, so that the answer is the same each time.
    chosen = max(sorted(seen), key=lambda colour: seen[colour])
    alike = [
        pixel for pixel in pixels if pixel[3] >= _OPAQUE and tuple(level // _STEP for level in pixel[:3]) == chosen
    ]
    return "#" + "".join(f"{round(sum(levels) / len(alike)):02x}" for levels in [*zip(*alike, strict=True)][:3])


def _draw(image: Image, placeholder: Placeholder) -> str:
    match placeholder:
        case Placeholder.BLURHASH:
            # It knows no transparency: white is behind, as behind a JPEG.
            opaque = image.flatten(background=[255] * (image.bands - 1)) if image.hasalpha() else image
            return blurhash(_tiny(opaque, alpha=False))
        case Placeholder.THUMBHASH:
            return base64.b64encode(thumbhash(_tiny(image))).decode()
        case Placeholder.LQIP:
            told = {"Q": LQIP_QUALITY, "effort": 4, "smart_subsample": True, "keep": "none"}
            data = vips.encode(_shrunk(image, LQIP_SIDE), "webpsave_buffer", told)
            return "data:image/webp;base64," + base64.b64encode(data).decode()


def _shrunk(image: Image, side: int) -> Image:
    return vips.in_memory(image.thumbnail_image(side, height=side, size="down"))


def _tiny(image: Image, *, alpha: bool = True) -> Raster:
    tiny = _shrunk(image, TINY_SIDE)
    if tiny.interpretation != "srgb":
        tiny = tiny.colourspace("srgb")
    if alpha and not tiny.hasalpha():
        tiny = tiny.addalpha()
    return vips.to_raster(tiny.cast("uchar"))
