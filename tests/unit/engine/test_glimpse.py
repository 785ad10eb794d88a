"""Placeholders and dominant colours: hashes as their authors' programs write them, and what no program has to say."""

import base64
import io
from typing import Any

import pytest
from PIL import Image

from imagemill.domain.formats import ImageFormat
from imagemill.domain.ports import Rendered
from imagemill.engine.blurhash import blurhash
from imagemill.engine.glimpse import dominant_color
from imagemill.engine.raster import Raster
from imagemill.engine.thumbhash import thumbhash
from tests import images
from tests.unit.engine.rendering import ENGINE, render

CLEAR = bytes(4)


def pattern(width: int, height: int, bands: int, *, alpha: bool = False) -> Raster:
    """The picture of the reference vectors."""
    pixels = bytearray()
    for y in range(height):
        for x in range(width):
            colour = (x * 7 + y * 3, x * x + y * 5, y * 11 + x, x * 9 if alpha else 255)
            pixels += bytes(level % 256 for level in colour[:bands])
    return Raster(bytes(pixels), width, height, bands)


@pytest.mark.parametrize(
    ("width", "height", "expected"),
    [
        (32, 20, "LpHUwq0~m;nAR^V_r]SeS6soWpoe"),
        (20, 32, "TkEWXP9$mqE2rZi|j*j=g1fpa%f7"),
        (7, 1, "L22#[kE4Set5~8E4Set5~8E4Set5"),
    ],
)
def test_blurhash_is_as_others_write_it(width: int, height: int, expected: str) -> None:
    """Character by character what its authors' program in C gives (blurhash-python 1.2.2), 4 × 3 waves lying and 3 × 4
    standing. The one in TypeScript looks at rising waves only where it scales them."""
    assert blurhash(pattern(width, height, 3)) == expected


@pytest.mark.parametrize(
    ("width", "height", "alpha", "expected"),
    [
        (32, 20, False, "HhgKTIxQZohgeHiHh3djbwd5eA=="),
        (20, 32, False, "XPgJVAhRBnYJh4eXR5hkdQ9tiw=="),
        (7, 1, False, "QwgGGYSEh4eIiAh7g4hghQg="),
        (16, 16, False, "1scJPwaAeHhheHiHh3d4eHiHCPh2f8YI"),
        (32, 32, True, "IUmGJQQndWpmeqB4qHZoD3g1MDuIiIeIeA=="),
        (31, 17, True, "IEmGI4Ynk3igeXiFXwheeUBZeIeHiHc="),
    ],
)
def test_thumbhash_is_as_its_author_writes_it(width: int, height: int, *, alpha: bool, expected: str) -> None:
    """Byte by byte what its author's program in JavaScript gives (thumbhash 0.1.1)."""
    assert base64.b64encode(thumbhash(pattern(width, height, 4, alpha=alpha))).decode() == expected


def test_a_flat_picture_has_hashes() -> None:
    """One colour has no waves, and nothing is divided by their height; nor where nothing at all is to be seen."""
    assert blurhash(Raster(b"\xff" * 96, 8, 4, 3)).startswith("L~TSUA")
    assert thumbhash(Raster(b"\xff" * 128, 8, 4, 4))[:2] == b"\x3f\x08"
    assert base64.b64encode(thumbhash(Raster(CLEAR * 32, 8, 4, 4))) == b"AAiCA4AAAAAAAAAAAAAAAAAAAAAAAAA="


def test_the_dominant_colour_is_the_mean_of_the_most_frequent() -> None:
    """Near ones count together; a crowd of others, and what is clear, does not tint them."""
    red, crowd = bytes([200, 16, 16, 255]) + bytes([202, 18, 18, 255]), bytes([0, 0, 255, 255])
    assert dominant_color(Raster(red * 2 + crowd * 3 + CLEAR * 9, 16, 1, 4)) == "#c91111"
    assert dominant_color(Raster(CLEAR * 4, 2, 2, 4)) is None


