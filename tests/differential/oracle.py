"""A second engine, slow and plain: Pillow reads and scales, LittleCMS converts colours, CSS says what goes where.

Nothing here comes from imagemill. Scaling is Lanczos 3 on floats, bicubic where it enlarges, colours weighed by alpha,
in the file's own space as every browser does it; colours are converted afterwards.
"""

from dataclasses import dataclass
from io import BytesIO

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageCms, ImageOps

Array = npt.NDArray[np.float64]
Pair = tuple[int, int]


@dataclass(frozen=True)
class Source:
    """What a file shows, as its maker knows it.

    Args:
        data: the file.
        colours: (height, width, 1, 3 or 4) in the file's own space, 0…255, upright; 4 are inks.
        alpha: (height, width), 0…1; None where all is opaque.
        profile: of the colours; None for sRGB.
    """

    data: bytes
    colours: Array
    alpha: Array | None = None
    profile: bytes | None = None

    @property
    def size(self) -> Pair:
        """Width and height."""
        return self.colours.shape[1], self.colours.shape[0]


@dataclass(frozen=True)
class Placed:
    """Where a picture goes: scaled to a size, its window cut out, the window laid on a canvas. Corners are (x, y)."""

    scaled: Pair
    corner: Pair
    window: Pair
    at: Pair
    canvas: Pair


def placed(source: Pair, box: Pair, fit: str) -> Placed:
    """Object-fit of CSS, and sharp's two other words, for a box that is smaller than the source on both sides."""
    scales = [box[axis] / source[axis] for axis in (0, 1)]
    if fit == "fill":
        return Placed(box, (0, 0), box, (0, 0), box)
    scale = max(scales) if fit in ("cover", "outside") else min(scales)
    scaled = _pair(int(side * scale + 0.5 + 1e-9) for side in source)
    if fit in ("inside", "outside"):
        return Placed(scaled, (0, 0), scaled, (0, 0), scaled)
    # Object-position is 50 % 50 %; half a pixel that is left over goes right and down.
    over = _pair((side - room) // 2 for side, room in zip(scaled, box, strict=True))
    if fit == "cover":
        return Placed(scaled, over, box, (0, 0), box)
    return Placed(
        scaled, (0, 0), scaled, _pair((room - side) // 2 for side, room in zip(scaled, box, strict=True)), box
    )


def expected(source: Source, box: Pair, fit: str) -> Array:
    """What should come out: (height, width, 4), sRGB 0…255 and alpha 0…1."""
    plan = placed(source.size, box, fit)
    alpha = np.ones(source.colours.shape[:2]) if source.alpha is None else source.alpha
    weighed = _resized(source.colours * alpha[..., None], plan.scaled)
    clear = np.clip(_resized(alpha[..., None], plan.scaled), 0, 1)
    colours = np.clip(weighed / np.maximum(clear, 1e-6), 0, 255)
    picture = np.concatenate([in_srgb(colours, source.profile), clear], axis=2)
    (left, top), (width, height) = plan.corner, plan.window
    result = np.zeros((plan.canvas[1], plan.canvas[0], 4))
    x, y = plan.at
    result[y : y + height, x : x + width] = picture[top : top + height, left : left + width]
    return result


def seen(picture: Array, ground: float) -> Array:
    """The picture on a grey ground, 0…255."""
    alpha = picture[..., 3:]
    return np.asarray(picture[..., :3] * alpha + ground * (1 - alpha))


def opened(data: bytes) -> Array:
    """What a file of ours shows: (height, width, 4), colours 0…255 and alpha 0…1."""
    with Image.open(BytesIO(data)) as picture:
        pixels = np.asarray(picture.convert("RGBA")).astype(np.float64)
    pixels[..., 3] /= 255
    return pixels


def upright(data: bytes) -> Array:
    """The colours of an opaque file in its own space, turned as its EXIF says."""
    with Image.open(BytesIO(data)) as picture:
        return np.atleast_3d(np.asarray(ImageOps.exif_transpose(picture))).astype(np.float64)


def _resized(bands: Array, size: Pair) -> Array:
    planes = (Image.fromarray(bands[..., band].astype(np.float32)) for band in range(bands.shape[2]))
    enlarged = size[0] > bands.shape[1]
    kernel = Image.Resampling.BICUBIC if enlarged else Image.Resampling.LANCZOS
    scaled = [np.asarray(plane.resize(size, kernel)) for plane in planes]
    return np.stack(scaled, axis=2).astype(np.float64)


def in_srgb(colours: Array, profile: bytes | None) -> Array:
    """Colours of a profile as sRGB shows them, by LittleCMS; without a profile they are sRGB."""
    if profile is None:
        return np.repeat(colours, 3, axis=2) if colours.shape[2] == 1 else colours
    mode = {3: "RGB", 4: "CMYK"}[colours.shape[2]]
    picture = Image.fromarray(np.round(colours).astype(np.uint8), mode)
    converted = ImageCms.profileToProfile(
        picture,
        ImageCms.ImageCmsProfile(BytesIO(profile)),
        ImageCms.createProfile("sRGB"),
        ImageCms.Intent.RELATIVE_COLORIMETRIC,
        outputMode="RGB",
    )
    assert converted is not None
    return np.asarray(converted).astype(np.float64)


def _pair(values: object) -> Pair:
    first, second = values  # type: ignore[misc]
    return first, second
