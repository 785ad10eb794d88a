"""libvips: opens what is served and nothing else, reads headers, encodes, and turns libvips' errors into ours.

The only importer of pyvips. Knows formats and headers; recipes and steps are not its business.

libvips works lazily: opening reads a header, steps only describe, and pixels move when `in_memory` asks for them. So
damage in the pixels shows there and nowhere else, and what goes wrong later is not the image's fault.
"""

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from html import escape
from pathlib import Path
from threading import Lock
from typing import Any, TypeAlias

# Read by libvips as it starts: it shall keep its warnings to itself. See _settled_in.
os.environ["VIPS_WARNING"] = "1"  # noqa: TID251

import pyvips

from imagemill.domain.formats import ImageFormat
from imagemill.domain.geometry import Size
from imagemill.domain.header import Header
from imagemill.domain.limits import Limits
from imagemill.domain.ports import Bytes
from imagemill.engine.exif import check_exif
from imagemill.engine.frames import count_frames
from imagemill.engine.headers import DAMAGED, NOT_READ
from imagemill.engine.heads import head_bytes
from imagemill.engine.raster import Raster
from imagemill.engine.scans import count_scans
from imagemill.errors import (
    CorruptImage,
    InvalidOptions,
    MemoryLimitExceeded,
    OptionProblem,
    RenderFailed,
    UnsupportedImage,
)

Image: TypeAlias = pyvips.Image
"""A picture in libvips' hands: bands, format, metadata, and a way to compute pixels."""

LOADERS = {
    ImageFormat.JPEG: ("jpegload_source", "VipsForeignLoadJpegSource"),
    ImageFormat.PNG: ("pngload_source", "VipsForeignLoadPngSource"),
    ImageFormat.WEBP: ("webpload_source", "VipsForeignLoadWebpSource"),
    ImageFormat.GIF: ("gifload_source", "VipsForeignLoadNsgifSource"),
    ImageFormat.TIFF: ("tiffload_source", "VipsForeignLoadTiffSource"),
    ImageFormat.AVIF: ("heifload_source", "VipsForeignLoadHeifSource"),
    ImageFormat.HEIC: ("heifload_source", "VipsForeignLoadHeifSource"),
    ImageFormat.SVG: ("svgload_source", "VipsForeignLoadSvgSource"),
}
"""The loader of each format and the class to unblock for it. A source reads the bytes where they lie, uncopied.
Of HEIC the header is read here and the pixels by Pillow; SVG comes from `svg.py` and never as it was sent."""

FONT, FONT_FILE = "Roboto", Path(__file__).parent / "fonts" / "Roboto-Regular.ttf"
"""What texts are written in, the same on every machine."""

MAX_SCANS = 64
"""Scans of a progressive JPEG: each is a pass over the whole picture. Encoders write about ten."""

MAX_BANDS = 5
"""Bands of an image: four inks and alpha. A TIFF may announce thousands, and each costs as much as any other."""

FAIL_ON = "error"
"""Truncated and undecodable pixels are errors; mere warnings are not, since good cameras cause them."""

_NO_MEMORY = re.compile(
    r"(?<!bad image dimensions\ngifload_source: )out of memory(?! reading)|insufficient memory"
    r"|allocation error(?!: security)"
    r"|failed to allocate \d|creating thread",
    re.IGNORECASE,
)
# libvips and its codecs say it in words only, each in its own; a thread without room for its stack is one of them.
# Left out is what libtiff, libheif and libnsgif call so when a damaged file asks for absurd amounts.

_NOT_READ = re.compile(r"support is not configured|samples out of range|bad labq format")
# Of TIFF, which may hold more than any reader reads: codecs, floats of 64 bits, CIELAB of 8.

_KINDS = {
    str: pyvips.GValue.gstr_type,
    bytes: pyvips.GValue.blob_type,
    int: pyvips.GValue.gint_type,
    list: pyvips.GValue.array_int_type,
}

