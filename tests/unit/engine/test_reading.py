"""Reading: every format gives its picture, by whatever library, and hostile files of it a refusal."""

import random
import struct
import time
from unittest.mock import patch

import numpy as np
import pytest
from PIL import Image

from imagemill.domain.formats import ImageFormat
from imagemill.domain.geometry import Size
from imagemill.domain.header import Header
from imagemill.domain.ports import Rendered
from imagemill.domain.recipe import Recipe
from imagemill.engine import headers, pillow
from imagemill.engine.pipeline import VipsEngine
from imagemill.errors import BadInput, CorruptImage, MemoryLimitExceeded, TooManyPixels, UnsupportedImage
from tests import images, samples
from tests.unit.engine.rendering import LIMITS, Pixels, distance, mode, pixels
from tests.unit.engine.test_vips import run

ENGINE = VipsEngine(LIMITS, tuple(ImageFormat))
BY_PILLOW = [*pillow.PLUGINS]
CLEAR = [format for format in BY_PILLOW if format not in (ImageFormat.BMP, ImageFormat.PNM)]


def render(data: bytes, **options: object) -> Rendered:
    """The output as PNG, at the size of the source unless said otherwise."""
    size = ENGINE.probe(data).size
    box = {"width": size.width, "height": size.height, "format": "png"}
    return next(ENGINE.render(data, Recipe.parse(box | options)))


def photo(width: int, height: int) -> Pixels:
    """What a photograph should look like once rendered."""
    return np.asarray(images.photo(width, height)).astype(np.int16)


@pytest.mark.parametrize("format", BY_PILLOW)
def test_a_header_is_read_without_pillow(format: ImageFormat) -> None:
    """Format and size are known before any decoder of Pillow's runs: the API must never run one."""
    data = samples.sample(format, 60, 40)
    with patch.object(pillow, "read", side_effect=AssertionError("decoded")):
        assert ENGINE.probe(data) == Header(format, Size(60, 40), frames=1, alpha=format is ImageFormat.ICO)


def test_probing_does_not_load_pillow() -> None:
    """In a fresh process Pillow is not even imported."""
    data = {format: samples.sample(format, 16, 16) for format in BY_PILLOW if format is not ImageFormat.ICO}
    script = (
        "from imagemill.domain.formats import ImageFormat\n"
        "for name in [name for name in sys.modules if name.split('.')[0] == 'PIL']: del sys.modules[name]\n"
        "engine = VipsEngine(Limits(2**30, 10**8, 10**8, 1000), tuple(ImageFormat))\n"
        f"for data in {[*data.values()]}: engine.probe(data)\n"
        "print('PIL' in sys.modules)\n"
    )
    assert run(script) == "False"


@pytest.mark.parametrize("format", BY_PILLOW)
def test_every_format_gives_its_picture(format: ImageFormat) -> None:
    """The pixels are those of the photograph, within what its codec loses."""
    rendered = render(samples.sample(format, 60, 40))
    assert rendered.size == Size(60, 40)
    assert distance(pixels(rendered, "RGB"), photo(60, 40)) < (12 if format is ImageFormat.HEIC else 1)


@pytest.mark.parametrize("format", CLEAR)
def test_transparency_is_kept(format: ImageFormat) -> None:
    """What fades out in the file fades out in the output, and `auto` keeps room for it."""
    data = samples.sample(format, 60, 40, alpha=True)
    assert ENGINE.probe(data).alpha
    alpha = pixels(render(data, format="auto"), "RGBA")[20, :, 3]
    assert abs(int(alpha[0]) - int(alpha[-1])) > 200


@pytest.mark.parametrize(
    ("data", "grey"),
    [
        (samples.written(images.photo(60, 40).convert("L"), "BMP"), True),
        (samples.written(images.photo(60, 40).convert("L"), "TGA"), True),
        (samples.written(images.photo(60, 40), "TGA", compression="tga_rle"), False),
        (samples.written(images.photo(60, 40).convert("L"), "PPM"), True),
        (samples.written(images.photo(60, 40).convert("L"), "JPEG2000"), True),
        (samples.written(images.photo(60, 40), "JPEG2000", no_jp2=True), False),
        (samples.psd(images.photo(60, 40).convert("L")), True),
        (samples.written(images.photo(60, 40), "ICO", sizes=[(60, 40)]), False),
    ],
    ids=["bmp", "tga", "runs", "pgm", "jp2", "codestream", "psd", "png-in-ico"],
)
def test_variants_give_the_same_picture(data: bytes, grey: bool) -> None:
    """Grey stays grey; packed, bare and wrapped pixels are the same ones."""
    rendered = render(data)
    expected = np.asarray(images.photo(60, 40).convert("L").convert("RGB")) if grey else photo(60, 40)
    assert distance(pixels(rendered, "RGB"), expected.astype(np.int16)) < 1
    assert not grey or mode(rendered) == "L"


