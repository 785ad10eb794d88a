"""What encoders are told: an option that a format has no use for is not told at all."""

from typing import Any

import pytest

from imagemill.domain.encoding import Chroma, Encoding
from imagemill.domain.formats import FACTS, ImageFormat
from imagemill.engine.savers import avif_effort, saver

OF_LIBVIPS = [format for format in ImageFormat if FACTS[format].writable and format is not ImageFormat.JP2]


@pytest.mark.parametrize(
    ("format", "told"),
    [
        (ImageFormat.JPEG, {"optimize_coding": True, "Q": 80}),
        (ImageFormat.PNG, {"compression": 6, "filter": "all"}),
        (ImageFormat.WEBP, {"effort": 4, "Q": 79}),
        (ImageFormat.AVIF, {"compression": "av1", "bitdepth": 8, "effort": 1, "Q": 63}),
        (ImageFormat.GIF, {"effort": 4, "dither": 1.0}),
        (ImageFormat.TIFF, {"compression": "deflate", "predictor": "horizontal", "level": 6}),
    ],
)
def test_the_defaults_are_those_that_were_measured(format: ImageFormat, told: dict[str, Any]) -> None:
    """A change here changes bytes: it needs a new RECIPE_VERSION and a look at docs/decisions/0016."""
    assert saver(Encoding(format))[1] == told


@pytest.mark.parametrize(
    ("encoding", "told"),
    [
        (Encoding(ImageFormat.JPEG, progressive=True), {"interlace": True}),
        (Encoding(ImageFormat.JPEG, chroma=Chroma.FULL), {"subsample_mode": "off"}),
        (Encoding(ImageFormat.JPEG, chroma=Chroma.HALVED), {"subsample_mode": "on"}),
        (Encoding(ImageFormat.JPEG, effort=0), {"optimize_coding": False}),
        (Encoding(ImageFormat.JPEG, effort=5), {"trellis_quant": True}),
        (Encoding(ImageFormat.JPEG, effort=9, progressive=True), {"optimize_scans": True}),
        (Encoding(ImageFormat.PNG, palette=16), {"palette": True, "bitdepth": 4, "filter": "none"}),
        (Encoding(ImageFormat.PNG, palette=2), {"bitdepth": 1}),
        (Encoding(ImageFormat.PNG, progressive=True), {"interlace": True}),
        (Encoding(ImageFormat.PNG, effort=0), {"compression": 1}),
        (Encoding(ImageFormat.WEBP, lossless=True), {"lossless": True}),
        (Encoding(ImageFormat.WEBP, effort=9), {"effort": 6}),
        (Encoding(ImageFormat.AVIF, lossless=True), {"lossless": True}),
        (Encoding(ImageFormat.AVIF, chroma=Chroma.FULL), {"subsample_mode": "off"}),
        (Encoding(ImageFormat.GIF, palette=256, progressive=True), {"bitdepth": 8, "interlace": True}),
        (Encoding(ImageFormat.TIFF, effort=9), {"level": 9}),
    ],
)
def test_options_in_the_encoders_words(encoding: Encoding, told: dict[str, Any]) -> None:
    """Each option reaches the encoder that has a use for it."""
    assert told.items() <= saver(encoding)[1].items()


@pytest.mark.parametrize("format", OF_LIBVIPS)
def test_what_means_nothing_is_not_told(format: ImageFormat) -> None:
    """Lossless takes the quality away, and a dial that a format lacks is none of its arguments."""
    _, told = saver(Encoding(format, quality=50, lossless=True))
    assert "Q" not in told
    assert ("lossless" in told) is (format in (ImageFormat.WEBP, ImageFormat.AVIF))


@pytest.mark.parametrize("format", OF_LIBVIPS)
def test_the_table_of_formats_names_the_dials(format: ImageFormat) -> None:
    """What `GET /api/v1/formats` says means something to an encoder changes what it is told, and nothing else does."""
    turned = {
        "quality": Encoding(format, quality=33),
        "lossless": Encoding(format, lossless=True, quality=None),
        "progressive": Encoding(format, progressive=True),
        "chroma": Encoding(format, chroma=Chroma.FULL),
        "palette": Encoding(format, palette=16),
        "effort": Encoding(format, effort=9),
    }
    plain = saver(Encoding(format))[1]
    heeded = {dial for dial, encoding in turned.items() if {**saver(encoding)[1], "Q": 0} != {**plain, "Q": 0}}
    if FACTS[format].quality is not None:
        heeded.add("quality")
    assert heeded == set(FACTS[format].dials)


def test_no_effort_takes_minutes() -> None:
    """AVIF's scale goes on to where a megapixel takes minutes; ours ends before, and never falls."""
    efforts = [avif_effort(Encoding(ImageFormat.AVIF, effort=effort)) for effort in range(10)]
    assert efforts == sorted(efforts)
    assert (efforts[0], efforts[-1]) == (0, 4)
