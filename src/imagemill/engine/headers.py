"""Reads the headers of what Pillow decodes, without Pillow: the API looks at each image, and must not run its decoders.

Knows the layout of seven formats and nothing of pixels. What a file announces is what is checked against limits, so
each reader takes the numbers that the decoder goes by. Bytes may be hostile: no loop is longer than a bound.
"""

import re
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from imagemill.domain.formats import ImageFormat
from imagemill.domain.geometry import Size
from imagemill.domain.ports import Bytes
from imagemill.errors import CorruptImage, UnsupportedImage

DAMAGED = "The image is damaged or cut short."
NOT_READ = "The image is coded in a way that is not read here."
MAX_PARTS = 1000
"""Boxes of a JPEG 2000, resources of a PSD, pictures of an icon: a sound file has dozens."""
MAX_TILES = 16_384
"""Of a JPEG 2000; each costs kilobytes before its first pixel."""


@dataclass(frozen=True, slots=True)
class Announced:
    """What a header says.

    Args:
        size: in pixels, each at least 1.
        alpha: whether there is a transparency channel.
        slow: whether the decoder is one that takes about a microsecond a pixel.
    """

    size: Size
    alpha: bool = False
    slow: bool = False


def announced(data: Bytes, format: ImageFormat) -> Announced:
    """Read a header.

    Raises:
        CorruptImage: it makes no sense, or is longer than the file.
        UnsupportedImage: it makes sense, but announces a variant that is not read.
    """
    try:
        return _READERS[format](data)
    except (struct.error, IndexError) as error:
        raise CorruptImage(DAMAGED) from error


def largest_of_icon(data: Bytes) -> tuple[int, bytes]:
    """Where the largest picture of an icon is told of in its directory, and the picture: a PNG, or the part of a BMP.

    Raises:
        CorruptImage: it lies outside of the file.

    Source: Microsoft, "Icons" (ICONDIR, ICONDIRENTRY); the one with most colours of those that are largest.
    """
    try:
        count = min(int(struct.unpack_from("<H", data, 4)[0]), MAX_PARTS)
        entries = [(6 + 16 * number, struct.unpack_from("<BBBxHHII", data, 6 + 16 * number)) for number in range(count)]
    except struct.error as error:
        raise CorruptImage(DAMAGED) from error
    at, entry = max(entries, key=lambda found: ((found[1][0] or 256) * (found[1][1] or 256), found[1][4]))
    length, offset = entry[5:]
    if offset + length > len(data) or length < 40:
        raise CorruptImage(DAMAGED)
    return at, bytes(data[offset : offset + length])


def _size(width: int, height: int) -> Size:
    if width < 1 or height < 1:
        raise CorruptImage(DAMAGED)
    return Size(width, height)


def _bmp(data: Bytes) -> Announced:
    # Source: Microsoft, "Bitmap Header Types". 12 is the header of OS/2; a negative height means rows from the top.
    (length,) = struct.unpack_from("<I", data, 14)
    if length == 12:
        width, height, _, bits = struct.unpack_from("<4H", data, 18)
        compression = 0
    else:
        width, height, _, bits, compression = struct.unpack_from("<2i2HI", data, 18)
    if compression > 3:
        # A JPEG or PNG in a BMP is for printers.
        raise UnsupportedImage("A BMP may not hold another format.")
    size = _size(width, abs(height))
    if compression in (0, 3) and (width * bits + 31) // 32 * 4 * size.height > len(data):
        raise CorruptImage(DAMAGED)
    alpha = compression == 3 and bits == 32 and length >= 56 and struct.unpack_from("<I", data, 66)[0] != 0
    return Announced(size, alpha, slow=compression in (1, 2))


