"""Plain pixels: how one library hands a picture to another."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from imagemill.domain.ports import Bytes


@dataclass(frozen=True, slots=True)
class Raster:
    """A picture as bytes.

    Args:
        pixels: row by row from the top left, 8 bits a band, without gaps.
        width: in pixels.
        height: in pixels.
        bands: 1 grey, 2 grey and alpha, 3 red, green and blue, 4 with alpha.
        inks: whether the four bands are cyan, magenta, yellow and black instead, each 255 where it is thickest.
        texts: what the file says beside, by libvips' names: its colour profile, EXIF, XMP.
    """

    pixels: Bytes
    width: int
    height: int
    bands: int
    inks: bool = False
    texts: Mapping[str, bytes] = field(default_factory=dict)
