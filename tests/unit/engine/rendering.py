"""What the engine's tests share: render with plain options, and look at pixels with Pillow, not with libvips."""

from typing import Any

import numpy as np
import numpy.typing as npt

from imagemill.domain.framing import Aim, frame
from imagemill.domain.geometry import Fit, Gravity, Size
from imagemill.domain.limits import Limits
from imagemill.domain.output import Output
from imagemill.domain.ports import Rendered
from imagemill.domain.recipe import Recipe
from imagemill.engine.context import Colour, Context
from imagemill.engine.pipeline import VipsEngine
from tests import images

LIMITS = Limits(image_bytes=2**25, pixels=10_000_000, output_pixels=5_000_000, frames=1000)
ENGINE = VipsEngine(LIMITS)
RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)

Pixels = npt.NDArray[np.int16]


def render(data: bytes, **options: Any) -> Rendered:
    """The first output of a recipe given by option names as in JSON."""
    return next(ENGINE.render(data, Recipe.parse(options)))


def pixels(rendered: Rendered, mode: str | None = None) -> Pixels:
    """The output's pixels as (height, width, bands), signed so that they can be subtracted, in a mode of Pillow's."""
    picture = images.opened(rendered.data)
    return np.atleast_3d(np.asarray(picture.convert(mode) if mode else picture).astype(np.int16))


def mode(rendered: Rendered) -> str:
    """The output's bands as Pillow names them: L, LA, RGB, RGBA, P."""
    return images.opened(rendered.data).mode


def corners(rendered: Rendered) -> list[tuple[int, ...]]:
    """Colours near the four corners, clockwise from the top left, to the nearest of pure ones."""
    array = pixels(rendered, "RGB")
    bottom, right = array.shape[0] - 2, array.shape[1] - 2
    near = (array[1, 1], array[1, right], array[bottom, right], array[bottom, 1])
    return [tuple(255 if channel > 127 else 0 for channel in colour) for colour in near]


def distance(left: Pixels, right: Pixels) -> float:
    """Root mean square difference, 0…255."""
    return float(np.sqrt(np.mean((left.astype(float) - right.astype(float)) ** 2)))


def context(
    source: Size,
    box: Size | None = None,
    *,
    output: Output = Output(),  # noqa: B008 - frozen
    alpha: bool = True,
    background: Colour | None = None,
    **options: Any,
) -> Context:
    """What a step gets for a box and the options of `frame`."""
    defaults = {"fit": Fit.COVER, "gravity": Gravity.CENTER, "enlarge": False, "max_pixels": LIMITS.output_pixels}
    width, height = (box.width, box.height) if box else (None, None)
    framing = frame(source, Aim(width=width, height=height, **{**defaults, **options}))
    return Context(output, framing, alpha, background)
