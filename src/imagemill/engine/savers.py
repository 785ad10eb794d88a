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


def avif_effort(encoding: Encoding) -> int:
    """What libvips calls effort for AVIF; libaom's speed is 9 less this.

    It ends at 4, where a megapixel takes two seconds: a job has less than a minute.
    """
    return 1 if encoding.effort is None else _AVIF_EFFORTS[encoding.effort]


def avif_chroma(encoding: Encoding) -> Chroma:
    """How finely an AVIF keeps colour: as asked, or as libvips does where nobody asked.

    Source: heifsave of libvips, `subsample-mode`.
    """
    usual = Chroma.FULL if encoding.quality is not None and encoding.quality >= 90 else Chroma.HALVED
    return encoding.chroma or usual


def webp_effort(encoding: Encoding) -> int:
    """What libwebp calls method, 0…6."""
    return 4 if encoding.effort is None else round(encoding.effort * 6 / 9)


def _jpeg(encoding: Encoding) -> Told:
    effort = 1 if encoding.effort is None else encoding.effort
    told: Told = {"optimize_coding": effort >= 1, **_SUBSAMPLE[encoding.chroma]}
    if encoding.progressive:
        told["interlace"] = True
    if effort >= 5:
        told |= {"trellis_quant": True, "overshoot_deringing": True}
    if effort >= 7 and encoding.progressive:
        told["optimize_scans"] = True
    return told


def _png(encoding: Encoding) -> Told:
    told: Told = {"compression": 6 if encoding.effort is None else max(1, encoding.effort), "filter": "all"}
    if encoding.progressive:
        told["interlace"] = True
    if encoding.palette:
        # Filters make neighbours alike, and indices are not.
        told |= {
            "palette": True,
            "bitdepth": _bits(encoding.palette),
            "filter": "none",
            "effort": _quantising(encoding),
        }
    return told


def _webp(encoding: Encoding) -> Told:
    told: Told = {"effort": webp_effort(encoding)}
    return told | {"lossless": True} if encoding.lossless else told


def _avif(encoding: Encoding) -> Told:
    told: Told = {"compression": "av1", "bitdepth": 8, "effort": avif_effort(encoding)}
    return told | ({"lossless": True} if encoding.lossless else _SUBSAMPLE[encoding.chroma])


def _gif(encoding: Encoding) -> Told:
    told: Told = {"effort": _quantising(encoding), "dither": 1.0}
    if encoding.progressive:
        told["interlace"] = True
    if encoding.palette:
        told["bitdepth"] = _bits(encoding.palette)
    return told


def _tiff(encoding: Encoding) -> Told:
    # Deflate of differences between neighbours: what every reader of TIFF knows, and about as small as PNG.
    level = 6 if encoding.effort is None else max(1, encoding.effort)
    return {"compression": "deflate", "predictor": "horizontal", "level": level}


def _quantising(encoding: Encoding) -> int:
    # Nothing comes of more than 7.
    return 4 if encoding.effort is None else min(max(encoding.effort, 1), 7)


def _bits(colours: int) -> int:
    return (colours - 1).bit_length()


_AVIF_EFFORTS = (0, 1, 1, 1, 2, 2, 2, 3, 3, 4)
_SAVERS: Mapping[ImageFormat, tuple[str, Callable[[Encoding], Told]]] = {
    ImageFormat.JPEG: ("jpegsave_buffer", _jpeg),
    ImageFormat.PNG: ("pngsave_buffer", _png),
    ImageFormat.WEBP: ("webpsave_buffer", _webp),
    ImageFormat.AVIF: ("heifsave_buffer", _avif),
    ImageFormat.GIF: ("gifsave_buffer", _gif),
    ImageFormat.TIFF: ("tiffsave_buffer", _tiff),
}