@pytest.mark.parametrize(
    "data",
    [
        samples.written(images.photo(60, 40).quantize(64), "BMP"),
        samples.written(images.photo(60, 40).quantize(64), "TGA"),
        samples.psd(images.photo(60, 40).quantize(64)),
    ],
    ids=["bmp", "tga", "psd"],
)
def test_indexed_colours_are_looked_up(data: bytes) -> None:
    """A picture by index has the colours of its palette."""
    expected = np.asarray(images.photo(60, 40).quantize(64).convert("RGB")).astype(np.int16)
    assert distance(pixels(render(data), "RGB"), expected) < 1


@pytest.mark.parametrize("kind", ["pgm", "jp2"])
def test_grey_of_16_bits_keeps_its_tones(kind: str) -> None:
    """It becomes grey of 8 bits: nothing is cut off at the bright end."""
    wide = images.photo(60, 40).convert("L").convert("I").point(lambda value: value * 257)
    data = samples.written(wide, "PPM") if kind == "pgm" else samples.written(wide.convert("I;16"), "JPEG2000")
    expected = np.asarray(images.photo(60, 40).convert("L").convert("RGB")).astype(np.int16)
    assert distance(pixels(render(data), "RGB"), expected) < 1


def test_a_bitmap_of_one_bit_is_black_and_white() -> None:
    """PBM and BMP of one bit give nothing but the two."""
    for format in ("PPM", "BMP"):
        found = pixels(render(samples.written(images.photo(60, 40).convert("1"), format)), "L")
        assert set(np.unique(found)) == {0, 255}


def test_inks_become_colours() -> None:
    """A CMYK Photoshop file looks like the CMYK JPEG of the same inks."""
    inks = Image.new("CMYK", (16, 16), (64, 0, 230, 0))
    expected = pixels(render(images.cmyk_jpeg(16, 16)), "RGB")
    assert distance(pixels(render(samples.psd(inks)), "RGB"), expected) < 4


def test_a_profile_is_heeded() -> None:
    """The colour profile in a Photoshop file counts as anywhere: with red and green swapped, red comes out green."""
    resources = samples.psd_resource(1039, images.swapped_profile())
    data = samples.psd(Image.new("RGB", (16, 16), (255, 0, 0)), resources=resources)
    red, green, _ = pixels(render(data), "RGB")[8, 8]
    assert green > 200
    assert red < 100


def test_a_mask_in_a_psd_is_no_transparency() -> None:
    """A fourth channel is one only where the file says that its layers are transparent."""
    picture = Image.new("RGBA", (16, 16), (255, 0, 0, 0))
    assert ENGINE.probe(samples.psd(picture)).alpha
    masked = samples.psd(picture, layers=0)
    assert not ENGINE.probe(masked).alpha
    assert tuple(pixels(render(masked), "RGB")[8, 8]) == (255, 0, 0)


def test_a_heic_is_turned_upright_once() -> None:
    """HEIC says in a box of its own how it was held; the picture is turned once, and its size is told so."""
    stored = images.quadrants(64, 96).transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[images.ORIENTATION] = 6
    data = samples.heic(stored, exif=exif.tobytes())
    assert b"irot" in data
    assert ENGINE.probe(data).size == Size(64, 96)
    assert distance(pixels(render(data), "RGB"), np.asarray(images.quadrants(64, 96)).astype(np.int16)) < 25


@pytest.mark.parametrize(
    ("data", "by_pillow"),
    [
        (images.oriented(ImageFormat.AVIF, 96, 64, 1), True),
        (images.oriented(ImageFormat.AVIF, 96, 64, 3), False),
        (images.oriented(ImageFormat.AVIF, 96, 64, 6), False),
        (samples.deep_avif(images.quadrants(96, 64)), False),
    ],
)
def test_an_avif_gives_its_picture_by_either_library(data: bytes, by_pillow: bool) -> None:
    """Pillow's decoder is the faster one; what it would leave as it lies, or cut down to 8 bits, libvips reads."""
    with patch.object(pillow, "read", wraps=pillow.read) as read:
        picture = pixels(render(data), "RGB")
    assert (read.call_count == 1) is by_pillow
    assert distance(picture, np.asarray(images.quadrants(96, 64)).astype(np.int16)) < 25