_SETTLING = Lock()


class LibvipsError(Exception):
    """What libvips, or the codec beneath it, said last: for the log, on one line."""


def probe(data: Bytes, format: ImageFormat, limits: Limits) -> Header:
    """Read an image's header with the loader of its format; decodes no pixel.

    Raises:
        TooManyPixels: there are so many frames that even the header would take long.
        UnsupportedImage: there are more bands than a picture has.
        CorruptImage: the header cannot be read, or not in bounded time.
        MemoryLimitExceeded: there was not enough memory.
        RuntimeError: libvips was used before this process was forked.
    """
    limits.check_frames(count_frames(data, format, limits.frames))
    # libvips opens a file together with all that stands before its pixels, and has no bound for that.
    check_exif(data, head_bytes(data, format), format)
    image = open(data, format)
    if image.bands > MAX_BANDS:
        raise UnsupportedImage(f"An image may have at most {MAX_BANDS} bands.")
    if image.get_typeof("interlaced") and format is ImageFormat.JPEG and count_scans(data, MAX_SCANS) > MAX_SCANS:
        raise CorruptImage(f"A JPEG may have at most {MAX_SCANS} scans.")
    width, height = (image.height, image.width) if is_turned(image) else (image.width, image.height)
    frames = image.get("n-pages") if image.get_typeof("n-pages") else 1
    return Header(format, Size(width, height), frames, bool(image.hasalpha()))


def open(data: Bytes, format: ImageFormat, shrink: int = 1, *, animated: bool = False, enlarged: float = 1.0) -> Image:
    """Open a picture as stored: neither turned upright nor converted to another colour space.

    Args:
        data: the file; kept alive by the picture, not to be changed meanwhile.
        format: whose loader to use.
        shrink: 1, 2, 4 or 8: for formats whose codec can.
        animated: whether to take all frames, one below the other, and not the first alone.
        enlarged: how many times larger to draw an SVG than it asks for.

    Raises:
        CorruptImage, MemoryLimitExceeded, RuntimeError: as `probe`.
    """
    _enter()
    options: dict[str, Any] = {"access": "sequential", "fail_on": FAIL_ON}
    if shrink > 1:
        options |= {"scale": 1 / shrink} if format is ImageFormat.WEBP else {"shrink": shrink}
    if animated:
        options["n"] = -1
    if format is ImageFormat.SVG:
        options["scale"] = enlarged
    source = pyvips.Source.new_from_memory(data)
    with decoding():
        image = pyvips.Operation.call(LOADERS[format][0], source, **options)
    # Or the bytes could be gone when the pixels are read. pyvips does the same where it picks the loader itself.
    image._references.append(source)  # noqa: SLF001
    return image


def enlarge(image: Image, width: int, height: int) -> Image:
    """Scale up with a bicubic filter; where alpha is, colours have been weighed by it.

    What libvips' own `resize` enlarges lies half a pixel too far right and down: it starts from the centre of the first
    pixel, as here (`idx`), and arrives at the corner and not at the centre of another (`odx`).
    """
    return image.affine(
        [width / image.width, 0, 0, height / image.height],
        interpolate=pyvips.Interpolate.new("bicubic"),
        oarea=[0, 0, width, height],
        idx=0.5,
        idy=0.5,
        odx=-0.5,
        ody=-0.5,
        extend="copy",
        premultiplied=True,
    )


def convolved(image: Image, weights: Sequence[float], total: float, *, whole: bool) -> Image:
    """Mix each pixel with its neighbours, across and then down. Past the edge the picture goes on as it is there.

    Args:
        image: any bands.
        weights: of the neighbours, the pixel itself in their middle.
        total: what the sum is divided by.
        whole: whether all of these are whole numbers, and may be computed with as such.
    """
    mask = pyvips.Image.new_from_array([list(weights)], scale=total)
    return image.convsep(mask, precision="integer" if whole else "float")