def kinds() -> list[Any]:
    """Pictures of every kind of bands that a finished one can have."""
    return [
        pytest.param(images.photo_jpeg(120, 80), {}, id="rgb"),
        pytest.param(images.photo_png(120, 80, alpha=True), {}, id="rgba"),
        pytest.param(images.grey_jpeg(120, 80), {}, id="grey"),
        pytest.param(images.grey_png(120, 80, alpha=True), {}, id="grey-alpha"),
        pytest.param(images.cmyk_jpeg(120, 80), {"profile": "keep"}, id="profile"),
        pytest.param(images.photo_jpeg(1, 1), {}, id="pixel"),
        pytest.param(images.photo_jpeg(120, 80), {"circle": True, "height": 60, "format": "webp"}, id="circle"),
        pytest.param(images.photo_jpeg(120, 80), {"rotate": 30, "pad": 5, "background": "blur"}, id="on-blur"),
        pytest.param(images.grey_jpeg(120, 80), {"format": "jp2", "watermark": {"text": "Ada"}}, id="jp2"),
        pytest.param(images.photo_jpeg(120, 80), {"format": "tiff", "grayscale": True}, id="tiff"),
        pytest.param(images.photo_jpeg(120, 80), {"format": "smallest", "quality": "auto"}, id="smallest"),
        pytest.param(images.photo_jpeg(120, 80), {"format": "avif", "maxBytes": 900}, id="bounded"),
    ]


@pytest.mark.parametrize(("data", "options"), kinds())
def test_every_kind_of_picture_has_a_placeholder(data: bytes, options: dict[str, object]) -> None:
    """Grey or coloured, clear or opaque: a hash of the right length, and a picture that opens."""
    made = {word: render(data, width=60, placeholder=word, **options) for word in ("blurhash", "thumbhash", "lqip")}
    assert len(made["blurhash"].placeholder or "") == 28
    assert 16 <= len(base64.b64decode(made["thumbhash"].placeholder or "", validate=True)) <= 25
    kind, _, text = (made["lqip"].placeholder or "").partition(",")
    tiny = Image.open(io.BytesIO(base64.b64decode(text, validate=True)))
    assert (kind, tiny.format) == ("data:image/webp;base64", "WEBP")
    assert max(tiny.size) <= 16
    assert len(text) < 600


def coloured(**options: object) -> Rendered:
    """A picture of one colour."""
    flat = Image.new("RGB", (40, 40), (255, 136, 0))
    return render(images.saved(flat, ImageFormat.PNG), width=20, **options)


def test_the_answer_holds_what_was_asked_for_and_no_more() -> None:
    """A dominant colour alone, a placeholder alone, or neither."""
    assert (coloured().placeholder, coloured().dominant_color) == (None, None)
    assert (coloured(dominantColor=True).placeholder, coloured(dominantColor=True).dominant_color) == (None, "#ff8800")
    assert coloured(placeholder="blurhash").dominant_color is None


def test_pixels_stay_the_same() -> None:
    """Asking for facts changes no byte of the file."""
    assert coloured(placeholder="lqip", dominantColor=True).data == coloured().data


def test_an_animation_is_seen_by_its_first_frame() -> None:
    """Frames lie below each other in memory; a placeholder of all of them would be a stripe."""
    data = images.animated(ImageFormat.GIF, 40, 30, frames=3)
    options = {"width": 40, "placeholder": "thumbhash", "format": "webp"}
    assert render(data, animated=True, **options).frames == 3
    assert render(data, animated=True, **options).placeholder == render(data, **options).placeholder
    assert ENGINE.probe(data).frames == 3


def test_a_kept_profile_is_no_part_of_a_placeholder() -> None:
    """A placeholder cannot carry a profile, so its colours are sRGB even where the file's are not."""
    picture = images.photo(40, 40)
    data = images.saved(picture, ImageFormat.JPEG, icc_profile=images.swapped_profile(), quality=95)
    kept, converted = (render(data, width=40, dominantColor=True, profile=word) for word in ("keep", "srgb"))
    assert kept.data != converted.data
    levels = [bytes.fromhex((made.dominant_color or "#")[1:]) for made in (kept, converted)]
    assert max(abs(a - b) for a, b in zip(*levels, strict=True)) <= 8
