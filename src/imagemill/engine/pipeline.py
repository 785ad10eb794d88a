"""The engine: one decode, many outputs, each by the same ordered steps."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from imagemill.domain.formats import ImageFormat
from imagemill.domain.geometry import Framing, Size, frame, scale_box
from imagemill.domain.header import Header
from imagemill.domain.limits import Limits
from imagemill.domain.ports import Bytes, Memory, Rendered
from imagemill.domain.recipe import Output, Recipe
from imagemill.engine import vips
from imagemill.engine.context import Context
from imagemill.engine.encode import Written, write
from imagemill.engine.steps.background import background
from imagemill.engine.steps.canvas import canvas
from imagemill.engine.steps.colour import colour
from imagemill.engine.steps.crop import crop
from imagemill.engine.steps.metadata import metadata
from imagemill.engine.steps.orient import orient
from imagemill.engine.steps.precrop import precrop
from imagemill.engine.steps.scale import scale, shrink
from imagemill.engine.vips import Image

Step = Callable[[Image, Context], Image]

STEPS: Sequence[Step] = (
    precrop,  # before scaling, or it would be pointless
    scale,  # first of the rest: all that follows has fewer pixels to touch
    orient,  # needs the whole picture in memory, which is small now; before whatever speaks of top and left
    crop,  # before colours are converted, so that no pixel is converted and then thrown away
    colour,  # before any colour of ours meets the picture's
    background,  # before the canvas, so that both lie on one colour
    canvas,  # it adds pixels that no other step should look at
    metadata,  # last: no text is of use to another step, and profile and orientation are settled now
)
"""What is done to a picture, in this order. Each step is a file in `steps/`."""

MASTER_BYTES = 96 * 2**20
"""Pixels kept while several outputs are made from them: a photograph of 32 megapixels. A larger one is decoded again
for each output, since a worker has little memory and many neighbours."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How to make one output.

    Args:
        output: what is asked for.
        formats: the formats that it may come out in.
        context: what the steps have to know.
        reduction: how many times smaller than the source the scaled picture is; below 1 where it is larger.
        frames: how many to take; 1 for a still picture.
    """

    output: Output
    formats: tuple[ImageFormat, ...]
    context: Context
    reduction: Fraction
    frames: int

    @property
    def shows(self) -> tuple[int, Context]:
        """What the picture shows, whatever it is written as. Where it turns out to be opaque, one does for all."""
        return self.frames, replace(self.context, alpha=True)


class VipsEngine:
    """An ImageEngine on libvips.

    Args:
        limits: what one image may cost.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits

    def probe(self, data: Bytes) -> Header:
        """Read the header; decodes no pixel."""
        return vips.probe(data, self._limits)

    def memory(self) -> Memory:
        """What libvips holds."""
        return vips.memory()

    def render(self, data: Bytes, recipe: Recipe, go_on: Callable[[], None] = lambda: None) -> Iterator[Rendered]:
        """Make the recipe's outputs in its order, yielding each as soon as it is made."""
        header = vips.probe(data, self._limits)
        self._limits.check_header(header)
        plans = [_plan(output, header, self._limits.output_pixels) for output in recipe.outputs]
        pictures = _Pictures(data, header, plans, go_on)
        for position, plan in enumerate(plans):
            image = pictures.take(position)
            started = time.perf_counter()
            written = write(image, plan.output, plan.formats, plan.frames, go_on)
            yield _rendered(plan, image, written, time.perf_counter() - started)


