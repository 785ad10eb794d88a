"""How an output is written: the words a client chooses from, and what is left of them for one format.

One rule holds for all of them: an option that a format has no use for is ignored, so that one set of options serves
several outputs, `auto` and `smallest`. What promises something about the result is not: `lossless` is refused together
with a format that cannot keep the promise, and a `max_bytes` that cannot be kept fails the job.
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from imagemill.domain.formats import FACTS, ImageFormat

AUTO_QUALITY = "auto"
"""The word that has the quality looked for, in place of a number."""

DEFAULT_SCORE = Decimal("0.997")
"""Score that `quality: auto` reaches: where JPEG at 80, WebP at 79 and AVIF at 63 lie, within half a thousandth.

Source: docs/decisions/0017.
"""

ANIMATIONS = (ImageFormat.GIF, ImageFormat.WEBP, ImageFormat.AVIF)
"""Sources whose frames are read. A TIFF has pages, and of an APNG libvips gives the first frame only."""

PALETTES = (2, 4, 16, 256)
"""Colours that an image by index can have: those of 1, 2, 4 and 8 bits a pixel."""


class OutputFormat(StrEnum):
    """What can be asked for: `auto` is the source's own family, `smallest` whichever gives the fewest bytes."""

    AUTO = "auto"
    SMALLEST = "smallest"
    JPEG = "jpeg"
    PNG = "png"
    WEBP = "webp"
    AVIF = "avif"
    GIF = "gif"
    TIFF = "tiff"
    JP2 = "jp2"

    @property
    def chosen(self) -> ImageFormat | None:
        """The format, or None where it depends on the source."""
        return None if self in (OutputFormat.AUTO, OutputFormat.SMALLEST) else ImageFormat(self.value)


class Chroma(StrEnum):
    """How finely JPEG and AVIF keep colour. Source: ITU-R BT.601 for the notation."""

    HALVED = "4:2:0"
    """One colour for 2 × 2 pixels, as the eye sees it in photographs."""
    FULL = "4:4:4"
    """Each pixel its own: for text, and for edges between strong colours."""


class Metadata(StrEnum):
    """What of a file's texts comes along."""

    NONE = "none"
    COPYRIGHT = "copyright"
    """Who made it and who owns it; neither place, nor camera, nor anything else."""
    ALL = "all"
    """EXIF, XMP and IPTC as they were, except what is no longer true: orientation, size, the embedded thumbnail."""


class Profile(StrEnum):
    """What becomes of an embedded colour profile."""

    SRGB = "srgb"
    """Colours are converted to sRGB, and no profile is embedded: every screen takes them for what they are."""
    KEEP = "keep"
    """Colours stay as they are, and the profile comes along; CMYK, GIF and JPEG 2000 become sRGB all the same."""


@dataclass(frozen=True, slots=True)
class Encoding:
    """How to write one format: what of an output's options means something to it, everything else at its default.

    Args:
        format: to write.
        quality: 1…100; None where it has no such dial, or none that matters.
        lossless: whether each pixel stays as it is.
        progressive: whether a coarse picture is there before the whole file is.
        chroma: how finely colour is kept; None leaves it to the encoder, which halves it below quality 90.
        palette: most colours, by index; None for true colours.
        effort: how hard to try for fewer bytes, 0…9; None for what the format's measurements say.
        frames: 1 for a still picture.
    """

    format: ImageFormat
    quality: int | None = None
    lossless: bool = False
    progressive: bool = False
    chroma: Chroma | None = None
    palette: int | None = None
    effort: int | None = None
    frames: int = 1

    def __post_init__(self) -> None:
        if self.lossless or FACTS[self.format].quality is None:
            object.__setattr__(self, "quality", None)
        elif self.quality is None:
            object.__setattr__(self, "quality", FACTS[self.format].quality)


def candidates(*, lossless: bool, animated: bool) -> tuple[ImageFormat, ...]:
    """The formats that `smallest` chooses from: those that every browser shows and that can do what is asked.

    Lossless AVIF is left out: it is larger than lossless WebP.
    """
    if animated:
        return (ImageFormat.WEBP,) if lossless else (ImageFormat.WEBP, ImageFormat.AVIF)
    if lossless:
        return (ImageFormat.WEBP, ImageFormat.PNG)
    return (ImageFormat.JPEG, ImageFormat.WEBP, ImageFormat.AVIF, ImageFormat.PNG)
