"""Each fit × format × mode, against a second engine that shares nothing with the first (`oracle.py`).

Where the bounds come from. PNG and TIFF keep every pixel, so what is left is how two Lanczos filters round: measured
were likeness 0.999, 0.006 px and a mean ΔE of 0.3. The other formats lose pixels by design even at quality 95, and
their bounds leave about half as much again as this picture, busy in every colour, costs: WebP halves the resolution
of colour, GIF has 256 colours in all. Half a pixel aside breaks the bound of shift six times over, the wrong profile
that of cast or of ΔE three times (`test_measures.py`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pytest

from imagemill.domain.formats import FACTS, ImageFormat
from imagemill.domain.recipe import Recipe
from tests import images
from tests.differential import measures, oracle, sources
from tests.differential.oracle import Array, Source
from tests.unit.engine.rendering import ENGINE, render

BOX = (80, 60)
FITS = ("cover", "contain", "inside", "outside", "fill")
SHIFT = 0.08
"""Pixels; half a pixel is what wrong arithmetic of centres costs."""
JPEG_SHIFT = 0.13
"""Pixels. A JPEG that is read half as large loses the last row if it makes no whole one, as that of 667 here, and the
rest is stretched over its place: by a quarter of a pixel at that edge, and half of it in the middle."""
CAST = 0.8
"""Mean colour, CIE 1976: a third of what an eye just sees in large areas."""
CLEAREST = 0.95
"""A GIF's pixel is clear or it is not: only those that should be opaque are compared."""


@dataclass(frozen=True)
class Bounds:
    """How near to the second opinion a format must come.

    Args:
        likeness: least structural similarity.
        delta_e: most mean distance of colours.
        options: with which the format loses least.
    """

    likeness: float
    delta_e: float
    options: dict[str, Any]


FINE = {"quality": 95, "chroma": "4:4:4"}
BOUNDS = {
    ImageFormat.PNG: Bounds(0.998, 0.6, {}),
    ImageFormat.TIFF: Bounds(0.998, 0.6, {}),
    ImageFormat.AVIF: Bounds(0.99, 3, FINE),
    ImageFormat.JPEG: Bounds(0.98, 5, FINE),
    ImageFormat.JP2: Bounds(0.975, 2.5, FINE),
    ImageFormat.WEBP: Bounds(0.985, 10, FINE),
    ImageFormat.GIF: Bounds(0.85, 10, {}),
}


@pytest.mark.parametrize("mode", sources.MODES)
@pytest.mark.parametrize("format", BOUNDS)
def test_every_fit_shows_what_the_second_opinion_shows(format: ImageFormat, mode: str) -> None:
    """Same size; alike; no shift, no halo on white or black, no cast."""
    bounds, source = BOUNDS[format], _source(mode)
    asked = [{"name": fit, "fit": fit} for fit in FITS]
    common = {"width": BOX[0], "height": BOX[1], "format": format.value, **bounds.options}
    for rendered in ENGINE.render(source.data, Recipe.parse({**common, "outputs": asked})):
        theirs, ours = _expected(mode, rendered.name), oracle.opened(rendered.data)
        assert ours.shape == theirs.shape, rendered.name
        for one, other in _on_grounds(theirs, ours, format):
            _assert_alike(one, other, bounds, rendered.name)


def test_every_format_is_compared() -> None:
    """A new output format needs bounds here."""
    assert set(BOUNDS) == {format for format in ImageFormat if FACTS[format].writable}


@pytest.mark.parametrize("format", [ImageFormat.JPEG, ImageFormat.WEBP])
@pytest.mark.parametrize("width", [61, 122, 250])
def test_shrinking_while_reading_shifts_nothing(format: ImageFormat, width: int) -> None:
    """Codecs that read a picture smaller, by 8, 4 and 2, place its pixels where a filter would have put them."""
    picture = images.photo(1000, 667, seed=5)
    data = images.saved(picture, format, quality=95, **({"method": 0} if format is ImageFormat.WEBP else {}))
    source = Source(data, oracle.upright(data))
    rendered = render(data, width=width, format="png")
    theirs = oracle.expected(source, (rendered.size.width, rendered.size.height), "fill")
    one, other = oracle.seen(theirs, 0), oracle.seen(oracle.opened(rendered.data), 0)
    assert max(map(abs, measures.shift(one, other))) < (JPEG_SHIFT if format is ImageFormat.JPEG else SHIFT)
    # A codec's own averaging is softer than Lanczos, so a little of the finest detail is weaker.
    assert measures.ssim(one, other) > 0.97
    assert measures.cast(one, other) < CAST


@pytest.mark.parametrize("mode", ["rgb", "rgba", "cmyk", "orientation-6"])
def test_enlarging_shifts_nothing(mode: str) -> None:
    """What is enlarged lies where it lay, and is as smooth as the second opinion's."""
    source = sources.source(mode, (61, 41))
    rendered = render(source.data, width=151, height=101, fit="fill", enlarge=True, format="png")
    theirs, ours = oracle.expected(source, (151, 101), "fill"), oracle.opened(rendered.data)
    for one, other in _on_grounds(theirs, ours, ImageFormat.PNG):
        _assert_alike(one, other, Bounds(0.995, 0.8, {}), mode)


def _assert_alike(one: Array, other: Array, bounds: Bounds, what: str) -> None:
    assert measures.ssim(one, other) > bounds.likeness, what
    assert max(map(abs, measures.shift(one, other))) < SHIFT, what
    assert measures.mean_delta_e(one, other) < bounds.delta_e, what
    assert measures.cast(one, other) < CAST, what


def _on_grounds(theirs: Array, ours: Array, format: ImageFormat) -> Iterator[tuple[Array, Array]]:
    if format is ImageFormat.GIF:
        opaque = theirs[..., 3:] > CLEAREST
        theirs, ours = theirs * opaque, ours * opaque
    if not FACTS[format].alpha:
        theirs = np.dstack([oracle.seen(theirs, 255), np.ones(theirs.shape[:2])])
    # What is opaque looks the same on every ground.
    for ground in (0.0, 255.0) if theirs[..., 3].min() < 1 else (0.0,):
        yield oracle.seen(theirs, ground), oracle.seen(ours, ground)


@lru_cache
def _source(mode: str) -> Source:
    return sources.source(mode)


@lru_cache(maxsize=len(FITS) * len(sources.MODES))
def _expected(mode: str, fit: str) -> Array:
    return oracle.expected(_source(mode), BOX, fit)