def _ico(data: Bytes) -> Announced:
    _, picture = largest_of_icon(data)
    # Of a BMP there is only the second header; its height is twice the picture's, for a mask of one bit lies below.
    width, height = struct.unpack_from("<2i", picture, 4)
    return Announced(_size(width, height // 2), alpha=True)


def _psd(data: Bytes) -> Announced:
    # Source: Adobe, "Photoshop File Formats Specification": header, colours, resources, layers, then the composite.
    channels, height, width, bits, mode = struct.unpack_from(">HIIHH", data, 12)
    if mode not in _PSD_CHANNELS or bits not in (1, 8):
        raise UnsupportedImage("A PSD may be grey, indexed, RGB or CMYK, of 8 bits a channel.")
    if channels < _PSD_CHANNELS[mode]:
        raise CorruptImage(DAMAGED)
    resources = 30 + struct.unpack_from(">I", data, 26)[0]
    layers = resources + 4 + struct.unpack_from(">I", data, resources)[0]
    for number, _ in enumerate(_resources(data, resources + 4, layers)):
        if number > MAX_PARTS:
            raise CorruptImage(DAMAGED)
    # The fourth channel is transparency where the number of layers is negative, or else a mask that somebody saved.
    length, _, count = struct.unpack_from(">IIh", data, layers)
    return Announced(_size(width, height), alpha=mode == 3 and channels == 4 and length >= 6 and count < 0)


def _resources(data: Bytes, at: int, end: int) -> Iterator[int]:
    while at < end:
        yield at
        name = data[at + 6] | 1
        (length,) = struct.unpack_from(">I", data, at + 7 + name)
        at += 11 + name + length + length % 2


def _jp2(data: Bytes) -> Announced:
    # Source: ISO/IEC 15444-1, annexes A.5.1 (SIZ) and I.4 (boxes). openjpeg goes by SIZ, so SIZ is what counts.
    parts = {} if data[:4] == _CODESTREAM else dict(boxes(data, 0, len(data)))
    start, end = parts.get(b"jp2c", (0, len(data)))
    header = dict(boxes(data, *parts[b"jp2h"])) if b"jp2h" in parts else {}
    if data[start : start + 4] != _CODESTREAM or (parts and b"ihdr" not in header) or end - start < 42:
        raise CorruptImage(DAMAGED)
    right, bottom, left, top, across, down, first, second, bands = struct.unpack_from(">8IH", data, start + 8)
    size = _size(right - left, bottom - top)
    if parts and struct.unpack_from(">2I", data, header[b"ihdr"][0]) != (size.height, size.width):
        raise CorruptImage(DAMAGED)
    if across < 1 or down < 1 or -(-(right - first) // across) * -(-(bottom - second) // down) > MAX_TILES:
        raise CorruptImage(f"A JPEG 2000 may have at most {MAX_TILES:,} tiles.")
    if not 1 <= bands <= 4:
        raise UnsupportedImage("A JPEG 2000 may have at most 4 bands.")
    if bands > 1 and any((depth & 127) + 1 > 8 for depth in data[start + 42 : start + 42 + 3 * bands : 3]):
        # Pillow rounds up what is nearly white and drops the bit that this takes: it becomes black.
        raise UnsupportedImage("A JPEG 2000 of more than one band may have at most 8 bits in each.")
    inks = b"colr" in header and data[header[b"colr"][0] : header[b"colr"][1]][:7:3] == b"\x01\x00\x0c"
    return Announced(size, alpha=bands in (2, 4) and not inks)


def boxes(data: Bytes, at: int, end: int) -> Iterator[tuple[bytes, tuple[int, int]]]:
    """The boxes between two places of a JPEG 2000 or AVIF: the name, and where the content begins and ends.

    Raises:
        CorruptImage: one reaches over the end.

    Source: ISO/IEC 15444-1, annex I.4; ISO/IEC 14496-12, section 4.2.
    """
    for _ in range(MAX_PARTS):
        if at + 8 > end:
            return
        length, name = struct.unpack_from(">I4s", data, at)
        head = 16 if length == 1 else 8
        if length == 1:
            (length,) = struct.unpack_from(">Q", data, at + 8)
        stop = end if length == 0 else at + length
        if (length and length < head) or stop > end:
            raise CorruptImage(DAMAGED)
        yield name, (at + head, stop)
        at = stop


def _tga(data: Bytes) -> Announced:
    # Source: Truevision TGA 2.0, section "TGA file header".
    mapped, kind, map_bits, width, height, bits = struct.unpack_from("<xBB4xB4x2HB", data)
    if kind not in (1, 2, 3, 9, 10, 11):
        raise UnsupportedImage("A TGA may be indexed, grey or in true colours, packed by runs or not.")
    depth = map_bits if mapped else bits
    return Announced(_size(width, height), alpha=depth in (16, 32))


def _pnm(data: Bytes) -> Announced:
    # Source: netpbm, "PNM". Kinds 1 to 3 are texts, 1 and 4 know black and white only and have no largest value.
    head = bytes(data[:_PNM_HEAD_BYTES])
    found = _BITMAP.match(head) or _GRADED.match(head)
    if found is None:
        raise CorruptImage(DAMAGED)
    kind, width, height, highest = [*map(int, found.groups()), 1][:4]
    if not 0 < highest < 65_536:
        raise CorruptImage(DAMAGED)
    fast = kind == 4 or (kind in (5, 6) and highest == 255) or (kind == 5 and highest == 65_535)
    return Announced(_size(width, height), slow=not fast)


def _qoi(data: Bytes) -> Announced:
    # Source: "The Quite OK Image Format", version 1.0.
    width, height, channels = struct.unpack_from(">2IB", data, 4)
    return Announced(_size(width, height), alpha=channels == 4, slow=True)


_PSD_CHANNELS = {0: 1, 1: 1, 2: 1, 3: 3, 4: 4, 8: 1}  # bitmap, grey, indexed, RGB, CMYK, duotone
_CODESTREAM = b"\xff\x4f\xff\x51"
_PNM_HEAD_BYTES = 4096
_GAP = rb"(?:\s|#[^\r\n]*[\r\n])+"
_NUMBER = _GAP + rb"(\d{1,9})"
_BITMAP = re.compile(rb"P([14])" + _NUMBER + _NUMBER + rb"\s")
_GRADED = re.compile(rb"P([2356])" + _NUMBER + _NUMBER + _NUMBER + rb"\s")
_READERS: Mapping[ImageFormat, Callable[[Bytes], Announced]] = {
    ImageFormat.BMP: _bmp,
    ImageFormat.ICO: _ico,
    ImageFormat.PSD: _psd,
    ImageFormat.JP2: _jp2,
    ImageFormat.TGA: _tga,
    ImageFormat.PNM: _pnm,
    ImageFormat.QOI: _qoi,
}
