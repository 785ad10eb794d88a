"""Bytes at equal quality, against what imgproxy does by default.

imgproxy is no package that could be run here, but its documented defaults are libvips' own dials, so its way is gone by
hand: the loader shrinks as far as it can, the rest is done by `resize`, and the file is written with imgproxy's
defaults. Both are scored (engine/score.py) against a Lanczos filter on the whole picture, nothing averaged before, each
with its own framing: the service's output shows all of the picture, while a uniform scale leaves out what makes no
whole row.
Where the scores differ, the service's bytes are taken at the quality at which it scores as imgproxy does, interpolated
between two qualities.

Source of the defaults: imgproxy 4, docs/configuration/options.mdx of imgproxy-docs: IMGPROXY_QUALITY 80,
IMGPROXY_FORMAT_QUALITY webp=79,avif=63; WebP effort 4; AVIF speed 8, which libvips calls effort 1; PNG with compression
6 and every filter; JPEG neither progressive nor without optimised codes. Loading: processing/scale_on_load.go.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import pyvips

from benchmarks.peers.rates import SIDE
from benchmarks.peers.sources import encoded
from benchmarks.plan import Plan
from benchmarks.report import Figure, Goal
from imagemill.domain.encoding import OutputFormat
from imagemill.domain.formats import FACTS, ImageFormat
from imagemill.domain.geometry import Fit
from imagemill.domain.limits import Limits
from imagemill.domain.recipe import Output, Recipe
from imagemill.engine import vips
from imagemill.engine.pipeline import VipsEngine
from imagemill.engine.score import Reference

_LIMITS = Limits(image_bytes=2**27, pixels=10**8, output_pixels=10**8, frames=1)
_SAVED = {
    ImageFormat.JPEG: ("jpegsave_buffer", {"Q": 80, "optimize_coding": True}),
    ImageFormat.PNG: ("pngsave_buffer", {"compression": 6, "filter": "all"}),
    ImageFormat.WEBP: ("webpsave_buffer", {"Q": 79, "effort": 4}),
    ImageFormat.AVIF: ("heifsave_buffer", {"Q": 63, "effort": 1, "compression": "av1", "bitdepth": 8}),
}


_SAME = 0.001
"""By how much files may differ that are the same but for a row's worth of pixels."""


@dataclass(frozen=True)
class _File:
    """A file, and how like the whole picture it is."""

    bytes: float
    score: float

    @property
    def decibels(self) -> float:
        return -10 * math.log10(max(1 - self.score, 1e-6))


def measure(plan: Plan) -> Iterator[Figure]:
    """A line for each format: the service's bytes at imgproxy's likeness, as a part of imgproxy's bytes."""
    for name, source in encoded(plan.jpeg(3)).items():
        format = ImageFormat(name)
        whole = vips.open(source, format)
        scale = SIDE / max(whole.width, whole.height)
        uniform = Reference(vips.in_memory(whole.resize(scale, gap=0)))
        rows = round(whole.height * scale)
        reference = Reference(
            vips.in_memory(vips.open(source, format).resize(scale, vscale=rows / whole.height, gap=0))
        )
        theirs = _scored(_as_imgproxy(source, format), format, uniform)
        ours = _ours(source, format, reference, None)
        same = ours if format is ImageFormat.PNG else _alike(source, format, reference, theirs)
        yield Figure(
            f"{name} bytes at equal quality",
            same.bytes / 1e3,
            "KB",
            [same.bytes / theirs.bytes],
            "imgproxy's defaults",
            Goal("ratio", most=1 + _SAME),
            {
                "default KB": ours.bytes / 1e3,
                "default score": ours.score,
                "imgproxy KB": theirs.bytes / 1e3,
                "imgproxy score": theirs.score,
            },
        )


def _alike(source: bytes, format: ImageFormat, reference: Reference, theirs: _File) -> _File:
    # The likeness grows with quality; walk from the default to the two qualities around the wanted one.
    quality = FACTS[format].quality or 100
    at = _ours(source, format, reference, quality)
    step = -1 if at.score >= theirs.score else 1
    while (at.score >= theirs.score) == (step < 0) and 1 < quality < 100:
        before, quality = at, quality + step
        at = _ours(source, format, reference, quality)
    if at.decibels == before.decibels:
        return at
    part = (theirs.decibels - before.decibels) / (at.decibels - before.decibels)
    return _File(before.bytes * (at.bytes / before.bytes) ** part, theirs.score)


def _ours(source: bytes, format: ImageFormat, reference: Reference, quality: int | None) -> _File:
    output = Output(width=SIDE, height=SIDE, fit=Fit.INSIDE, format=OutputFormat(format.value), quality=quality)
    (rendered,) = VipsEngine(_LIMITS).render(source, Recipe((output,)))
    return _scored(rendered.data, format, reference)


def _as_imgproxy(source: bytes, format: ImageFormat) -> bytes:
    image = vips.open(source, format)
    reduction = max(image.width, image.height) / SIDE
    if format in (ImageFormat.JPEG, ImageFormat.WEBP):
        image = vips.open(source, format, next((factor for factor in (8, 4, 2) if reduction >= factor), 1))
    image = image.resize(SIDE / max(image.width, image.height))
    name, told = _SAVED[format]
    return bytes(pyvips.Operation.call(name, image, keep="none", **told))


def _scored(data: bytes, format: ImageFormat, reference: Reference) -> _File:
    return _File(len(data), reference.score(vips.in_memory(vips.open(data, format))))
