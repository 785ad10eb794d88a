"""Which library reads what: libvips what it can, Pillow the rest, and an SVG only once it has been made harmless.

The one place that tells a file's format and decides whether it is taken in.
"""

import math
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

from imagemill.domain.formats import SNIFF_BYTES, TAKEN, ImageFormat, sniff
from imagemill.domain.geometry import Box, Size
from imagemill.domain.header import Header
from imagemill.domain.limits import Limits
from imagemill.domain.ports import Bytes
from imagemill.engine import pillow, vips
from imagemill.engine.depths import in_16_bits
from imagemill.engine.headers import announced, largest_of_icon
from imagemill.engine.primaries import is_p3
from imagemill.engine.properties import is_transformed
from imagemill.engine.roll import FOR_EVER, plays, unroll
from imagemill.engine.sequence import read_sequence
from imagemill.engine.svg import read_drawing
from imagemill.engine.vips import Image
from imagemill.errors import TooManyPixels, UnsupportedImage

SLOW_PIXELS = 16_000_000
"""Of what Pillow decodes in Python, at 0.7 to 1.3 µs a pixel (QOI, PNM as text or of odd depth, BMP packed by runs):
half of what a job may take."""
DECODED_PIXELS = 50_000_000
"""Of what Pillow decodes in C: JPEG 2000 is the slowest, at 0.4 s a megapixel of noise."""
DRAWN_PIXELS = 16_000_000
"""That an SVG is drawn with at most; what is larger is scaled up from there."""

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def probe(data: Bytes, limits: Limits, taken: Collection[ImageFormat] = TAKEN) -> Header:
    """Read an image's header; decodes no pixel.

    Args:
        data: the file.
        limits: what it may cost.
        taken: the formats that are taken in.

    Raises:
        UnsupportedImage: the bytes are of none of them.
        CorruptImage, TooManyPixels, MemoryLimitExceeded, RuntimeError: as `vips.probe`.
    """
    format = sniff(bytes(data[:SNIFF_BYTES]), bytes(data[-SNIFF_BYTES:]))
    if format is None or format not in taken:
        raise UnsupportedImage("The image is none of " + ", ".join(format.upper() for format in taken) + ".")
    if format is ImageFormat.SVG:
        return Header(format, read_drawing(data).size, frames=1, alpha=True)
    if format is ImageFormat.AVIF:
        header = vips.probe(data, format, limits)
        return replace(header, frames=_frames_of_avif(data, header.size))
    if format is ImageFormat.HEIC:
        # Further pictures of the file are not looked at; nor do they count.
        header = vips.probe(data, format, limits)
        return _bounded(Header(format, header.size, frames=1, alpha=header.alpha), DECODED_PIXELS)
    if format not in pillow.PLUGINS:
        return vips.probe(data, format, limits)
    if (png := _png_of_icon(data, format)) is not None:
        found = vips.probe(png, ImageFormat.PNG, limits)
        return Header(format, found.size, frames=1, alpha=found.alpha)
    header_found = announced(data, format)
    header = Header(format, header_found.size, frames=1, alpha=header_found.alpha)
    return _bounded(header, SLOW_PIXELS if header_found.slow else DECODED_PIXELS)


def open(data: Bytes, header: Header, shrink: int = 1) -> Image:
    """Open a picture as `vips.open` does, by whatever library reads it.

    Args:
        data: the file.
        header: of the file, found within the limits.
        shrink: 1, 2, 4 or 8, as `vips.open` says.

    Raises:
        CorruptImage, UnsupportedImage, MemoryLimitExceeded, RuntimeError: as `probe`.
    """
    if header.format is ImageFormat.SVG:
        return draw(data)
    if (png := _png_of_icon(data, header.format)) is not None:
        return vips.open(png, ImageFormat.PNG)
    if (picture := decoded(data, header)) is not None:
        return picture
    return _understood(vips.open(data, header.format, shrink), data, header.format)


def open_header(data: Bytes, format: ImageFormat) -> Image | None:
    """Open a picture of which only the header will be looked at, so that the API may do it.

    Returns:
        None if opening it would decode or draw it.

    Raises:
        CorruptImage, MemoryLimitExceeded, RuntimeError: as `probe`.
    """
    if format is ImageFormat.SVG or format in pillow.PLUGINS:
        return None
    return _understood(vips.open(data, format), data, format)


