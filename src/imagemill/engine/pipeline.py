"""The engine: one decode, many outputs, each by the same ordered steps."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from imagemill.domain.formats import ImageFormat
from imagemill.domain.geometry import Framing, Size, frame, scale_box
from imagemill.domain.header import Header
from imagemill.domain.limits import Limits
from imagemill.domain.ports import Bytes, Memory, Rendered
from imagemill.domain.recipe import Output, Recipe
from imagemill.engine import vips
from imagemill.engine.context import Context
from imagemill.engine.steps.background import background
from imagemill.engine.steps.canvas import canvas
from imagemill.engine.steps.colour import colour
from imagemill.engine.steps.crop import crop
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
    canvas,  # last: it adds pixels that no other step should look at
)
"""What is done to a picture, in this order. Each step is a file in `steps/`."""

MASTER_BYTES = 96 * 2**20
"""Pixels kept while several outputs are made from them: a photograph of 32 megapixels. A larger one is decoded again
for each output, since a worker has little memory and many neighbours."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How to make one output.

    Args:
        name: as the recipe calls it.
        format: what to write.
        quality: 1…100; None where the format has no such dial.
        context: what the steps have to know.
        reduction: how many times smaller than the source the scaled picture is; below 1 where it is larger.
    """

    name: str
    format: ImageFormat
    quality: int | None
    context: Context
    reduction: Fraction


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

    def render(self, data: Bytes, recipe: Recipe) -> Iterator[Rendered]:
        """Make the recipe's outputs in its order, yielding each as soon as it is made."""
        header = vips.probe(data, self._limits)
        self._limits.check_header(header)
        plans = [_plan(output, header, self._limits.output_pixels) for output in recipe.outputs]
        largest = min(plans, key=lambda plan: plan.reduction)
        master = _master(data, header, largest.reduction) if len(plans) > 1 else None
        if master:
            yield from _make_all(master, plans, largest)
        else:
            yield from (_make(_open(data, header, plan.reduction), plan) for plan in plans)


def _plan(output: Output, header: Header, max_pixels: int) -> Plan:
    dpr = Fraction(output.dpr)
    framing = frame(
        header.size,
        width=scale_box(output.width, dpr),
        height=scale_box(output.height, dpr),
        fit=output.fit,
        gravity=output.gravity,
        enlarge=output.enlarge,
        max_pixels=max_pixels,
    )
    format = output.format_for(header.format, alpha=header.alpha)
    context = Context.of(output, header, framing)
    return Plan(output.name, format, output.quality_for(format), context, _reduction(header.size, framing))


def _reduction(source: Size, framing: Framing) -> Fraction:
    if framing.precrop:
        return Fraction(1)  # its box is measured on the source as it is
    scaled = framing.scaled
    return min(Fraction(source.width, scaled.width), Fraction(source.height, scaled.height))


def _open(data: Bytes, header: Header, reduction: Fraction) -> Image:
    return vips.open(data, header.format, vips.shrink_on_load(header.format, reduction))


def _master(data: Bytes, header: Header, reduction: Fraction) -> Image | None:
    on_load = vips.shrink_on_load(header.format, reduction)
    image = vips.open(data, header.format, on_load)
    if vips.pixel_bytes(image) > MASTER_BYTES:
        # Twice the pixels needed stay, so that the outputs are as sharp as from the source.
        image = shrink(image, max(1, int(reduction / on_load / 2)))
    return vips.in_memory(image) if vips.pixel_bytes(image) <= MASTER_BYTES else None


def _make_all(master: Image, plans: Sequence[Plan], largest: Plan) -> Iterator[Rendered]:
    # The largest picture, once scaled, is what those of at most half its size are made from: it has all they can show.
    rung, size = master, largest.context.framing.scaled
    if largest.reduction > 1:
        rung = vips.in_memory(scale(master, largest.context))
    for plan in plans:
        wanted = plan.context.framing.scaled
        fits = wanted == size or (2 * wanted.width <= size.width and 2 * wanted.height <= size.height)
        yield _make(rung if fits else master, plan)


def _make(image: Image, plan: Plan) -> Rendered:
    for step in STEPS:
        image = step(image, plan.context)
    image = vips.in_memory(image)
    started = time.perf_counter()
    data = vips.encode(image, plan.format, plan.quality)
    took = time.perf_counter() - started
    return Rendered(plan.name, plan.format, Size(image.width, image.height), data, took)
