"""What an encoder's effort buys: time, and bytes at equal likeness, for each setting that a default was chosen from.

Bytes alone would say little, since an encoder that tries less hard also gives another picture at the same quality. So a
lossy setting gets the quality at which it is as like the lossless picture as the default is, and is measured there.
Between two qualities the bytes are interpolated.
"""

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from statistics import median
from typing import Any

from benchmarks.images import photo
from benchmarks.plan import Plan
from benchmarks.report import Figure
from imagemill.domain.encoding import Encoding
from imagemill.domain.formats import FACTS, ImageFormat
from imagemill.engine import vips
from imagemill.engine.savers import saver
from imagemill.engine.score import Reference
from imagemill.engine.search import least

SIDE = 1024
"""Longer side of the picture that is encoded: what a page shows."""


@dataclass(frozen=True)
class Setting:
    """One way to run an encoder.

    Args:
        name: what is changed.
        format: of the file.
        told: what the encoder is told in place of the default, or beside it.
    """

    name: str
    format: ImageFormat
    told: dict[str, Any] = field(default_factory=dict)


JPEG, PNG, WEBP, AVIF, GIF = ImageFormat.JPEG, ImageFormat.PNG, ImageFormat.WEBP, ImageFormat.AVIF, ImageFormat.GIF
_TRELLIS = {"trellis_quant": True, "overshoot_deringing": True}
SETTINGS = (
    Setting("no optimize_coding", JPEG, {"optimize_coding": False}),
    Setting("progressive", JPEG, {"interlace": True}),
    Setting("trellis", JPEG, _TRELLIS),
    Setting("trellis, table 3", JPEG, _TRELLIS | {"quant_table": 3}),
    Setting("trellis, progressive, scans", JPEG, _TRELLIS | {"interlace": True, "optimize_scans": True}),
    *(Setting(f"effort {effort}", WEBP, {"effort": effort}) for effort in range(7)),
    Setting("smart_subsample", WEBP, {"smart_subsample": True}),
    *(Setting(f"effort {effort}", AVIF, {"effort": effort}) for effort in range(5)),
    Setting("tune ssim", AVIF, {"tune": "ssim"}),
    Setting("4:4:4", AVIF, {"subsample_mode": "off"}),
    *(Setting(f"compression {level}", PNG, {"compression": level}) for level in (1, 2, 3, 4, 6, 9)),
    *(Setting(f"filter {name}", PNG, {"filter": name}) for name in ("none", "sub", "up", "paeth")),
    *(Setting(f"effort {effort}", GIF, {"effort": effort}) for effort in (1, 3, 4, 5, 7, 10)),
)


def measure(plan: Plan) -> Iterator[Figure]:
    """A line for each setting: its time, and its bytes as a part of the default's."""
    image = _picture(plan.image or photo(6))
    reference = Reference(image)
    for setting in SETTINGS:
        default = _try(image, reference, Setting("default", setting.format), FACTS[setting.format].quality)
        found = default if default.quality is None else _alike(image, reference, setting, default)
        if found.quality is None:
            found = _try(image, reference, setting, None)
        milliseconds = median(_milliseconds(image, setting, found.quality) for _ in range(plan.rounds))
        megapixels = image.width * image.height / 1e6
        yield Figure(
            f"{setting.format} {setting.name}",
            milliseconds / megapixels,
            "ms/MP",
            [found.bytes / default.bytes],
            "the default's bytes",
            details={"bits/pixel": 8 * found.bytes / megapixels / 1e6, "score": found.score},
        )


@dataclass(frozen=True)
class _Tried:
    """A setting at a quality, and what came of it."""

    quality: int | None
    bytes: float
    score: float

    @property
    def decibels(self) -> float:
        return -10 * math.log10(max(1 - self.score, 1e-6))


def _alike(image: vips.Image, reference: Reference, setting: Setting, default: _Tried) -> _Tried:
    # The likeness of the default, from the two qualities around it.
    tried: dict[int, _Tried] = {}

    def margin(quality: int) -> float:
        tried[quality] = _try(image, reference, setting, quality)
        return tried[quality].decibels - default.decibels

    quality = least(2, 100, margin, first=default.quality or 100, slope=0.25)
    if quality is None:
        raise RuntimeError(f"{setting.format} {setting.name} is never as like as the default")
    above, below = tried[quality], tried.get(quality - 1) or _try(image, reference, setting, quality - 1)
    if above.decibels <= max(below.decibels, default.decibels):
        return above
    part = (default.decibels - below.decibels) / (above.decibels - below.decibels)
    return replace(above, bytes=below.bytes * (above.bytes / below.bytes) ** part, score=default.score)


def _picture(jpeg: bytes) -> vips.Image:
    image = vips.open(jpeg, JPEG)
    return vips.in_memory(image.resize(min(1.0, SIDE / max(image.width, image.height))))


def _try(image: vips.Image, reference: Reference, setting: Setting, quality: int | None) -> _Tried:
    data = _encode(image, setting, quality)
    score = reference.score(vips.in_memory(vips.open(data, setting.format)))
    return _Tried(quality, len(data), score)


def _encode(image: vips.Image, setting: Setting, quality: int | None) -> bytes:
    name, told = saver(Encoding(setting.format, quality=quality))
    return vips.encode(image, name, told | setting.told | {"keep": "none"})


def _milliseconds(image: vips.Image, setting: Setting, quality: int | None) -> float:
    began = time.perf_counter()
    _encode(image, setting, quality)
    return (time.perf_counter() - began) * 1000
