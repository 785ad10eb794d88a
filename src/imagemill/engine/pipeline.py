"""The engine: one decode, many outputs, each by the same ordered steps."""

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from uuid import UUID

from imagemill.domain.encoding import Encoding, Profile
from imagemill.domain.formats import TAKEN, ImageFormat
from imagemill.domain.geometry import Box, Size
from imagemill.domain.header import Header
from imagemill.domain.limits import Limits
from imagemill.domain.output import Output
from imagemill.domain.ports import NO_MARKS, Bytes, Memory, Rendered
from imagemill.domain.prospect import Prospect
from imagemill.domain.recipe import Recipe
from imagemill.domain.widths import Widths
from imagemill.engine import reading, vips
from imagemill.engine.breakpoints import breakpoints
from imagemill.engine.context import Context, Marks
from imagemill.engine.cutting import Cutting, Opened, framing_of
from imagemill.engine.encode import Written, write, write_alike
from imagemill.engine.foresight import foresee
from imagemill.engine.glimpse import glimpse
from imagemill.engine.memory import memory
from imagemill.engine.roll import roll_up
from imagemill.engine.steps.background import background
from imagemill.engine.steps.blur import blur
from imagemill.engine.steps.brightness import brightness
from imagemill.engine.steps.canvas import canvas
from imagemill.engine.steps.circle import circle
from imagemill.engine.steps.colour import colour
from imagemill.engine.steps.contrast import contrast
from imagemill.engine.steps.crop import crop
from imagemill.engine.steps.flip import flip
from imagemill.engine.steps.flop import flop
from imagemill.engine.steps.gamma import gamma
from imagemill.engine.steps.gravity import gravity
from imagemill.engine.steps.grayscale import grayscale
from imagemill.engine.steps.hue import hue
from imagemill.engine.steps.metadata import metadata
from imagemill.engine.steps.orient import orient
from imagemill.engine.steps.pixelate import pixelate
from imagemill.engine.steps.radius import radius
from imagemill.engine.steps.rotate import rotate
from imagemill.engine.steps.saturation import saturation
from imagemill.engine.steps.scale import scale, shrink
from imagemill.engine.steps.sharpen import sharpen
from imagemill.engine.steps.tint import tint
from imagemill.engine.steps.watermark import watermark
from imagemill.engine.vips import Image

Step = Callable[[Image, Context], Image]

STEPS: Sequence[Step] = (
    crop,  # before scaling, while the file is read: what is cut off is not kept. What `trim` finds is cut here too
    scale,  # first of the rest: all that follows has fewer pixels to touch
    orient,  # needs the whole picture in memory, which is small now; before whatever speaks of top and left
    flip,  # before turning, as sharp has it: so a mirrored picture can still be turned either way
    flop,
    rotate,  # before gravity, which speaks of the picture as it will stand
    gravity,  # before colours are converted, so that no pixel is converted and then thrown away
    colour,  # before any colour of ours meets the picture's
    brightness,  # tones before colours, and both before what mixes pixels: in the order of a darkroom
    contrast,
    gamma,
    saturation,
    hue,
    grayscale,
    tint,  # after grayscale, which would undo it
    pixelate,
    blur,  # after pixelate: softened squares are something, squares of a soft picture are the same as before
    sharpen,  # last of the picture's own: it lifts the edges that will be seen
    watermark,  # after all effects, or it would be blurred too; on the picture and never beside it
    radius,  # after the watermark, which is cut off with the corner
    circle,
    background,  # before the canvas, so that both lie on one background
    canvas,  # it adds pixels that no other step should look at
    metadata,  # last: no text is of use to another step, and profile and orientation are settled now
)
"""What is done to a picture, in this order. Each step is a file in `steps/`."""

MASTER_BYTES = 96 * 2**20
"""Pixels kept while several outputs are made from them: a photograph of 32 megapixels. A larger one is decoded again
for each output, since a worker has little memory and many neighbours."""


@dataclass(frozen=True, slots=True)
class OutputPlan:
    """How to make one output.

    Args:
        output: what is asked for.
        formats: the formats that it may come out in.
        context: what the steps have to know.
        reduction: how many times smaller than its part of the source the scaled picture is; below 1 where it is larger.
        cut: that part as it lies in the file; None if it is all.
        frames: how many to take; 1 for a still picture.
    """

    output: Output
    formats: tuple[ImageFormat, ...]
    context: Context
    reduction: Fraction
    cut: Box | None
    frames: int

    @property
    def shows(self) -> tuple[int, Context]:
        """What the picture shows, whatever it is written as. Where it turns out to be opaque, one does for all."""
        return self.frames, replace(self.context, alpha=True)


