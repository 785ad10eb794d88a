"""Pillow: reads what libvips here cannot, from BMP to HEIC, and writes JPEG 2000, WebP and moving AVIF.

The only importer of Pillow. It decodes in a worker's child only: `headers.py` reads headers without it. It is told the
one format that it may try, sees no JPEG and no PNG, and no file whose header has not been checked against the limits.
"""

import re
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from io import BytesIO
from typing import TYPE_CHECKING, Any

from imagemill.domain.encoding import Encoding
from imagemill.domain.formats import ImageFormat
from imagemill.domain.header import Header
from imagemill.domain.ports import Bytes
from imagemill.engine.headers import DAMAGED, NOT_READ
from imagemill.engine.raster import Raster
from imagemill.engine.savers import avif_chroma, avif_effort, webp_effort
from imagemill.errors import CorruptImage, MemoryLimitExceeded, RenderFailed, UnsupportedImage

if TYPE_CHECKING:
    from PIL import Image as Pictures

_MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}

PLUGINS: Mapping[ImageFormat, str] = {
    ImageFormat.BMP: "BMP",
    ImageFormat.ICO: "ICO",
    ImageFormat.PSD: "PSD",
    ImageFormat.JP2: "JPEG2000",
    ImageFormat.TGA: "TGA",
    ImageFormat.PNM: "PPM",
    ImageFormat.QOI: "QOI",
    ImageFormat.HEIC: "HEIF",
}
"""What Pillow calls the formats that only it is asked to read."""

LONGEST_DELAY_MS = 2**24 - 1
"""For which a frame can be shown: what WebP has room for, four hours and a half."""

_NAMES = {**PLUGINS, ImageFormat.AVIF: "AVIF"}

_ORIENTATION, _UPRIGHT = 0x0112, 1  # Where EXIF has it, and where Pillow puts what an AVIF says of itself.
_DAMAGE = (
    OSError,
    ValueError,
    SyntaxError,
    LookupError,
    TypeError,
    ArithmeticError,
    AttributeError,
    RuntimeError,
    struct.error,
)
# What Pillow's readers raise over broken files: they are written for sound ones, and say little of what they meet.
_NO_MEMORY = re.compile(r"encoding error [12]\b|.*out of memory", re.IGNORECASE)
# The words of Pillow for libwebp's VP8_ENC_ERROR_OUT_OF_MEMORY and …_BITSTREAM_OUT_OF_MEMORY, and libavif's own.
_LOSSLESS_EFFORT = 75
# libvips' default for what libwebp calls quality and means as time where nothing is lost.
_EXIF_START = b"Exif\0\0"
_PROFILE = "icc-profile-data"
_TEXTS = {"icc_profile": _PROFILE, "exif": "exif-data", "xmp": "xmp-data"}


def read(data: Bytes, header: Header) -> Raster:
    """Decode a picture, as it is stored.

    Args:
        data: the file.
        header: of the file, found within the limits.

    Raises:
        CorruptImage: it is damaged or cut short, or its decoder finds another size in it than the header said.
        UnsupportedImage: it is coded in a way that Pillow does not read.
        MemoryLimitExceeded: there was not enough memory.
    """
    try:
        with _opener(header.format)(BytesIO(data), formats=[_NAMES[header.format]]) as picture:
            if picture.size != (header.size.width, header.size.height):
                raise CorruptImage(DAMAGED)
            picture.load()
            return _raster(picture, header)
    except (MemoryError, *_DAMAGE) as error:
        raise _explained(error) from error