class _Pictures:
    """Makes the picture of each plan, in order, each once.

    Args:
        data: the original.
        header: of the original.
        plans: of all outputs.
        go_on: called before each further frame; what it raises ends the work.
    """

    def __init__(self, data: Bytes, header: Header, plans: Sequence[Plan], go_on: Callable[[], None]) -> None:
        self._data = data
        self._header = header
        self._plans = plans
        self._go_on = go_on
        self._shown = [plan.shows for plan in plans]
        self._kept: dict[int, Image] = {}
        self._source = _source(data, header, [plan for plan in plans if plan.frames == 1])

    def take(self, position: int) -> Image:
        """The finished picture of a plan; positions only rise."""
        plan, shown = self._plans[position], self._shown[position]
        first, later = self._shown.index(shown), [*range(position + 1, len(self._plans))]
        kin = [self._plans[other] for other in later if self._shown[other] == shown]
        image = self._kept.pop(first, None)
        if image is None:
            # Made clear where any of them can be: it may turn out opaque, and then it does for those that cannot.
            image = self._make(max(plan, *kin, key=lambda plan: plan.context.alpha) if kin else plan)
        if kin and sum(map(vips.pixel_bytes, self._kept.values())) + vips.pixel_bytes(image) <= MASTER_BYTES:
            self._kept[first] = image
        return self._make(plan) if image.hasalpha() and not plan.context.alpha else image

    def _make(self, plan: Plan) -> Image:
        return apply(self._source(plan), plan.context) if plan.frames == 1 else self._animate(plan)

    def _animate(self, plan: Plan) -> Image:
        roll = vips.open(self._data, self._header.format, animated=True)
        height = roll.height // plan.frames
        frames = []
        for number in range(plan.frames):
            if number:
                self._go_on()
            # In their order, since the codec reads them so. Each goes through the steps as a picture of its own.
            frames.append(apply(roll.crop(0, number * height, roll.width, height), plan.context))
        return vips.stack(frames, roll)


def _plan(output: Output, header: Header, max_pixels: int) -> Plan:
    dpr = Fraction(output.dpr)
    frames = output.frames_for(header)
    framing = frame(
        header.size,
        width=scale_box(output.width, dpr),
        height=scale_box(output.height, dpr),
        fit=output.fit,
        gravity=output.gravity,
        enlarge=output.enlarge,
        max_pixels=max(1, max_pixels // frames),
    )
    context = Context.of(output, header, framing)
    return Plan(output, output.formats_for(header), context, _reduction(header.size, framing), frames)


def _reduction(source: Size, framing: Framing) -> Fraction:
    if framing.precrop:
        return Fraction(1)  # its box is measured on the source as it is
    scaled = framing.scaled
    return min(Fraction(source.width, scaled.width), Fraction(source.height, scaled.height))


def _open(data: Bytes, header: Header, reduction: Fraction) -> Image:
    return vips.open(data, header.format, vips.shrink_on_load(header.format, reduction))


def _source(data: Bytes, header: Header, plans: Sequence[Plan]) -> Callable[[Plan], Image]:
    """Where the steps of each of these plans begin: at one decode for all of them, or each at its own."""
    shown = [plan.shows for plan in plans]
    largest = min(plans, key=lambda plan: plan.reduction, default=None)
    if largest is not None and any(other != shown[0] for other in shown):
        master = _master(data, header, largest.reduction)
        if master:
            return _ladder(master, largest)
    return lambda plan: _open(data, header, plan.reduction)


def _master(data: Bytes, header: Header, reduction: Fraction) -> Image | None:
    on_load = vips.shrink_on_load(header.format, reduction)
    image = vips.open(data, header.format, on_load)
    if vips.pixel_bytes(image) > MASTER_BYTES:
        # Twice the pixels needed stay, so that the outputs are as sharp as from the source.
        image = shrink(image, max(1, int(reduction / on_load / 2)))
    return vips.in_memory(image) if vips.pixel_bytes(image) <= MASTER_BYTES else None


def _ladder(master: Image, largest: Plan) -> Callable[[Plan], Image]:
    # The largest picture, once scaled, is what those of at most half its size are made from: it has all they can show.
    rung, size = master, largest.context.framing.scaled
    if largest.reduction > 1:
        rung = vips.in_memory(scale(master, largest.context))

    def begin(plan: Plan) -> Image:
        wanted = plan.context.framing.scaled
        fits = wanted == size or (2 * wanted.width <= size.width and 2 * wanted.height <= size.height)
        return rung if fits else master

    return begin


def _rendered(plan: Plan, image: Image, written: Written, encode_seconds: float) -> Rendered:
    return Rendered(
        plan.output.name,
        written.encoding.format,
        Size(image.width, image.height // plan.frames),
        written.data,
        written.encoding.quality,
        written.score,
        plan.frames,
        encode_seconds,
    )


def apply(image: Image, context: Context) -> Image:
    """Do all steps, and keep the result in memory."""
    for step in STEPS:
        image = step(image, context)
    return vips.in_memory(image)