def pixel_bytes(image: Image) -> int:
    """How many bytes the pixels take in memory."""
    band_bytes = {"uchar": 1, "ushort": 2, "short": 2}.get(image.format, 4)
    return int(image.width * image.height * image.bands * band_bytes)


def has_eight_bits(image: Image) -> bool:
    """Whether a value of a pixel is one byte."""
    return bool(image.format == "uchar")


def in_memory(image: Image) -> Image:
    """Compute the pixels, once, and keep them.

    Raises:
        CorruptImage: the pixels are damaged or cut short.
        MemoryLimitExceeded: there was not enough memory.
    """
    with decoding():
        return image.copy_memory()


def encode(image: Image, saver: str, options: Mapping[str, object]) -> bytes:
    """Write a picture that is in memory.

    Args:
        image: sRGB or grey, 8 bits a band, with alpha only where the format has it.
        saver: the name of libvips' operation.
        options: that it is called with.

    Raises:
        MemoryLimitExceeded: there was not enough memory.
        RenderFailed: the encoder refused; the image is not to blame.
    """
    try:
        data: bytes = pyvips.Operation.call(saver, image, **options)
    except pyvips.Error as error:
        raise _out_of_memory(error) or RenderFailed("The output could not be encoded.") from _said(error)
    return data


def from_raster(raster: Raster) -> Image:
    """A picture that another library has decoded."""
    _enter()
    image = pyvips.Image.new_from_memory(raster.pixels, raster.width, raster.height, raster.bands, "uchar")
    space = "cmyk" if raster.inks else "srgb" if raster.bands > 2 else "b-w"
    return with_texts(image.copy(interpretation=space), [], raster.texts)


def to_raster(image: Image) -> Raster:
    """A picture for another library to encode.

    Raises:
        MemoryLimitExceeded: there was not enough memory for a copy of its pixels.
        RenderFailed: they could not be computed.
    """
    try:
        pixels = memoryview(image.write_to_memory())
    except pyvips.Error as error:
        raise _out_of_memory(error) or RenderFailed("The output could not be encoded.") from _said(error)
    return Raster(pixels, image.width, image.height, image.bands)


def below_each_other(images: Sequence[Image]) -> Image:
    """Pictures of one size as one, from the top down."""
    return pyvips.Image.arrayjoin(list(images), across=1)


def texts(image: Image) -> dict[str, Any]:
    """All that a picture carries beside its pixels, by libvips' names."""
    return {field: image.get(field) for field in image.get_fields()}


def with_texts(image: Image, removed: Iterable[str], added: Mapping[str, str | bytes | int | list[int]]) -> Image:
    """The same picture with other texts.

    Args:
        image: stays as it is.
        removed: fields to leave out.
        added: fields to set, to a text, to bytes, or to numbers.
    """
    image = image.copy()
    for field in removed:
        image.remove(field)
    for field, value in added.items():
        image.set_type(_KINDS[type(value)], field, value)
    return image


def embedded_profile(image: Image) -> bytes | None:
    """The ICC profile that the picture carries."""
    return bytes(image.get("icc-profile-data")) if image.get_typeof("icc-profile-data") else None


def in_p3(image: Image) -> Image:
    """The same picture with the profile of Display P3, if it has none."""
    if image.get_typeof("icc-profile-data"):
        return image
    return with_texts(image, [], {"icc-profile-data": bytes(pyvips.Operation.call("profile_load", "p3"))})


def without_profile(image: Image) -> Image:
    """The same picture without its ICC profile."""
    return with_texts(image, ["icc-profile-data"], {}) if image.get_typeof("icc-profile-data") else image


