"""Counts the frames of a file before a codec does. Knows how WebP marks them, and nothing else.

For the two formats whose readers pay dearly for many: libwebp walks from the first frame to each, so that 700,000 empty
ones in 32 MiB cost minutes; of libtiff `directories.py` tells. GIF's reader counts a million in 30 ms, and libheif has
bounds of its own.
"""

import re
from itertools import islice

from imagemill.domain.formats import ImageFormat
from imagemill.domain.ports import Bytes
from imagemill.engine.directories import count_pages

_FRAME = re.compile(rb"ANMF")


def count_frames(data: Bytes, format: ImageFormat, enough: int) -> int:
    """Count what the reader of the format could take for frames, stopping one after `enough`.

    Returns:
        At least the frames that there are, where many are dear; otherwise 1.

    Raises:
        CorruptImage: counting alone shows that the file is not sound.
    """
    if format is ImageFormat.WEBP:
        return _count_webp(data, enough)
    if format is ImageFormat.TIFF:
        return count_pages(data, enough)
    return 1


def _count_webp(data: Bytes, enough: int) -> int:
    # Searched for, not walked to: libwebp looks for frames inside of frames too. By chance a file of compressed pixels
    # has this word once in 4 GiB.
    return sum(1 for _ in islice(_FRAME.finditer(data), enough + 1))
