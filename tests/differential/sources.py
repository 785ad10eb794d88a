"""Pictures of every mode that a file can have, each with what it shows as numpy knows it."""

import struct
import zlib

import numpy as np
import numpy.typing as npt
from PIL import Image

from imagemill.domain.formats import ImageFormat
from tests import images
from tests.differential import profiles
from tests.differential.oracle import Array, Source, upright

SIZE = (181, 121)
"""Odd on both sides, so that nothing comes out even by luck."""

ORIENTATIONS = tuple(f"orientation-{number}" for number in range(1, 9))
MODES = (
    "grey", "grey-alpha", "grey-16", "rgb", "rgba", "rgb-16", "rgba-16", "palette", "palette-alpha", "cmyk",
    "display-p3", "display-p3-alpha", "adobe-rgb", *ORIENTATIONS,
)  # fmt: skip


def source(mode: str, size: tuple[int, int] = SIZE) -> Source:
    """A picture of a mode: busy at every scale, and with alpha a blob with soft edges on clear black."""
    rgb = np.asarray(images.photo(*size, seed=3))
    grey = np.asarray(images.photo(*size, seed=3).convert("L"))[..., None]
    number = mode.rpartition("-")[2]
    if mode.startswith("orientation"):
        return _turned(int(number), size)
    if mode.startswith("palette"):
        return _indexed(clear=mode.endswith("alpha"), size=size)
    if mode == "cmyk":
        inks = images.photo(*size, seed=3).convert("CMYK")
        data = images.saved(inks, ImageFormat.JPEG, quality=95, icc_profile=profiles.plain_press())
        return Source(data, upright(data), profile=profiles.plain_press())
    colours = grey if mode.startswith("grey") else rgb
    profile = {"display-p3": profiles.display_p3, "adobe-rgb": profiles.adobe_rgb}.get(mode.removesuffix("-alpha"))
    alpha = _blob(size) if mode in ("grey-alpha", "rgba", "rgba-16", "display-p3-alpha") else None
    return _png(colours, alpha, profile() if profile else None, deep=number == "16")


def _png(colours: npt.NDArray[np.uint8], alpha: Array | None, profile: bytes | None, *, deep: bool) -> Source:
    most, kind = (65535, ">u2") if deep else (255, ">u1")
    # With 16 bits the low byte says something of its own, and differs from the high one.
    stored = np.round(colours * (most / 255) + (np.indices(colours.shape).sum(axis=0) * 37 % 200 if deep else 0))
    stored = np.minimum(stored, most)
    bands = (
        [stored] if alpha is None else [np.where(alpha[..., None] > 0, stored, 0), np.round(alpha * most)[..., None]]
    )
    pixels = np.concatenate(bands, axis=2).astype(kind)
    height, width, count = pixels.shape
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)
    head = struct.pack(">2I5B", width, height, 16 if deep else 8, {1: 0, 2: 4, 3: 2, 4: 6}[count], 0, 0, 0)
    chunks = [(b"IHDR", head), (b"IDAT", zlib.compress(rows, 1)), (b"IEND", b"")]
    if profile:
        chunks.insert(1, (b"iCCP", b"test\0\0" + zlib.compress(profile)))
    data = b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in chunks)
    shown = pixels.astype(np.float64) / most
    colour_bands = 1 if count < 3 else 3
    return Source(data, shown[..., :colour_bands] * 255, None if alpha is None else shown[..., -1], profile)


def chunk(kind: bytes, body: bytes) -> bytes:
    """A chunk of a PNG."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _indexed(*, clear: bool, size: tuple[int, int]) -> Source:
    indexed = images.photo(*size, seed=3).quantize(64)
    if not clear:
        data = images.saved(indexed, ImageFormat.PNG)
        return Source(data, np.asarray(indexed.convert("RGB")).astype(np.float64))
    indexed.paste(63, None, Image.fromarray(_blob(size) < 0.5))
    holes = np.asarray(indexed) == 63
    data = images.saved(indexed, ImageFormat.PNG, transparency=63)
    return Source(data, np.asarray(indexed.convert("RGB")).astype(np.float64), 1.0 - holes)


def _turned(orientation: int, size: tuple[int, int]) -> Source:
    exif = Image.Exif()
    exif[images.ORIENTATION] = orientation
    data = images.saved(images.photo(*size, seed=3), ImageFormat.JPEG, quality=95, exif=exif)
    return Source(data, upright(data))


def _blob(size: tuple[int, int]) -> Array:
    x, y = np.meshgrid(np.linspace(-1, 1, size[0]), np.linspace(-1, 1, size[1]))
    return np.clip(4 - 4.5 * np.hypot(x, y), 0, 1)
