"""Photographs that nobody took: random phases under the spectrum of natural scenes, encoded as a camera does.

The amplitude of natural scenes falls as 1/f^α with α near 1, and steeper for colour and for what a lens and a sensor's
demosaicing have smoothed. α here is what gives files of a camera's size: 1.5 bits per pixel at quality 88,
1.1 MB for 6 megapixels.
"""

from collections.abc import Iterator
from functools import cache
from itertools import count

import numpy as np
import pyvips
from numpy.typing import NDArray

MEGAPIXELS = {1: (1152, 864), 3: (2040, 1356), 6: (2816, 2112), 24: (5632, 4224), 100: (11520, 8640)}
"""Sizes by their name in megapixels, 4:3 as of phones; the largest stays just below the service's default limit.

3 is what most pictures of DIV2K have, which imgproxy's published benchmark takes: not a power of two times its 512, so
that no decoder hands out the picture ready.
"""

_TILE_SIDE = 2048
_LUMA_SLOPE, _CHROMA_SLOPE = 1.42, 1.72
_LUMA_CONTRAST, _CHROMA_CONTRAST = 50.0, 25.0


def photo(megapixels: int, quality: int = 88) -> bytes:
    """A baseline JPEG, the same at every call.

    Args:
        megapixels: one of `MEGAPIXELS`.
        quality: of the JPEG, 1…100.
    """
    width, height = MEGAPIXELS[megapixels]
    tile = pyvips.Image.new_from_memory(_tile(), _TILE_SIDE, _TILE_SIDE, 3, "uchar").copy(interpretation="srgb")
    across, down = -(-width // _TILE_SIDE), -(-height // _TILE_SIDE)
    picture = tile.replicate(across, down).crop(0, 0, width, height)
    return bytes(picture.jpegsave_buffer(Q=quality))


def variants(jpeg: bytes) -> Iterator[tuple[bytes, memoryview]]:
    """Endless files with the pixels of one JPEG and each a digest of its own, so that nothing is reused.

    Yields:
        The head and the rest of a file, in two parts so that no copy is made: the head holds a comment with a number.
    """
    rest = memoryview(jpeg)[2:]
    for number in count(1):
        yield b"\xff\xd8\xff\xfe\x00\x12%016d" % number, rest


@cache
def _tile() -> bytes:
    # The inverse transform is periodic, so copies of the tile join without a seam.
    luma, blue, red = (_texture(seed, slope) for seed, slope in enumerate((_LUMA_SLOPE, _CHROMA_SLOPE, _CHROMA_SLOPE)))
    grey = 118 + _LUMA_CONTRAST * luma
    blue, red = _CHROMA_CONTRAST * blue, _CHROMA_CONTRAST * red
    pixels = np.stack([grey + red, grey - 0.5 * red - 0.3 * blue, grey + blue], axis=-1)
    return np.clip(pixels, 0, 255).astype(np.uint8).tobytes()


def _texture(seed: int, slope: float) -> NDArray[np.float64]:
    frequency = np.hypot(np.fft.fftfreq(_TILE_SIDE)[:, None], np.fft.rfftfreq(_TILE_SIDE)[None, :])
    frequency[0, 0] = np.inf
    phases = np.exp(2j * np.pi * np.random.default_rng(seed).random(frequency.shape))
    texture = np.fft.irfft2(phases / frequency**slope, s=(_TILE_SIDE, _TILE_SIDE))
    return np.asarray(texture / texture.std())
