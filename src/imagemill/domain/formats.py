"""Image formats: how a file's first bytes tell them, and what each can hold. Knows nothing of codecs."""

import re
from dataclasses import dataclass
from enum import StrEnum

SNIFF_BYTES = 256
"""How many leading bytes `sniff` needs to see, and how many at the end."""


class ImageFormat(StrEnum):
    """A format that imagemill reads or writes; the value is the word used in the API."""

    JPEG = "jpeg"
    PNG = "png"
    WEBP = "webp"
    AVIF = "avif"
    GIF = "gif"
    TIFF = "tiff"
    JP2 = "jp2"
    BMP = "bmp"
    ICO = "ico"
    PSD = "psd"
    TGA = "tga"
    PNM = "pnm"
    QOI = "qoi"
    SVG = "svg"
    HEIC = "heic"


@dataclass(frozen=True, slots=True)
class FormatFacts:
    """What is true of a format.

    Args:
        media_type: its registered media type (IANA).
        extension: file name extension, without the dot.
        alpha: whether it can hold transparency.
        writable: whether imagemill can be asked to produce it.
        quality: default of the `quality` option, 1…100; None where the format has no such dial.
        shown: whether every browser shows it, so that it is a family that `auto` keeps.
        lossless: whether it can hold every pixel as it is, in true colours.
        frames: whether it can hold an animation.
        tagged: whether it can carry a colour profile, and texts about the picture.
        greys: whether it holds a grey picture in one band, and so the profile of one; else in three equal ones.
        dials: the options of a file that mean something to its encoder, by their JSON names.
    """

    media_type: str
    extension: str
    alpha: bool
    writable: bool
    quality: int | None
    shown: bool = True
    lossless: bool = True
    frames: bool = False
    tagged: bool = True
    greys: bool = True
    dials: tuple[str, ...] = ()

    @property
    def options(self) -> tuple[str, ...]:
        """All options of a file that mean something to the format, by their JSON names."""
        searched = ("score", "maxBytes") if "quality" in self.dials else ()
        tagged = ("metadata", "profile") if self.tagged and self.writable else ()
        return (*self.dials, *searched, *tagged, *(("animated",) if self.frames else ()))


def _read_only(media_type: str, extension: str, *, alpha: bool = True) -> FormatFacts:
    return FormatFacts(media_type, extension, alpha=alpha, writable=False, quality=None, shown=False)


# Qualities: the values at which the field's servers look alike (imgproxy 80/79/63, sharp 80/80/50).
FACTS: dict[ImageFormat, FormatFacts] = {
    ImageFormat.JPEG: FormatFacts(
        "image/jpeg",
        "jpg",
        alpha=False,
        writable=True,
        quality=80,
        lossless=False,
        dials=("quality", "progressive", "chroma", "effort"),
    ),
    ImageFormat.PNG: FormatFacts(
        "image/png", "png", alpha=True, writable=True, quality=None, dials=("progressive", "palette", "effort")
    ),
    ImageFormat.WEBP: FormatFacts(
        "image/webp",
        "webp",
        alpha=True,
        writable=True,
        quality=79,
        frames=True,
        greys=False,
        dials=("quality", "lossless", "effort"),
    ),
    ImageFormat.AVIF: FormatFacts(
        "image/avif",
        "avif",
        alpha=True,
        writable=True,
        quality=63,
        frames=True,
        greys=False,
        dials=("quality", "lossless", "chroma", "effort"),
    ),
    ImageFormat.GIF: FormatFacts(
        "image/gif",
        "gif",
        alpha=True,
        writable=True,
        quality=None,
        lossless=False,
        frames=True,
        tagged=False,
        dials=("progressive", "palette", "effort"),
    ),
    ImageFormat.TIFF: FormatFacts(
        "image/tiff", "tif", alpha=True, writable=True, quality=None, shown=False, dials=("effort",)
    ),
    ImageFormat.JP2: FormatFacts(
        "image/jp2",
        "jp2",
        alpha=True,
        writable=True,
        quality=80,
        shown=False,
        tagged=False,
        dials=("quality", "lossless"),
    ),
    ImageFormat.BMP: _read_only("image/bmp", "bmp"),
    ImageFormat.ICO: _read_only("image/vnd.microsoft.icon", "ico"),
    ImageFormat.PSD: _read_only("image/vnd.adobe.photoshop", "psd"),
    ImageFormat.TGA: _read_only("image/x-tga", "tga"),
    ImageFormat.PNM: _read_only("image/x-portable-anymap", "pnm", alpha=False),
    ImageFormat.QOI: _read_only("image/qoi", "qoi"),
    ImageFormat.SVG: _read_only("image/svg+xml", "svg"),
    ImageFormat.HEIC: _read_only("image/heic", "heic"),
}