def to_srgb(image: Image, fallback: str | None = None) -> Image | None:
    """Convert from the profile that the picture carries.

    Args:
        image: with or without a profile.
        fallback: a profile of libvips' own, such as `cmyk`, to take where the picture has none that fits it.

    Returns:
        8 bits a band, without a profile; None if there is none that fits.
    """
    options = {} if fallback is None else {"input_profile": fallback}
    try:
        return without_profile(image.icc_transform("srgb", embedded=True, depth=8, **options))
    except pyvips.Error:
        return None


def from_srgb(image: Image, profile: bytes) -> Image:
    """Convert a picture from sRGB to a profile, with 8 bits a band; as it is where that cannot be written to."""
    try:
        return with_texts(image.icc_import(input_profile="srgb"), [], {"icc-profile-data": profile}).icc_export()
    except pyvips.Error:
        return image


def orientation(image: Image) -> int:
    """How the picture has to be turned to be upright: EXIF's 1…8, where 1 is not at all."""
    found: int = image.get("orientation") if image.get_typeof("orientation") else 1
    return found if 1 <= found <= 8 else 1


def is_turned(image: Image) -> bool:
    """Whether the picture lies on its side, so that its width is what a viewer sees as height."""
    return orientation(image) >= 5


def interpolation(name: str) -> pyvips.Interpolate:
    """How values between pixels are found: `bilinear`, `bicubic`, …"""
    return pyvips.Interpolate.new(name)


def written(text: str, size: float) -> Image:
    """A line of text as a mask: one band, 255 where there is ink, no larger than the ink.

    Args:
        text: what to write, as it is: no markup.
        size: of the type, in pixels.

    Raises:
        InvalidOptions: there is nothing in it that leaves ink.
    """
    _enter()
    try:
        return Image.text(escape(text), font=f"{FONT} {size:.2f}", fontfile=str(FONT_FILE), dpi=72).copy(
            interpretation="b-w"
        )
    except pyvips.Error as error:
        raise InvalidOptions(OptionProblem("/watermark/text", "must leave some ink")) from error


def _enter() -> None:
    # libvips' threads do not survive a fork: a child would wait for them for ever.
    with _SETTLING:
        if _settled_in() != os.getpid():
            raise RuntimeError("libvips was used before this process was forked; start processes by spawn instead")


@cache
def _settled_in() -> int:
    """Set libvips up, once. Returns the process that did; a forked child inherits the answer."""
    # pyvips hands libvips' warnings to Python's logging. Garbage may be collected there; what is freed may be a picture
    # whose codec has a warning left; and GLib ends a process that logs while it logs. Errors tell the log enough.
    pyvips._remove_log_handler()  # noqa: SLF001
    pyvips.block_untrusted_set(True)
    pyvips.operation_block_set("VipsForeignLoad", True)
    for _, loader in LOADERS.values():
        pyvips.operation_block_set(loader, False)
    # One thread an operation: the service works on as many images at a time as there are cores. No operation repeats.
    pyvips.concurrency_set(1)
    pyvips.cache_set_max(0)
    return os.getpid()


@contextmanager
def decoding() -> Iterator[None]:
    """Around what makes a file's pixels move: what libvips says becomes CorruptImage or MemoryLimitExceeded."""
    try:
        yield
    except pyvips.Error as error:
        raise _out_of_memory(error) or _damage(error) from _said(error)


def _said(error: pyvips.Error) -> LibvipsError:
    # The last line is the most particular one, but for what is added to those of libtiff; pyvips names only the call.
    lines = [line for line in error.detail.splitlines() if not line.startswith("vips__tiff_openin_source")]
    return LibvipsError((lines or [error.message])[-1])


def _damage(error: pyvips.Error) -> CorruptImage | UnsupportedImage:
    return UnsupportedImage(NOT_READ) if _NOT_READ.search(error.detail) else CorruptImage(DAMAGED)


def _out_of_memory(error: pyvips.Error) -> MemoryLimitExceeded | None:
    return MemoryLimitExceeded("The image needs too much memory.") if _NO_MEMORY.search(error.detail) else None
