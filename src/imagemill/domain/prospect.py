"""What a recipe will make of a source, told before it is made. Knows formats and sizes, no pixels.

A warning is not a refusal: the request will be done, but perhaps not as its sender thinks.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from imagemill.domain.encoding import AUTO_QUALITY
from imagemill.domain.formats import FACTS, ImageFormat
from imagemill.domain.framing import Framing
from imagemill.domain.geometry import Size
from imagemill.domain.header import Header
from imagemill.domain.options import pointer
from imagemill.domain.output import OPTIONS, Output
from imagemill.domain.widths import Widths
from imagemill.errors import OptionProblem


@dataclass(frozen=True, slots=True)
class Prospect:
    """One output that would be made.

    Args:
        output: what is asked for.
        formats: it comes out in one of these.
        size: in pixels, of one frame; where `widths` makes several, of the largest.
        frames: 1 for a still picture.
        steps: that would do something to the picture, in their order.
        warnings: what its sender may not have expected, each at an option.
    """

    output: Output
    formats: tuple[ImageFormat, ...]
    size: Size
    frames: int
    steps: tuple[str, ...]
    warnings: tuple[OptionProblem, ...]


def warnings(output: Output, source: Header, framing: Framing) -> Iterator[OptionProblem]:
    """What the sender of a request may not have expected of it.

    Args:
        output: what is asked for.
        source: of which it is made.
        framing: how; of what `trim` leaves nothing is known before pixels are.
    """
    if output.trim is not None:
        yield OptionProblem(pointer("trim"), "is found in the pixels: all is told of the picture with its border")
    if source.format is not ImageFormat.SVG:  # a drawing has every size
        yield from _enlarged(output, framing.cut.size if framing.cut else source.size, framing.scaled)
    yield from _falls_short(output, framing.output)
    formats = output.formats_for(source)
    if is_clear(output, source) and output.background is None and not any(FACTS[format].alpha for format in formats):
        yield OptionProblem(pointer("format"), "holds no transparency: what is clear becomes white")
    for name in _ignored(output, source, formats):
        failing = "cannot be reached by quality, and fails the job where it is passed, with"
        does = failing if name == "maxBytes" else "does nothing to"
        yield OptionProblem(pointer(name), f"{does} {_listed(formats)} made of this source")


def is_clear(output: Output, source: Header) -> bool:
    """Whether the picture may be clear somewhere before a background is laid behind it."""
    return source.alpha or output.circle or output.radius > 0 or output.rotate % 90 != 0


def _enlarged(output: Output, before: Size, after: Size) -> Iterator[OptionProblem]:
    times = max(after.width / before.width, after.height / before.height)
    if times > 1:
        place = "enlarge" if output.enlarge else "minWidth" if output.min_width else "minHeight"
        yield OptionProblem(pointer(place), f"has the picture enlarged {times:.3g} times, which adds no detail")


def _falls_short(output: Output, size: Size) -> Iterator[OptionProblem]:
    if output.widths == Widths():  # `auto` asks for no width
        return
    aim = output.largest.aim(max_pixels=size.pixels)
    sides = ((aim.width, size.width - aim.pad.across), (aim.height, size.height - aim.pad.down))
    # One side at least is reached by whatever keeps its proportions within the box.
    if all(wanted is None or got < wanted for wanted, got in sides) and (aim.width or aim.height):
        place = "widths" if output.widths else "width" if aim.width else "height"
        detail = f"is more than there is: the output has {size.width} × {size.height} pixels"
        yield OptionProblem(pointer(place), detail)


def _ignored(output: Output, source: Header, formats: Collection[ImageFormat]) -> Iterator[str]:
    for name in _CAN_BE_IDLE:
        value, default = getattr(output, OPTIONS[name].field), OPTIONS[name].default
        if value != default and not any(_has_use(name, output, source, format) for format in formats):
            yield name


def _has_use(name: str, output: Output, source: Header, format: ImageFormat) -> bool:
    if name == "animated":
        return output.frames_for(source) > 1
    if name == "score" and output.quality != AUTO_QUALITY:
        return False
    if name == "metadata" and format is ImageFormat.AVIF and output.frames_for(source) > 1:
        return False
    return name in FACTS[format].options and not (output.lossless and name in _LOSING)


def _listed(formats: Collection[ImageFormat]) -> str:
    return " or ".join(format.upper() for format in formats)


_CAN_BE_IDLE = (
    "quality", "score", "maxBytes", "progressive", "chroma", "palette", "effort", "metadata", "profile", "animated",
)  # fmt: skip
"""Options of which nothing may come; `lossless` is a promise, which is kept or refused."""
_LOSING = ("quality", "score", "maxBytes", "chroma")
"""Options that nothing comes of where nothing is lost."""
