"""Plain pixels: how one library hands a picture to another."""

from dataclasses import dataclass

from imagemill.domain.ports import Bytes


@dataclass(frozen=True, slots=True)
class Raster:
    """A picture as bytes.

    Args:
        pixels: row by row from the top left, 8 bits a band, without gaps.
        width: in pixels.
        height: in pixels.
        bands: 1 grey, 2 grey and alpha, 3 red, green and blue, 4 with alpha.
    """

    pixels: Bytes
    width: int
    height: int
    bands: int