def frames(data: Bytes, header: Header) -> Iterator[tuple[Raster, int]]:
    """Decode the frames of an AVIF, one by one, each with the milliseconds that it is shown.

    The first carries all texts, the others only what tells their colours.

    Raises:
        CorruptImage: one is damaged, or there are not as many, or not of the size, that the header said.
        UnsupportedImage, MemoryLimitExceeded: as `read`.
    """
    try:
        with _opener(header.format)(BytesIO(data), formats=[_NAMES[header.format]]) as picture:
            found = picture.size, getattr(picture, "n_frames", 1)
            if found != ((header.size.width, header.size.height), header.frames):
                raise CorruptImage(DAMAGED)
            for number in range(header.frames):
                picture.seek(number)
                picture.load()
                raster = _raster(picture, header)
                delay_ms = min(picture.info["duration"], LONGEST_DELAY_MS)
                # A thousand frames with a megabyte of texts each would be too much.
                yield (replace(raster, texts=_profile_of(raster)) if number else raster), delay_ms
    except (MemoryError, *_DAMAGE) as error:
        raise _explained(error) from error


def lies_as_seen(data: Bytes, header: Header) -> bool:
    """Whether an AVIF is stored as it is to be seen, whole and upright, in a way that Pillow can read.

    Args:
        data: the file.
        header: of the file, as libvips found it, which cuts and turns.

    Raises:
        MemoryLimitExceeded: there was not enough memory.
    """
    try:
        with _opener(ImageFormat.AVIF)(BytesIO(data), formats=[_NAMES[ImageFormat.AVIF]]) as picture:
            upright = picture.getexif().get(_ORIENTATION, _UPRIGHT) == _UPRIGHT
            return bool(upright and picture.size == (header.size.width, header.size.height))
    except (MemoryError, *_DAMAGE) as error:
        explained = _explained(error)
        if isinstance(explained, MemoryLimitExceeded):
            raise explained from error
        return False


def _explained(error: Exception) -> CorruptImage | MemoryLimitExceeded | UnsupportedImage:
    # libavif says in words what it lacks, and Pillow's own readers begin so where a file is sound and not for them.
    if isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and "memory" in str(error).lower()):
        return MemoryLimitExceeded("The image needs too much memory.")
    return UnsupportedImage(NOT_READ) if str(error).startswith("Unsupported") else CorruptImage(DAMAGED)


@cache
def _opener(format: ImageFormat) -> Callable[..., "Pictures.Image"]:
    from PIL import AvifImagePlugin, Image  # noqa: PLC0415 - slow to import, and few jobs need it

    # Its limit on pixels is one for the whole process, and only warns at first; ours has been kept by now.
    Image.MAX_IMAGE_PIXELS = None
    # One thread, as everywhere here: the service works on as many images at a time as there are cores.
    AvifImagePlugin.DEFAULT_MAX_THREADS = 1
    if format is ImageFormat.HEIC:
        import pillow_heif  # noqa: PLC0415 - an extra

        # Of what such a file holds only the picture.
        pillow_heif.register_heif_opener(thumbnails=False, depth_images=False, aux_images=False, decode_threads=1)
    return Image.open


def _raster(picture: "Pictures.Image", header: Header) -> Raster:
    clear = header.alpha and picture.mode not in ("CMYK", "1", "L", "I", "I;16")
    if picture.mode.startswith("I"):
        # 16 bits a band: all formats written here have 8, and grey has no profile to be heeded before.
        picture = picture.convert("I").point(lambda value: value / 257 + 0.5).convert("L")
    mode = "CMYK" if picture.mode == "CMYK" else ("RGBA" if clear else _OPAQUE.get(picture.mode, "RGB"))
    if picture.mode != mode:
        picture = picture.convert(mode)
    texts = {name: bytes(picture.info[key]) for key, name in _TEXTS.items() if picture.info.get(key)}
    if "exif-data" in texts:
        # libvips takes it as it stands in a JPEG; some readers of Pillow's leave the start away.
        texts["exif-data"] = _EXIF_START + texts["exif-data"].removeprefix(_EXIF_START)
    return Raster(picture.tobytes(), picture.width, picture.height, len(mode), mode == "CMYK", texts)


def _profile_of(raster: Raster) -> dict[str, bytes]:
    return {name: text for name, text in raster.texts.items() if name == _PROFILE}


_OPAQUE = {"1": "L", "L": "L", "LA": "L"}