@pytest.mark.parametrize("essential", [True, False])
def test_an_avif_of_which_a_part_is_to_be_seen_gives_that_part(essential: bool) -> None:
    """Pillow would hand out all that is stored, or refuses a file that tells of it carelessly; libvips reads it."""
    data = samples.cut_avif(images.quadrants(96, 64), 48, 32, essential=essential)
    assert ENGINE.probe(data).size == Size(48, 32)
    corner = images.quadrants(96, 64).crop((0, 0, 48, 32))
    assert distance(pixels(render(data), "RGB"), np.asarray(corner).astype(np.int16)) < 25


def test_an_avif_that_lacks_memory_is_no_damage() -> None:
    """Its decoder says so in words; it is not the image's fault."""
    header = ENGINE.probe(data := images.encoded(ImageFormat.AVIF, 16, 16))
    said = RuntimeError("Failed to decode frame 0: Out of memory")
    with patch.object(pillow, "_raster", side_effect=said), pytest.raises(MemoryLimitExceeded):
        pillow.read(data, header)


def test_the_largest_picture_of_an_icon_counts() -> None:
    """Of several sizes the largest is taken, whichever comes first."""
    data = samples.written(images.photo(64, 64), "ICO", sizes=[(16, 16), (64, 64), (32, 32)], bitmap_format="bmp")
    assert ENGINE.probe(data).size == Size(64, 64)
    assert distance(pixels(render(data), "RGB"), photo(64, 64)) < 1


@pytest.mark.parametrize("format", ImageFormat)
def test_what_is_not_taken_is_refused(format: ImageFormat) -> None:
    """A format that the operator did not name is refused before anything reads it; the answer names those taken."""
    data = samples.svg() if format is ImageFormat.SVG else samples.sample(format, 16, 16)
    taken = tuple(other for other in ImageFormat if other is not format)
    with pytest.raises(UnsupportedImage) as caught:
        VipsEngine(LIMITS, taken).probe(data)
    named = caught.value.detail.removeprefix("The image is none of ").rstrip(".").split(", ")
    assert named == [other.upper() for other in taken]


# Rare kinds of what libvips reads


@pytest.mark.parametrize(
    ("data", "colour"),
    [
        (samples.ARITHMETIC_JPEG, (200, 60, 30)),
        (images.photo_jpeg(64, 48, progressive=True), None),
        (samples.gain_map_jpeg(64, 48), None),
        (images.tiff_pages(64, 48, 2), None),
        (images.png_16_bit(16, 16), (255, 128, 0)),
        (images.animated(ImageFormat.PNG, 16, 16), (255, 0, 0)),
    ],
    ids=["arithmetic", "progressive", "gain-map", "pages", "16-bit", "apng"],
)
def test_rare_kinds_give_their_picture(data: bytes, colour: tuple[int, int, int] | None) -> None:
    """Of several pictures in a file it is the first; of any coding, the same colours."""
    found = pixels(render(data), "RGB")
    expected = photo(64, 48) if colour is None else np.full(found.shape, colour, np.int16)
    assert distance(found, expected) < 12


def test_inks_as_luminance_and_differences() -> None:
    """A YCCK JPEG shows what the CMYK JPEG of the same inks shows."""
    assert (
        distance(pixels(render(samples.ycck_jpeg(16, 16)), "RGB"), pixels(render(images.cmyk_jpeg(16, 16)), "RGB")) < 4
    )


def test_tiles_are_put_together() -> None:
    """A TIFF in tiles shows each in its place."""
    row = pixels(render(samples.tiled_tiff()), "RGB")[8]
    assert (tuple(row[4]), tuple(row[28])) == ((255, 0, 0), (0, 0, 255))


def test_an_interlaced_png_is_the_same_picture() -> None:
    """What shows itself coarsely first ends as the same pixels."""
    interlaced = render(images.photo_png(60, 40), progressive=True)
    assert images.opened(interlaced.data).info["interlace"]
    assert distance(pixels(render(interlaced.data), "RGB"), photo(60, 40)) == 0


