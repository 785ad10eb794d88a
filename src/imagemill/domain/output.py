"""One output of a recipe: the table of options, and what each asks of framing and of the file.

`Output` is that table: a field's name is the option's name in Python, its camelCase form the one in JSON, forms,
queries and the command line; its kind holds type and range; its sentence is its documentation.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import Any, Literal

from imagemill.domain.colours import BLUR, Colour
from imagemill.domain.encoding import (
    ANIMATIONS,
    AUTO_QUALITY,
    DEFAULT_SCORE,
    PALETTES,
    Chroma,
    Encoding,
    Metadata,
    OutputFormat,
    Profile,
    candidates,
)
from imagemill.domain.formats import FACTS, ImageFormat, auto_format
from imagemill.domain.framing import Aim
from imagemill.domain.geometry import MAX_SIDE, Box, Fit, Gravity, Placement, Sides, Size, rounded, scale_length
from imagemill.domain.header import Header
from imagemill.domain.options import (
    NAME,
    NAME_CHARACTERS,
    Angle,
    Choice,
    Flag,
    Number,
    OneOf,
    Or,
    Whole,
    pointer,
    refuse,
)
from imagemill.domain.placeholder import Placeholder
from imagemill.domain.regions import Area, Around, Place, Region
from imagemill.domain.table import canonical, option, table_of, value_problems
from imagemill.domain.watermark import Mark, Watermark
from imagemill.domain.widths import Breakpoints, Widths
from imagemill.errors import InvalidOptions, OptionProblem


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """One image to be made. Raises InvalidOptions at birth where a value is out of its range.

    Lengths are CSS pixels; multiplied by `dpr` they are device pixels.
    """

    width: int | None = option(Whole(1, MAX_SIDE), None, "Width of the box; left out, it follows from the height.")
    height: int | None = option(Whole(1, MAX_SIDE), None, "Height of the box; left out, it follows from the width.")
    fit: Fit = option(Choice(Fit), Fit.COVER, "How the picture meets the box.")
    gravity: Placement = option(Place(), Gravity.CENTER, "What a cut keeps, and where a canvas holds the picture.")
    enlarge: bool = option(Flag(), False, "Whether the output may be larger than the source.")
    dpr: Decimal = option(Number(1, 8), Decimal(1), "Device pixels per CSS pixel: multiplies width and height.")
    background: str | None = option(
        Or(BLUR, Colour()),
        None,
        "Colour behind the picture, or `blur` for a blurred copy; left out, clear, or white where no alpha is.",
    )
    format: OutputFormat = option(Choice(OutputFormat), OutputFormat.AUTO, "Format of the output.")
    quality: int | Literal["auto"] | None = option(
        Or(AUTO_QUALITY, Whole(1, 100)),
        None,
        "Quality of JPEG, WebP, AVIF and JPEG 2000; left out, 80, 79, 63 and 80. `auto` finds the smallest file that "
        "reaches `score`.",
    )
    name: str = option(NAME, "image", "What the output is called in the answer and in its URL.")
    # How the file is written. See domain/encoding.py for what a format does with an option that means nothing to it.
    score: Decimal = option(
        Number(0.9, 0.9999, places=4), DEFAULT_SCORE, "Likeness to the lossless picture that `quality=auto` reaches."
    )
    max_bytes: int | None = option(
        Whole(1, 999_999_999), None, "Most bytes of the file: quality goes down from `quality` as far as it takes."
    )
    lossless: bool = option(Flag(), False, "Whether WebP, AVIF and JPEG 2000 keep each pixel as it is.")
    progressive: bool = option(Flag(), False, "Whether JPEG, PNG and GIF show a coarse picture while they load.")
    chroma: Chroma | None = option(
        Choice(Chroma), None, "How finely JPEG and AVIF keep colour; left out, 4:4:4 from quality 90 on, else 4:2:0."
    )
    palette: int | None = option(OneOf(PALETTES), None, "Most colours of PNG and GIF, by index; GIF has 256 at most.")
    effort: int | None = option(
        Whole(0, 9), None, "How much time to spend on fewer bytes; left out, what the format's measurements say."
    )
    metadata: Metadata = option(Choice(Metadata), Metadata.NONE, "What of EXIF, XMP and IPTC comes along.")
    profile: Profile = option(Choice(Profile), Profile.SRGB, "What becomes of the colour profile.")
    animated: bool = option(
        Flag(), False, "Whether all frames of an animation come along, where the output's format can hold them."
    )

    # Framing: which part of the picture, how it stands, and the room around it.
    crop: Region | None = option(Area(), None, "The part of the source to take: x, y, width, height, in pixels or %.")
    trim: int | None = option(
        Whole(0, 255), None, "Cut away a plain border: by how many levels a pixel of it may differ from the corner's."
    )
    rotate: Decimal = option(Angle(), Decimal(0), "Degrees clockwise; the corners that this leaves are background.")
    flip: bool = option(Flag(), False, "Top becomes bottom, before the turn.")
    flop: bool = option(Flag(), False, "Left becomes right, before the turn.")
    zoom: Decimal = option(
        Number(1, 10),
        Decimal(1),
        "How many times nearer: only 1/zoom of the width and of the height shows, by gravity.",
    )
    min_width: int | None = option(
        Whole(1, MAX_SIDE), None, "The picture becomes no narrower than this, even where it has to be enlarged or cut."
    )
    min_height: int | None = option(
        Whole(1, MAX_SIDE), None, "The picture becomes no lower than this, even where it has to be enlarged or cut."
    )
    pad: Sides = option(Around(), Sides(), "Background around the output, outside of the box.")

    # Look: tones and colours, then surfaces, then what is laid over and cut off.
    brightness: Decimal = option(Number(0, 10), Decimal(1), "Multiplies all light; 1 changes nothing.")
    contrast: Decimal = option(
        Number(0, 10), Decimal(1), "Multiplies the distance from middle grey; 1 changes nothing."
    )
    gamma: Decimal = option(
        Number(0.1, 10), Decimal(1), "Lightens the middle tones, or below 1 darkens them; ends stay."
    )
    saturation: Decimal = option(Number(0, 10), Decimal(1), "Multiplies how far colours are from grey; 0 is grey.")
    hue: Decimal = option(Angle(), Decimal(0), "Degrees by which colours turn on the colour wheel.")
    grayscale: bool = option(Flag(), False, "Only light and dark remain.")
    tint: str | None = option(Colour(), None, "One hue for all; the less opaque the colour, the more of the old stays.")
    pixelate: int = option(Whole(1, 1000), 1, "Side of the squares that pixels become, in CSS pixels.")
    blur: Decimal = option(Number(0, 250), Decimal(0), "Standard deviation of a Gaussian blur, in CSS pixels.")
    sharpen: Decimal = option(Number(0, 10), Decimal(0), "Standard deviation of an unsharp mask, in CSS pixels.")
    watermark: Watermark | None = option(Mark(), None, "An image or a text that is laid over the picture.")
    radius: int = option(Whole(0, MAX_SIDE), 0, "Radius of rounded corners, in CSS pixels.")
    circle: bool = option(Flag(), False, "Keep an ellipse that touches all sides: of a square, a circle.")

    # Extras: what the answer tells beside the picture, and how many there are of it.
    placeholder: Placeholder | None = option(
        Choice(Placeholder), None, "What to show until the picture has loaded, as a text in the answer."
    )
    dominant_color: bool = option(Flag(), False, "Whether the answer tells the most frequent colour.")
    widths: Widths | None = option(
        Breakpoints(),
        None,
        "Several outputs, of widths so many bytes apart: `auto`, or `from`, `to`, `stepBytes` and `most`.",
    )

    def __post_init__(self) -> None:
        refuse(self._problems())

    def _problems(self) -> Iterator[OptionProblem]:
        single = [*value_problems(OPTIONS, self)]
        # Whether options go together can be said once each is what it has to be.
        yield from single or [*dict.fromkeys(self._clashes()), *self._beside(self.widths), *self._broken_promises()]

    def _clashes(self) -> Iterator[OptionProblem]:
        for side, pad in (("width", self.pad.across), ("height", self.pad.down)):
            length, least = getattr(self, side), getattr(self, f"min_{side}")
            if (length or least or 1) * self.dpr + pad * self.dpr > MAX_SIDE:
                at = side if length else f"min{side.title()}" if least else "pad"
                rule = "leave room for a picture within" if at == "pad" else "be, with its pad, at most"
                yield OptionProblem(pointer(at), f"times dpr, must {rule} {MAX_SIDE} pixels")
            if length and least and least > length:
                yield OptionProblem(pointer(f"min{side.title()}"), f"must be at most the {side}")
        if self.circle and self.radius:
            yield OptionProblem(pointer("radius"), "must be left out where the picture becomes a circle")

    def _beside(self, widths: Widths | None) -> Iterator[OptionProblem]:
        if widths is None:
            return
        for name in ("dpr", "minWidth", "minHeight", "pad"):
            if getattr(self, OPTIONS[name].field) != OPTIONS[name].default:
                yield OptionProblem(pointer(name), "must be left out beside widths, which say how large each output is")
        if (self.width is None) != (self.height is None):
            alone = "height" if self.width is None else "width"
            yield OptionProblem(pointer(alone), "beside widths gives a shape only together with the other side")
        elif self.width and self.height:
            if self.fit in (Fit.INSIDE, Fit.OUTSIDE):
                yield OptionProblem(pointer("fit"), "takes its shape from the picture: leave out width and height")
            if _follow(widths.widest, self.width, self.height) > MAX_SIDE:
                yield OptionProblem(pointer("widths"), f"must keep the height that follows within {MAX_SIDE}")
        if len(f"{self.name}-{widths.most}") > NAME_CHARACTERS:
            yield OptionProblem(pointer("name"), "must leave room for a hyphen and a number")

    def _broken_promises(self) -> Iterator[OptionProblem]:
        chosen = self.format.chosen
        if self.lossless and chosen and not FACTS[chosen].lossless:
            yield OptionProblem(pointer("lossless"), "is more than this format can hold")
        if self.lossless and self.animated and chosen is ImageFormat.AVIF:
            yield OptionProblem(pointer("lossless"), "is more than an animated AVIF can hold")
        if self.lossless and self.palette:
            yield OptionProblem(pointer("palette"), "loses colours, so it cannot be lossless")

    @property
    def names(self) -> tuple[str, ...]:
        """What the images are called that this makes: one, or with `widths` as many as it may make."""
        if self.widths is None:
            return (self.name,)
        return tuple(f"{self.name}-{number + 1}" for number in range(self.widths.most))

    @property
    def largest(self) -> "Output":
        """The largest single image that this makes."""
        return self if self.widths is None else self.at_width(self.widths.widest)

    def at_width(self, width: int) -> "Output":
        """One of the images that `widths` makes. Width and height together are its shape."""
        height = _follow(width, self.width, self.height) if self.width and self.height else None
        return replace(self, width=width, height=height, widths=None)

    def canonical(self) -> dict[str, Any]:
        """The options that differ from their defaults, by JSON name, as JSON values."""
        return canonical(OPTIONS, self)

    def check_box(self, most_pixels: int, frames: int = 1) -> None:
        """Refuse a box of more device pixels than an output may have, all frames together. Raises InvalidOptions."""
        wanted = self.largest
        lengths = {
            "widths": self.widths, "width": wanted.width, "height": wanted.height, "minWidth": wanted.min_width,
            "minHeight": wanted.min_height, "pad": wanted.pad.across or wanted.pad.down,
        }  # fmt: skip
        width = max(Decimal(1), (wanted.width or wanted.min_width or 0) * self.dpr) + self.pad.across * self.dpr
        height = max(Decimal(1), (wanted.height or wanted.min_height or 0) * self.dpr) + self.pad.down * self.dpr
        if width * height * frames > most_pixels:
            at = next(name for name, length in lengths.items() if length)
            counted = f", times {frames} frames," if frames > 1 else ","
            detail = f"times height, with pad and dpr{counted} must be at most {most_pixels:,} pixels"
            raise InvalidOptions(OptionProblem(pointer(at), detail))

    def region(self, source: Size) -> Box | None:
        """The part of a source of this size that is asked for; None if that is all of it. Raises InvalidOptions."""
        if self.crop is None:
            return None
        box = self.crop.within(source)
        if box is None:
            raise InvalidOptions(OptionProblem(pointer("crop"), "must leave something of the picture"))
        return None if box.size == source else box

    def aim(self, max_pixels: int) -> Aim:
        """What `frame` has to know of this output, in device pixels; `max_pixels` is the limit of width × height."""
        dpr, pad = Fraction(self.dpr), self.pad
        width, height, least_width, least_height, *around = (
            scale_length(length, dpr)
            for length in (
                self.width, self.height, self.min_width, self.min_height, pad.top, pad.right, pad.bottom, pad.left
            )
        )  # fmt: skip
        return Aim(
            width=width,
            height=height,
            fit=self.fit,
            max_pixels=max_pixels,
            gravity=self.gravity,
            enlarge=self.enlarge,
            minimum=Size(least_width or 1, least_height or 1),
            zoom=Fraction(self.zoom),
            pad=Sides(*(length or 0 for length in around)),
            rotate=self.rotate,
            flip=self.flip,
            flop=self.flop,
        )

    @property
    def pictured(self) -> "Output":
        """The same without what is said of the file and the answer: outputs of which this is equal show the same."""
        return Output(
            **{row.field: getattr(self, row.field) for name, row in OPTIONS.items() if name not in _NOT_PICTURED}
        )

    def formats_for(self, source: Header) -> tuple[ImageFormat, ...]:
        """The formats to write for this source: one, or with `smallest` all that it may come out in."""
        if self.format is OutputFormat.SMALLEST:
            return candidates(lossless=self.lossless, animated=self.frames_for(source) > 1)
        return (self.format.chosen or auto_format(source.format, alpha=source.alpha, lossless=self.lossless),)

    def frames_for(self, source: Header) -> int:
        """How many frames to take from this source: 1 unless all were asked for and the format can hold them."""
        if not self.animated or source.format not in ANIMATIONS:
            return 1
        if self.format is OutputFormat.SMALLEST:
            return source.frames
        (chosen,) = self.formats_for(source)
        return source.frames if FACTS[chosen].frames else 1

    def encoding_for(self, chosen: ImageFormat, frames: int = 1) -> Encoding:
        """How to write this format. Where quality is to be looked for, it is the format's own to begin with."""
        return Encoding(
            chosen,
            quality=self.quality if isinstance(self.quality, int) else None,
            lossless=self.lossless,
            progressive=self.progressive,
            chroma=self.chroma,
            palette=self.palette,
            effort=self.effort,
            frames=frames,
        )


OPTIONS = table_of(Output)
"""Every option of an output by its JSON name, in the order of the documentation."""

_NOT_PICTURED = {
    "name", "format", "quality", "score", "maxBytes", "lossless", "progressive", "chroma", "palette", "effort",
    "metadata", "profile", "animated", "placeholder", "dominantColor", "widths",
}  # fmt: skip


def _follow(width: int, across: int, down: int) -> int:
    # The height of a box of this width in the shape across × down.
    return max(1, rounded(Fraction(width * down, across)))
