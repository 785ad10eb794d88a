"""Pillow: writes what libvips here cannot, which is JPEG 2000 and moving AVIF, and reads both back to be compared.

The only importer of Pillow. It reads nothing that a client has sent.
"""

from collections.abc import Iterator, Sequence
from io import BytesIO
from typing import TYPE_CHECKING, Any

from imagemill.domain.encoding import Chroma, Encoding
from imagemill.engine.raster import Raster
from imagemill.engine.savers import avif_effort
from imagemill.errors import RenderFailed

if TYPE_CHECKING:
    from PIL import Image as Pictures

_MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}


def encode_jp2(raster: Raster, encoding: Encoding) -> bytes:
    """Write a JPEG 2000 file.

    Args:
        raster: the picture.
        encoding: quality becomes the ratio of signal to noise: 20 dB at 0, and a quarter of a decibel for each step. 80
            looks like JPEG at 80.

    Raises:
        RenderFailed: the encoder refused.
    """
    # Bands of colour are alike: left together, they take twice the bytes.
    options: dict[str, Any] = {"irreversible": not encoding.lossless, "mct": int(raster.bands > 2)}
    if encoding.quality is not None:
        options |= {"quality_mode": "dB", "quality_layers": [20 + encoding.quality / 4]}
    return _saved(_picture(raster), "JPEG2000", options)


def encode_avif(frames: Sequence[Raster], delays_ms: Sequence[int], encoding: Encoding) -> bytes:
    """Write an animated AVIF. It repeats for ever: its loops are nothing that Pillow can set.

    Args:
        frames: all of one size.
        delays_ms: how long each is shown, in milliseconds.
        encoding: as for a still AVIF; never lossless, since Pillow leaves RGB in any case.

    Raises:
        RenderFailed: the encoder refused.
    """
    first, *others = map(_picture, frames)
    options: dict[str, Any] = {
        "save_all": True,
        "append_images": others,
        "duration": [*delays_ms],
        "quality": encoding.quality,
        "subsampling": str(encoding.chroma or Chroma.HALVED),
        "speed": 9 - avif_effort(encoding),
        # As libvips: the service works on as many images at a time as there are cores.
        "max_threads": 1,
    }
    return _saved(first, "AVIF", options)


def decode(data: bytes, format: str) -> Iterator[Raster]:
    """Read back each frame of what this module has written.

    Args:
        data: the file.
        format: `JPEG2000` or `AVIF`; no other reader is asked.
    """
    from PIL import Image, ImageSequence  # noqa: PLC0415 - slow to import, and few jobs need it

    with Image.open(BytesIO(data), formats=[format]) as picture:
        for frame in ImageSequence.Iterator(picture):
            frame.load()
            yield Raster(frame.tobytes(), frame.width, frame.height, len(frame.getbands()))


def _picture(raster: Raster) -> "Pictures.Image":
    from PIL import Image  # noqa: PLC0415 - as above

    mode = _MODES[raster.bands]
    return Image.frombytes(mode, (raster.width, raster.height), bytes(raster.pixels))


def _saved(picture: "Pictures.Image", format: str, options: dict[str, Any]) -> bytes:
    file = BytesIO()
    try:
        picture.save(file, format, **options)
    except (OSError, ValueError) as error:
        raise RenderFailed("The output could not be encoded.") from error
    return file.getvalue()