# Hostile files


@pytest.mark.parametrize("format", BY_PILLOW)
def test_a_file_cut_short_is_damaged(format: ImageFormat) -> None:
    """At any point: a refusal, or a picture where nothing of the pixels was cut off."""
    data = samples.sample(format, 60, 40)
    for fraction in (0.02, 0.1, 0.5, 0.9):
        with pytest.raises(BadInput):
            render(images.truncated(data, fraction))


@pytest.mark.parametrize("format", BY_PILLOW)
def test_flipped_bits_give_a_picture_or_a_refusal(format: ImageFormat) -> None:
    """No damage brings out anything but BadInput, and nothing takes long."""
    data, chance = samples.sample(format, 24, 16), random.Random(format)
    started = time.monotonic()
    for _ in range(60):
        broken = bytearray(data)
        for _ in range(3):
            broken[chance.randrange(min(len(data), 200) if chance.random() < 0.7 else len(data))] ^= (
                1 << chance.randrange(8)
            )
        try:
            render(bytes(broken), width=20, height=20)
        except BadInput:
            continue
    assert time.monotonic() - started < 30


@pytest.mark.parametrize(
    "data",
    [
        struct.pack("<2sI4xI3I2H6I", b"BM", 54, 54, 40, 60_000, 60_000, 1, 24, 1, 0, 0, 0, 0, 0),
        b"qoif" + struct.pack(">2I2B", 60_000, 60_000, 4, 0) + bytes(8),
        b"P6 60000 60000 255\n",
        b"P3 5000 5000 255\n",
        b"P6 5000 5000 1000\n",
        struct.pack(">4sH6xHIIHH", b"8BPS", 1, 3, 30_000, 30_000, 8, 3) + bytes(30),
        struct.pack("<3B5x4x2H2B", 0, 0, 2, 60_000, 60_000, 24, 0) + bytes(8) + b"TRUEVISION-XFILE.\0",
        b"\xff\x4f\xff\x51" + struct.pack(">2H8IH", 47, 0, 60_000, 60_000, 0, 0, 60_000, 60_000, 0, 0, 3) + bytes(9),
    ],
    ids=["bmp", "qoi", "pnm", "slow", "odd", "psd", "tga", "jp2"],
)
def test_a_bomb_is_refused_by_its_header(data: bytes) -> None:
    """A few bytes that announce gigapixels, or more than a slow decoder may have, never reach a decoder."""
    big = VipsEngine(LIMITS.__class__(2**25, 2**40, 2**40, 1000), tuple(ImageFormat))
    with patch.object(pillow, "read", side_effect=AssertionError("decoded")), pytest.raises(TooManyPixels):
        big.probe(data)


@pytest.mark.parametrize(
    "data",
    [
        struct.pack("<2sI4xI3I2H6I", b"BM", 54, 54, 40, 0, 5, 1, 24, 0, 0, 0, 0, 0, 0),
        struct.pack("<2sI4xI3I2H6I", b"BM", 54, 54, 40, 500, 500, 1, 24, 0, 0, 0, 0, 0, 0),
        b"qoif" + struct.pack(">2I2B", 0, 5, 4, 0),
        b"P6 0 5 255\n",
        b"P6 5 5 70000\n" + bytes(99),
        b"P5 9",
        struct.pack(">4sH6xHIIHH", b"8BPS", 1, 3, 0, 5, 8, 3) + bytes(30),
        struct.pack(">4sH6xHIIHH", b"8BPS", 1, 2, 5, 5, 8, 3) + bytes(30),
        struct.pack("<3B5x4x2H2B", 0, 0, 2, 0, 5, 24, 0) + bytes(8) + b"TRUEVISION-XFILE.\0",
        b"\xff\x4f\xff\x51" + struct.pack(">2H8IH", 47, 0, 9, 9, 9, 0, 9, 9, 0, 0, 3) + bytes(9),
        b"\xff\x4f\xff\x51" + struct.pack(">2H8IH", 47, 0, 9, 9, 0, 0, 0, 9, 0, 0, 3) + bytes(9),
        b"\xff\x4f\xff\x51" + struct.pack(">2H8IH", 47, 0, 999, 999, 0, 0, 1, 1, 0, 0, 3) + bytes(9),
        b"\0\0\0\x0cjP  \r\n\x87\n" + struct.pack(">I4s", 99, b"jp2c"),
        b"\0\0\0\x0cjP  \r\n\x87\n" + struct.pack(">I4s", 8, b"free") * 2000,
        b"\0\0\1\0\1\0" + struct.pack("<4B2H2I", 9, 9, 0, 0, 1, 32, 2**31, 22) + bytes(40),
        b"\0\0\1\0\1\0\1\1\0\0",
        samples.psd(images.photo(8, 8), resources=samples.psd_resource(1, b"") * 2000),
    ],
)
def test_a_header_that_lies_is_damage(data: bytes) -> None:
    """No pixels, more than the file can hold, parts outside of it, or thousands of them."""
    with pytest.raises(CorruptImage):
        ENGINE.probe(data)