class VipsEngine:
    """An ImageEngine on libvips.

    Args:
        limits: what one image may cost.
        taken: the formats that are taken in.
    """

    def __init__(self, limits: Limits, taken: Collection[ImageFormat] = TAKEN) -> None:
        self._limits = limits
        self._taken = taken

    def probe(self, data: Bytes) -> Header:
        """Read the header; decodes no pixel."""
        return reading.probe(data, self._limits, self._taken)

    def memory(self) -> Memory:
        """What libvips holds."""
        return memory()

    def render(
        self,
        data: Bytes,
        recipe: Recipe,
        go_on: Callable[[], None] = lambda: None,
        marks: Mapping[UUID, Bytes] = NO_MARKS,
    ) -> Iterator[Rendered]:
        """Make the recipe's outputs in its order, yielding each as soon as it is made."""
        header = self.probe(data)
        self._limits.check_header(header)
        cutting = Cutting(data, header)
        read = {token: (mark, reading.probe(mark, self._limits)) for token, mark in marks.items()}

        def planned(output: Output) -> OutputPlan:
            return _plan(output, header, cutting, read, self._limits.output_pixels)

        plans = [planned(output.largest) for output in recipe.outputs]
        pictures = _Pictures(cutting, plans, go_on, several=any(output.widths for output in recipe.outputs))
        for position, (plan, output) in enumerate(zip(plans, recipe.outputs, strict=True)):
            rendered, encoding = _finish(plan, pictures.take(position), go_on)
            if output.widths:
                smaller = _Smaller(output, planned, pictures, encoding)
                yield from _in_widths(output.names, output.widths, rendered, smaller)
            else:
                yield rendered

    def foresee(self, data: Bytes, header: Header, recipe: Recipe) -> tuple[Prospect, ...]:
        """What `render` would make, in the recipe's order; decodes no pixel."""
        image = reading.open_header(data, header.format)
        steps = [step.__name__ for step in STEPS]
        return tuple(foresee(output, header, image, steps, self._limits.output_pixels) for output in recipe.outputs)


class _Pictures:
    """Makes the picture of each plan, in order, each once.

    Args:
        cutting: of the original.
        plans: of all outputs.
        go_on: called before each further frame; what it raises ends the work.
        several: whether smaller pictures than those of the plans will be made too.
    """

    def __init__(
        self, cutting: Cutting, plans: Sequence[OutputPlan], go_on: Callable[[], None], *, several: bool = False
    ) -> None:
        self._cutting = cutting
        self._plans = plans
        self.go_on = go_on
        self._shown = [plan.shows for plan in plans]
        self._kept: dict[int, Image] = {}
        self._source = _source(cutting, [plan for plan in plans if plan.frames == 1], several=several)

    def take(self, position: int) -> Image:
        """The finished picture of a plan; positions only rise."""
        plan, shown = self._plans[position], self._shown[position]
        first, later = self._shown.index(shown), [*range(position + 1, len(self._plans))]
        kin = [self._plans[other] for other in later if self._shown[other] == shown]
        image = self._kept.pop(first, None)
        if image is None:
            # Made clear where any of them can be: it may turn out opaque, and then it does for those that cannot.
            image = self.make(max(plan, *kin, key=lambda plan: plan.context.alpha) if kin else plan)
        if kin and sum(map(vips.pixel_bytes, self._kept.values())) + vips.pixel_bytes(image) <= MASTER_BYTES:
            self._kept[first] = image
        return self.make(plan) if image.hasalpha() and not plan.context.alpha else image

    def make(self, plan: OutputPlan) -> Image:
        """The finished picture of any plan that asks for no more pixels than those that were announced."""
        return _apply_to(self._source(plan), plan) if plan.frames == 1 else self._animate(plan)

    def _animate(self, plan: OutputPlan) -> Image:
        animation = self._cutting.animation()
        frames: list[Image] = []
        delays_ms: list[int] = []
        for frame, delay_ms in animation.frames:
            if frames:
                self.go_on()
            # Each goes through the steps as a picture of its own. What a roll says stands on its first frame.
            made = _apply_to(Opened(frame), plan)
            frames.append(vips.without_profile(made) if frames else made)
            delays_ms.append(delay_ms)
        return roll_up(frames, delays_ms, animation.plays)


