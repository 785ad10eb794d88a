"""Image formats: how a file's first bytes tell them, and what each can hold. Knows nothing of codecs."""

from dataclasses import dataclass
from enum import StrEnum

SNIFF_BYTES = 32
"""How many leading bytes `sniff` needs to see."""


class ImageFormat(StrEnum):
    """A format that imagemill reads or writes; the value is the word used in the API."""

    JPEG = "jpeg"
    PNG = "png"
    WEBP = "webp"
    AVIF = "avif"
    GIF = "gif"
    TIFF = "tiff"
    JP2 = "jp2"


@dataclass(frozen=True, slots=True)
class FormatFacts:
    """What is true of a format.

    Args:
        media_type: its registered media type (IANA).
        extension: file name extension, without the dot.
        alpha: whether it can hold transparency.
        writable: whether imagemill can be asked to produce it.
        quality: default of the `quality` option, 1…100; None where the format has no such dial.
        readable: whether imagemill takes it in.
        shown: whether every browser shows it, so that it is a family that `auto` keeps.
        lossless: whether it can hold every pixel as it is, in true colours.
        frames: whether it can hold an animation.
        tagged: whether it can carry a colour profile, and texts about the picture.
    """

    media_type: str
    extension: str
    alpha: bool
    writable: bool
    quality: int | None
    readable: bool = True
    shown: bool = True
    lossless: bool = True
    frames: bool = False
    tagged: bool = True


# Qualities: the values at which the field's servers look alike (imgproxy 80/79/63, sharp 80/80/50).
FACTS: dict[ImageFormat, FormatFacts] = {
    ImageFormat.JPEG: FormatFacts("image/jpeg", "jpg", alpha=False, writable=True, quality=80, lossless=False),
    ImageFormat.PNG: FormatFacts("image/png", "png", alpha=True, writable=True, quality=None),
    ImageFormat.WEBP: FormatFacts("image/webp", "webp", alpha=True, writable=True, quality=79, frames=True),
    ImageFormat.AVIF: FormatFacts("image/avif", "avif", alpha=True, writable=True, quality=63, frames=True),
    ImageFormat.GIF: FormatFacts(
        "image/gif", "gif", alpha=True, writable=True, quality=None, lossless=False, frames=True, tagged=False
    ),
    ImageFormat.TIFF: FormatFacts("image/tiff", "tif", alpha=True, writable=True, quality=None, shown=False),
    ImageFormat.JP2: FormatFacts(
        "image/jp2", "jp2", alpha=True, writable=True, quality=80, readable=False, shown=False, tagged=False
    ),
}

MEDIA_TYPE_BY_EXTENSION = {facts.extension: facts.media_type for facts in FACTS.values()}


def sniff(head: bytes) -> ImageFormat | None:
    """Tell the format from the first bytes, whatever the client says it is.

    Args:
        head: the file's first `SNIFF_BYTES` bytes, or all of a shorter file.

    Returns:
        The format, or None if the bytes are of none that imagemill reads.

    Source: WHATWG MIME Sniffing, section 6.1; ISO/IEC 14496-12 for `ftyp`; TIFF 6.0, section 2.
    """
    if head.startswith(b"\xff\xd8\xff"):
        return ImageFormat.JPEG
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return ImageFormat.PNG
    if head.startswith((b"GIF87a", b"GIF89a")):
        return ImageFormat.GIF
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return ImageFormat.WEBP
    if head.startswith((b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")):
        return ImageFormat.TIFF
    if head[4:8] == b"ftyp" and (head[8:12] in _AVIF_BRANDS or _lists_avif(head)):
        return ImageFormat.AVIF
    return None


def auto_format(source: ImageFormat, *, alpha: bool, lossless: bool = False) -> ImageFormat:
    """The source's own format family: what `format: auto` writes.

    A TIFF becomes what a browser shows: PNG if it is transparent, JPEG if not. Where nothing may be lost, what cannot
    be without loss becomes WebP.
    """
    kept = source if FACTS[source].writable and FACTS[source].shown else ImageFormat.PNG if alpha else ImageFormat.JPEG
    return ImageFormat.WEBP if lossless and not FACTS[kept].lossless else kept


_AVIF_BRANDS = (b"avif", b"avis")


def _lists_avif(head: bytes) -> bool:
    # A file may carry a general major brand (mif1, msf1) and name AVIF among its compatible ones, four bytes each.
    return any(head[at : at + 4] in _AVIF_BRANDS for at in range(16, len(head) - 3, 4))