BY_CHOICE = (ImageFormat.SVG, ImageFormat.HEIC)
"""Taken in only where the operator names them: SVG is a program more than a picture, HEIC needs an extra."""

TAKEN = tuple(format for format in ImageFormat if format not in BY_CHOICE)
"""Taken in unless the operator says otherwise."""

MEDIA_TYPE_BY_EXTENSION = {facts.extension: facts.media_type for facts in FACTS.values() if facts.writable}
"""Of outputs: nothing else is ever served, above all no SVG."""


def sniff(head: bytes, tail: bytes = b"") -> ImageFormat | None:
    """Tell the format from the first bytes, whatever the client says it is.

    TGA alone has nothing in front: it is told by the footer of its second version (1989). Files of the first have
    none, and are not taken for images: nearly any bytes could be one.

    Args:
        head: the file's first `SNIFF_BYTES` bytes, or all of a shorter file.
        tail: its last ones.

    Returns:
        The format, or None if the bytes are of none that imagemill can read.

    Source: WHATWG MIME Sniffing, section 6.1; ISO/IEC 14496-12 for `ftyp`; TIFF 6.0, section 2; Truevision TGA 2.0.
    """
    for format, pattern in _SIGNATURES:
        if pattern.match(head):
            return format
    if head[4:8] == b"ftyp":
        return _brand(head)
    return ImageFormat.TGA if tail.endswith(b"TRUEVISION-XFILE.\x00") else None


def auto_format(source: ImageFormat, *, alpha: bool, lossless: bool = False) -> ImageFormat:
    """The source's own format family: what `format: auto` writes.

    What no browser shows, as TIFF, becomes what each does: PNG if it is transparent, JPEG if not. Where nothing may be
    lost, what cannot be without loss becomes WebP.
    """
    kept = source if FACTS[source].writable and FACTS[source].shown else ImageFormat.PNG if alpha else ImageFormat.JPEG
    return ImageFormat.WEBP if lossless and not FACTS[kept].lossless else kept


_SIGNATURES = (
    (ImageFormat.JPEG, re.compile(rb"\xff\xd8\xff")),
    (ImageFormat.PNG, re.compile(rb"\x89PNG\r\n\x1a\n")),
    (ImageFormat.GIF, re.compile(rb"GIF8[79]a")),
    (ImageFormat.WEBP, re.compile(rb"RIFF....WEBP", re.DOTALL)),
    (ImageFormat.TIFF, re.compile(rb"II[*+]\x00|MM\x00[*+]")),
    (ImageFormat.JP2, re.compile(rb"\x00\x00\x00\x0cjP  \r\n\x87\n|\xff\x4f\xff\x51")),
    (ImageFormat.PSD, re.compile(rb"8BPS\x00\x01")),
    (ImageFormat.QOI, re.compile(rb"qoif........[\x03\x04]", re.DOTALL)),
    # The next two have short signatures, so that a field of fixed value has to be right too: the size of the second
    # header; no entries of none, and the reserved byte of the first.
    (ImageFormat.BMP, re.compile(rb"BM.{12}[\x0c\x28\x34\x38\x40\x6c\x7c]\x00\x00\x00", re.DOTALL)),
    (ImageFormat.ICO, re.compile(rb"\x00\x00\x01\x00(?!\x00\x00).{5}\x00", re.DOTALL)),
    (ImageFormat.PNM, re.compile(rb"P[1-6][ \t\r\n]\s*[#0-9]")),
    # Whether what begins as XML is a drawing is seen once it is read.
    (ImageFormat.SVG, re.compile(rb"(?:\xef\xbb\xbf)?\s*<(?:svg[\s>]|\?xml\s|!DOCTYPE svg|!--)")),
)
_BRANDS = {
    b"avif": ImageFormat.AVIF,
    b"avis": ImageFormat.AVIF,
    b"heic": ImageFormat.HEIC,
    b"heix": ImageFormat.HEIC,
}


def _brand(head: bytes) -> ImageFormat | None:
    # A file may carry a general major brand (mif1, msf1) and name its own among the compatible ones, four bytes each.
    end = min(int.from_bytes(head[:4], "big"), len(head))
    brands = [head[8:12], *(head[at : at + 4] for at in range(16, end - 3, 4))]
    return next((_BRANDS[brand] for brand in brands if brand in _BRANDS), None)
