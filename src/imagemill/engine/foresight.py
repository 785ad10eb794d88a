"""Tells what an output would become by the header of its source alone: the API asks, where no pixel is decoded.

So it opens nothing that is read by Pillow or drawn. The sizes come from the same arithmetic as the work itself.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from imagemill.domain.framing import Framing
from imagemill.domain.header import Header
from imagemill.domain.output import Output
from imagemill.domain.prospect import Prospect, is_clear, warnings
from imagemill.engine.context import Context
from imagemill.engine.cutting import framing_of
from imagemill.engine.steps.colour import converts, is_grey, stays_grey
from imagemill.engine.vips import Image, orientation


def foresee(output: Output, header: Header, image: Image | None, steps: Sequence[str], max_pixels: int) -> Prospect:
    """What would be made of a source; as if it had nothing to trim, since that shows in the pixels.

    Args:
        output: what is asked for; its crop lies within the source.
        header: of the source.
        image: the source as opened, of which no pixel is touched; None where opening it would decode it.
        steps: the names of all that there are, in their order.
        max_pixels: limit of width × height × frames.
    """
    frames = output.frames_for(header)
    ends = [output.largest, output.at_width(output.widths.narrowest)] if output.widths else [output]
    framings = [framing_of(end, header, end.region(header.size), max_pixels // frames) for end in ends]
    grey = image is not None and is_grey(image)
    sights = [
        _Sight(end, header, image, framing, Context.of(end, header, framing, marks={}, grey=grey))
        for end, framing in zip(ends, framings, strict=True)
    ]
    return Prospect(
        output,
        output.formats_for(header),
        framings[0].output,
        frames,
        tuple(step for step in steps if any(_is_active(step, sight) for sight in sights)),
        tuple(warnings(output, header, framings[0])),
    )


@dataclass(frozen=True, slots=True)
class _Sight:
    """What there is to know of a source and of one image to be made of it without its pixels."""

    output: Output
    header: Header
    image: Image | None
    framing: Framing
    context: Context


def _is_active(step: str, sight: _Sight) -> bool:
    # A step that is one option's, and its namesake, does something where that option is set. Others are asked.
    if step in _OF_COLOURS and sight.image is not None and stays_grey(sight.image, sight.context):
        return False
    guard = _GUARDS.get(step)
    return guard(sight) if guard else step in sight.output.canonical()


def _crops(sight: _Sight) -> bool:
    return sight.framing.cut is not None or sight.output.trim is not None


def _scales(sight: _Sight) -> bool:
    cut = sight.framing.cut
    return sight.framing.scaled != (cut.size if cut else sight.header.size)


def _lays_background(sight: _Sight) -> bool:
    context = sight.context
    if not is_clear(sight.output, sight.header):
        return False
    # A blurred one lies behind the whole canvas, where there is one.
    if context.blurred:
        return sight.framing.canvas is None
    return not context.alpha or context.background is not None


_OF_COLOURS = ("saturation", "hue", "grayscale")
"""Steps that leave a grey picture as it is."""

_GUARDS: Mapping[str, Callable[[_Sight], bool]] = {
    "crop": _crops,
    "scale": _scales,
    "orient": lambda sight: sight.image is not None and orientation(sight.image) != 1,
    "gravity": lambda sight: sight.framing.window is not None,
    "colour": lambda sight: sight.image is not None and converts(sight.image, sight.context),
    "background": _lays_background,
    "canvas": lambda sight: sight.framing.canvas is not None,
}