def _plan(output: Output, header: Header, cutting: Cutting, marks: Marks, max_pixels: int) -> OutputPlan:
    frames = output.frames_for(header)
    framing = framing_of(output, header, cutting.region(output), max_pixels // frames)
    grey = output.profile is Profile.KEEP and cutting.is_grey
    context = Context.of(output, header, framing, marks, grey=grey)
    reduction = _reduction(framing.cut.size if framing.cut else header.size, framing.scaled)
    return OutputPlan(output, output.formats_for(header), context, reduction, cutting.stored(framing.cut), frames)


def _reduction(source: Size, scaled: Size) -> Fraction:
    return min(Fraction(source.width, scaled.width), Fraction(source.height, scaled.height))


def _source(cutting: Cutting, plans: Sequence[OutputPlan], *, several: bool) -> Callable[[OutputPlan], Opened]:
    """Where the steps of each of these plans begin: at one decode for all of them, or each at its own."""
    shown = [plan.shows for plan in plans]
    largest = min(plans, key=lambda plan: plan.reduction, default=None)
    if largest is not None and (several or any(other != shown[0] for other in shown)):
        master = _master(cutting, largest.reduction, [plan.cut for plan in plans])
        if master:
            return _ladder(master, largest)
    return lambda plan: cutting.open(plan.reduction, [plan.cut])


def _master(cutting: Cutting, reduction: Fraction, cuts: Sequence[Box | None]) -> Opened | None:
    if not cutting.can_share(cuts):
        return None
    opened = cutting.open(reduction, cuts)
    image = opened.image
    if vips.pixel_bytes(image) > MASTER_BYTES and not any(cuts):
        # Twice the pixels needed stay, so that the outputs are as sharp as from the source.
        image = shrink(image, max(1, int(reduction / opened.factor / 2)))
    return replace(opened, image=vips.in_memory(image)) if vips.pixel_bytes(image) <= MASTER_BYTES else None


def _ladder(master: Opened, largest: OutputPlan) -> Callable[[OutputPlan], Opened]:
    # The largest picture, once scaled, is what those of at most half its size are made from: it has all they can show,
    # if they show the same part.
    rung, size = master, largest.context.framing.scaled
    if largest.reduction > 1:
        context = replace(largest.context, cut=master.place(largest.cut))
        rung = Opened(vips.in_memory(scale(crop(master.image, context), context)), cut=True)

    def begin(plan: OutputPlan) -> Opened:
        wanted = plan.context.framing.scaled
        fits = wanted == size or (2 * wanted.width <= size.width and 2 * wanted.height <= size.height)
        return rung if fits and plan.cut == largest.cut else master

    return begin


def _apply_to(opened: Opened, plan: OutputPlan) -> Image:
    return apply(opened.image, replace(plan.context, cut=opened.place(plan.cut)))


@dataclass(frozen=True, slots=True)
class _Smaller:
    """Makes the smaller ones of an output with `widths`.

    Args:
        output: that asks for them.
        planned: how to make an output.
        pictures: of the source, of which the largest has been made.
        like: how that was written.
    """

    output: Output
    planned: Callable[[Output], OutputPlan]
    pictures: _Pictures
    like: Encoding

    def at(self, width: int) -> Rendered:
        """The one of this width."""
        self.pictures.go_on()
        plan = self.planned(self.output.at_width(width))
        return _finish(plan, self.pictures.make(plan), self.pictures.go_on, self.like)[0]


def _in_widths(names: Sequence[str], widths: Widths, largest: Rendered, smaller: _Smaller) -> Iterator[Rendered]:
    made: dict[int, Rendered] = {}

    def bytes_at(width: int) -> int:
        made[width] = smaller.at(width) if made else largest
        return len(made[width].data)

    chosen = breakpoints(widths, min(widths.widest, largest.size.width), bytes_at)
    # All were written before the first is handed out, so that is what took the time.
    seconds = sum(rendered.encode_seconds for rendered in made.values())
    for name, width in zip(names, chosen, strict=False):
        yield replace(made[width], name=name, encode_seconds=seconds)
        seconds = 0.0


def _finish(
    plan: OutputPlan, image: Image, go_on: Callable[[], None], like: Encoding | None = None
) -> tuple[Rendered, Encoding]:
    started = time.perf_counter()
    if like is None:
        written = write(image, plan.output, plan.formats, plan.frames, go_on)
    else:
        written = write_alike(image, plan.output, like, go_on)
    return _rendered(plan, image, written, time.perf_counter() - started), written.encoding


def _rendered(plan: OutputPlan, image: Image, written: Written, encode_seconds: float) -> Rendered:
    seen = glimpse(image, plan.output, plan.frames)
    return Rendered(
        plan.output.name,
        written.encoding.format,
        Size(image.width, image.height // plan.frames),
        written.data,
        written.encoding.quality,
        written.score,
        plan.frames,
        encode_seconds,
        seen.placeholder,
        seen.dominant_color,
    )


def apply(image: Image, context: Context) -> Image:
    """Do all steps, and keep the result in memory."""
    for step in STEPS:
        image = step(image, context)
    return vips.in_memory(image)
