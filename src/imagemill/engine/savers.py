"""What the encoders are told: each option of an encoding in the words of the encoder. Knows no picture and no library.

Efforts go from 0 to 9 for every format; here they become what each encoder calls so. The defaults are measured: see
docs/decisions/0016 and `make bench ARGS=efforts`.
"""

from collections.abc import Callable, Mapping
from typing import Any

from imagemill.domain.encoding import Chroma, Encoding
from imagemill.domain.formats import ImageFormat

Told = dict[str, Any]
"""Arguments of an encoder, by its own names."""

_SUBSAMPLE: Mapping[Chroma | None, Told] = {
    None: {},
    Chroma.HALVED: {"subsample_mode": "on"},
    Chroma.FULL: {"subsample_mode": "off"},
}


def saver(encoding: Encoding) -> tuple[str, Told]:
    """The encoder of libvips for a format, and what to tell it."""
    name, tell = _SAVERS[encoding.format]
    told = tell(encoding)
    return name, told if encoding.quality is None else told | {"Q": encoding.quality}


def _jpeg(encoding: Encoding) -> Told:
    # Progressive costs a third more time, trellis five times as much for a twentieth of the bytes.
    effort = 2 if encoding.effort is None else encoding.effort
    trellis = {"trellis_quant": True, "overshoot_deringing": True} if effort >= 5 else {}
    scans = {"optimize_scans": True} if effort >= 7 and encoding.progressive else {}
    return {
        "optimize_coding": effort >= 1,
        **({"interlace": True} if encoding.progressive else {}),
        **_SUBSAMPLE[encoding.chroma],
        **trellis,
        **scans,
    }


def _png(encoding: Encoding) -> Told:
    told: Told = {"compression": 6 if encoding.effort is None else encoding.effort, "filter": "all"}
    if encoding.progressive:
        told["interlace"] = True
    if encoding.palette:
        told |= {"palette": True, "bitdepth": (encoding.palette - 1).bit_length(), "filter": "none"}
        if encoding.effort is not None:
            told["effort"] = encoding.effort + 1
    return told


def _webp(encoding: Encoding) -> Told:
    told: Told = {"effort": 4 if encoding.effort is None else round(encoding.effort * 6 / 9)}
    return told | {"lossless": True} if encoding.lossless else told


def _avif(encoding: Encoding) -> Told:
    # Effort 1 is libaom's speed 8.
    told: Told = {"compression": "av1", "bitdepth": 8, "effort": 1 if encoding.effort is None else encoding.effort}
    return told | ({"lossless": True} if encoding.lossless else _SUBSAMPLE[encoding.chroma])


def _gif(encoding: Encoding) -> Told:
    told: Told = {"effort": 7 if encoding.effort is None else encoding.effort + 1, "dither": 1.0}
    if encoding.progressive:
        told["interlace"] = True
    if encoding.palette:
        told["bitdepth"] = (encoding.palette - 1).bit_length()
    return told


def _tiff(encoding: Encoding) -> Told:
    # Deflate with differences between neighbours: what every reader of TIFF knows, and as small as PNG.
    return {
        "compression": "deflate",
        "predictor": "horizontal",
        "level": 6 if encoding.effort is None else max(1, encoding.effort),
    }


_SAVERS: Mapping[ImageFormat, tuple[str, Callable[[Encoding], Told]]] = {
    ImageFormat.JPEG: ("jpegsave_buffer", _jpeg),
    ImageFormat.PNG: ("pngsave_buffer", _png),
    ImageFormat.WEBP: ("webpsave_buffer", _webp),
    ImageFormat.AVIF: ("heifsave_buffer", _avif),
    ImageFormat.GIF: ("gifsave_buffer", _gif),
    ImageFormat.TIFF: ("tiffsave_buffer", _tiff),
}