def encode_jp2(raster: Raster, encoding: Encoding) -> bytes:
    """Write a JPEG 2000 file.

    Args:
        raster: the picture.
        encoding: quality becomes the ratio of signal to noise: 20 dB at 0, and a quarter of a decibel for each step. 80
            looks like JPEG at 80.

    Raises:
        RenderFailed: the encoder refused.
    """
    # Bands of colour are alike: left together, they take twice the bytes.
    options: dict[str, Any] = {"irreversible": not encoding.lossless, "mct": int(raster.bands > 2)}
    if encoding.quality is not None:
        options |= {"quality_mode": "dB", "quality_layers": [20 + encoding.quality / 4]}
    return _saved(_picture(raster), "JPEG2000", options)


def prepare() -> None:
    """Load what a WebP is written with, or the first one would wait for it.

    Asked for by name: Pillow finds a format by loading all that it has, which takes three times as long.
    """
    from PIL import Image, WebPImagePlugin  # noqa: F401, PLC0415 - slow to import, and the API needs it never

    Image.preinit()


def encode_webp(raster: Raster, encoding: Encoding) -> bytes:
    """Write a still WebP: the bytes that libvips writes, from the same libwebp, which is compiled to be faster here.

    Args:
        raster: the picture.
        encoding: as for libvips.

    Raises:
        MemoryLimitExceeded: there was not enough memory.
        RenderFailed: the encoder refused.
    """
    options: dict[str, Any] = {"method": webp_effort(encoding), "lossless": encoding.lossless}
    options["quality"] = _LOSSLESS_EFFORT if encoding.quality is None else encoding.quality
    return _saved(_picture(raster), "WEBP", options)


def encode_avif(
    frames: Sequence[Raster], delays_ms: Sequence[int], encoding: Encoding, profile: bytes | None = None
) -> bytes:
    """Write an animated AVIF. It repeats for ever: its loops are nothing that Pillow can set.

    Args:
        frames: all of one size.
        delays_ms: how long each is shown, in milliseconds.
        encoding: as for a still AVIF; never lossless, since Pillow leaves RGB in any case.
        profile: that tells the colours; None for sRGB.

    Raises:
        RenderFailed: the encoder refused.
    """
    first, *others = map(_picture, frames)
    options: dict[str, Any] = {
        "save_all": True,
        "append_images": others,
        "duration": [*delays_ms],
        "quality": encoding.quality,
        "subsampling": str(avif_chroma(encoding)),
        "speed": 9 - avif_effort(encoding),
        # As libvips: the service works on as many images at a time as there are cores.
        "max_threads": 1,
        "icc_profile": profile,
    }
    return _saved(first, "AVIF", options)


def decode(data: bytes, format: ImageFormat) -> Iterator[Raster]:
    """Read back each frame of what this module has written.

    Args:
        data: the file.
        format: JP2 or AVIF; no other reader is asked.
    """
    from PIL import ImageSequence  # noqa: PLC0415 - slow to import, and few jobs need it

    with _opener(format)(BytesIO(data), formats=[_NAMES[format]]) as picture:
        for frame in ImageSequence.Iterator(picture):
            frame.load()
            yield Raster(frame.tobytes(), frame.width, frame.height, len(frame.getbands()))


def _picture(raster: Raster) -> "Pictures.Image":
    from PIL import Image  # noqa: PLC0415 - as above

    try:
        return Image.frombytes(_MODES[raster.bands], (raster.width, raster.height), raster.pixels)
    except MemoryError as error:
        raise MemoryLimitExceeded("The image needs too much memory.") from error


def _saved(picture: "Pictures.Image", format: str, options: dict[str, Any]) -> bytes:
    file = BytesIO()
    try:
        picture.save(file, format, **options)
    except (OSError, ValueError, MemoryError) as error:
        if isinstance(error, MemoryError) or _NO_MEMORY.match(str(error)):
            raise MemoryLimitExceeded("The image needs too much memory.") from error
        raise RenderFailed("The output could not be encoded.") from error
    return file.getvalue()