@pytest.mark.parametrize(
    "data",
    [
        struct.pack("<2sI4xI3I2H6I", b"BM", 54, 54, 40, 5, 5, 1, 0, 4, 0, 0, 0, 0, 0) + images.photo_jpeg(5, 5),
        samples.psd(images.photo(8, 8), bits=16),
        struct.pack("<3B5x4x2H2B", 0, 0, 32, 5, 5, 24, 0) + bytes(8) + b"TRUEVISION-XFILE.\0",
        b"\xff\x4f\xff\x51" + struct.pack(">2H8IH", 47, 0, 9, 9, 0, 0, 9, 9, 0, 0, 300) + bytes(9),
    ],
    ids=["jpeg-in-bmp", "psd-of-16-bits", "tga-by-trees", "jp2-of-300-bands"],
)
def test_variants_that_are_not_read_are_named(data: bytes) -> None:
    """They are sound, but not for us: 415 and not 422."""
    with pytest.raises(UnsupportedImage):
        ENGINE.probe(data)


def test_old_and_odd_headers_are_read() -> None:
    """BMP of OS/2, rows from the top, transparency by masks; boxes of 64 bits and to the end of the file."""
    os2 = struct.pack("<2sI4xI1I4H", b"BM", 38, 26, 12, 2, 2, 1, 24) + bytes(12) + bytes(4)
    assert ENGINE.probe(os2).size == Size(2, 2)
    from_top = struct.pack("<2sI4xI1I2i2H6I", b"BM", 54, 54, 40, 2, -2, 1, 24, 0, 0, 0, 0, 0, 0) + bytes(16)
    assert ENGINE.probe(from_top).size == Size(2, 2)
    masks = struct.pack("<4I", 0xFF0000, 0xFF00, 0xFF, 0xFF000000)
    clear = struct.pack("<2sI4xI1I2i2H6I", b"BM", 70, 70, 56, 2, 2, 1, 32, 3, 0, 0, 0, 0, 0) + masks + bytes(16)
    assert headers.announced(clear, ImageFormat.BMP).alpha
    jp2 = samples.sample(ImageFormat.JP2, 8, 8)
    at = jp2.index(b"jp2c") - 4
    assert ENGINE.probe(jp2[:at] + bytes(4) + jp2[at + 4 :]).size == Size(8, 8)
    wide = struct.pack(">I4sQ", 1, b"jp2c", len(jp2) - at + 8)
    assert ENGINE.probe(jp2[:at] + wide + jp2[at + 8 :]).size == Size(8, 8)
    with pytest.raises(CorruptImage):
        ENGINE.probe(jp2.replace(struct.pack(">2I", 8, 8), struct.pack(">2I", 9, 8), 1))


def test_another_size_inside_is_damage() -> None:
    """What the decoder finds has to be what was checked against the limits."""
    data = samples.sample(ImageFormat.QOI, 16, 16)
    with pytest.raises(CorruptImage):
        pillow.read(data, Header(ImageFormat.QOI, Size(8, 8), 1, False))


def test_too_little_memory_is_said_as_such() -> None:
    """It is not the image's fault."""
    header = ENGINE.probe(data := samples.sample(ImageFormat.BMP, 16, 16))
    with patch.object(pillow, "_raster", side_effect=MemoryError), pytest.raises(MemoryLimitExceeded):
        pillow.read(data, header)


def test_pillow_is_told_one_format() -> None:
    """A JPEG behind another format's header is damage: no other reader of Pillow's is tried."""
    for format in BY_PILLOW:
        with pytest.raises(CorruptImage):
            pillow.read(images.photo_jpeg(16, 16), Header(format, Size(16, 16), 1, False))