def decoded(data: Bytes, header: Header) -> Image | None:
    """A picture whose decoder hands it out whole, so that it is worth keeping; None if it is read row by row.

    Args:
        data: the file.
        header: of the file, found within the limits.

    Raises:
        CorruptImage, UnsupportedImage, MemoryLimitExceeded, RuntimeError: as `probe`.
    """
    if header.format in pillow.PLUGINS and _png_of_icon(data, header.format) is None:
        file = _icon_of_one(data) if header.format is ImageFormat.ICO else data
        return vips.from_raster(pillow.read(file, header))
    if header.format is ImageFormat.AVIF and _is_plain(data, header):
        return _understood(vips.from_raster(pillow.read(data, header)), data, header.format)
    return None


@dataclass(frozen=True, slots=True)
class Animation:
    """An animation that has been opened.

    Args:
        frames: one after the other, each with the milliseconds that it is shown; a frame has to be computed before the
            next one is asked for.
        plays: how often they are shown, 0 for ever; None where the file does not say.
    """

    frames: Iterator[tuple[Image, int]]
    plays: int | None


def animation(data: Bytes, header: Header) -> Animation:
    """Open all frames of an animation.

    Args:
        data: the file.
        header: of the file, found within the limits; of more than one frame.

    Raises:
        CorruptImage, MemoryLimitExceeded, RuntimeError: as `probe`; also while frames are taken.
    """
    if header.format is ImageFormat.AVIF:
        sequence, in_p3 = read_sequence(data), is_p3(data, header.format)
        pictures = ((vips.from_raster(raster), delay_ms) for raster, delay_ms in pillow.frames(data, header))
        frames = ((vips.in_p3(picture) if in_p3 else picture, delay_ms) for picture, delay_ms in pictures)
        return Animation(frames, sequence.plays if sequence else FOR_EVER)
    roll = vips.open(data, header.format, animated=True)
    return Animation(unroll(roll, header.frames), plays(roll))


def _frames_of_avif(data: Bytes, size: Size) -> int:
    # Further pictures that are no sequence are not looked at, nor do they count. A sequence in another size than the
    # picture in front is only that one, and so is one that is to be turned or cut: Pillow would leave it as it lies.
    sequence = None if is_transformed(data) else read_sequence(data)
    return sequence.frames if sequence and sequence.frames and sequence.size == size else 1


def _understood(image: Image, data: Bytes, format: ImageFormat) -> Image:
    if is_p3(data, format):
        image = vips.in_p3(image)
    return in_16_bits(image) if format is ImageFormat.TIFF else image


def _is_plain(data: Bytes, header: Header) -> bool:
    # Pillow comes with dav1d, which needs half the time of the libaom that libvips has here, and less memory. But what
    # has more than 8 bits it cuts down before colours are converted, and what is to be cut or turned it leaves as it
    # lies. It is also stricter about what a file says of itself.
    if is_transformed(data) or not vips.has_eight_bits(vips.open(data, ImageFormat.AVIF)):
        return False
    return pillow.lies_as_seen(data, header)


def draw(data: Bytes, reduction: Fraction = Fraction(1), part: Box | None = None) -> Image:
    """Draw an SVG, or a part of it, as many times smaller as it is to become; where that is below 1, larger.

    Raises:
        CorruptImage, UnsupportedImage, MemoryLimitExceeded, RuntimeError: as `probe`.
    """
    drawing = read_drawing(data, part)
    return vips.open(drawing.text, ImageFormat.SVG, enlarged=_enlargement(drawing.size, reduction))


def _bounded(header: Header, most: int) -> Header:
    if header.pixels > most:
        raise TooManyPixels(f"A {header.format.upper()} of this kind may have at most {most:,} pixels.")
    return header


def _enlargement(size: Size, reduction: Fraction) -> float:
    wanted = float(1 / reduction)
    return min(wanted, math.sqrt(DRAWN_PIXELS / size.pixels))


def _png_of_icon(data: Bytes, format: ImageFormat) -> bytes | None:
    # The pictures of newer icons are PNG, which libvips reads.
    if format is not ImageFormat.ICO:
        return None
    picture = largest_of_icon(data)[1]
    return picture if picture.startswith(_PNG_SIGNATURE) else None


def _icon_of_one(data: Bytes) -> bytes:
    # Pillow decodes an icon's pictures one by one to choose from them, so it is handed only the one.
    at, picture = largest_of_icon(data)
    entry = bytes(data[at : at + 8]) + len(picture).to_bytes(4, "little") + (22).to_bytes(4, "little")
    return bytes(data[:4]) + b"\x01\x00" + entry + picture
