"""Files of the formats that libvips does not read, and of rare kinds of those that it does; made on the spot."""

import struct
from base64 import b64decode
from io import BytesIO
from typing import Any

import numpy.typing as npt
from PIL import Image

from imagemill.domain.formats import ImageFormat
from imagemill.engine import vips
from imagemill.engine.raster import Raster
from tests import images

ARITHMETIC_JPEG = b64decode(
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAgGBgcGBQgHBwcJCQgKDBQNDAsLDBkSEw8UHRofHh0aHBwgJC4nICIsIxwcKDcpLDAxNDQ0Hyc5PTgyPC4z"
    "NDL/2wBDAQkJCQwLDBgNDRgyIRwhMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjL/yQARCAAQACADASIAAhEB"
    "AxEB/8wACgAQEAUBEBEF/9oADAMBAAIRAxEAPwD/ADVQVsLioP/Z"
)
"""32 × 16 pixels of (200, 60, 30), coded by cjpeg -arithmetic: Pillow writes none."""


def sample(format: ImageFormat, width: int, height: int, *, alpha: bool = False, seed: int = 0) -> bytes:
    """A photograph in any format but SVG; with `alpha` fading out to the right."""
    picture = images.photo(width, height, seed)
    if alpha:
        picture.putalpha(Image.linear_gradient("L").rotate(90).resize((width, height)))
    match format:
        case ImageFormat.ICO:
            return written(picture, "ICO", sizes=[(width, height)], bitmap_format="bmp")
        case ImageFormat.PSD:
            return psd(picture)
        case ImageFormat.PNM:
            return written(picture, "PPM")
        case ImageFormat.HEIC:
            return heic(picture)
        case _:
            return images.saved(picture, format)


def written(picture: Image.Image, format: str, **options: object) -> bytes:
    """A picture by any of Pillow's encoders."""
    file = BytesIO()
    picture.save(file, format, **options)
    return file.getvalue()


def heic(picture: Image.Image, **options: object) -> bytes:
    """A picture as HEIC."""
    import pillow_heif  # noqa: PLC0415 - slow to import

    pillow_heif.register_heif_opener()
    return written(picture, "HEIF", quality=80, **options)


def deep_avif(picture: Image.Image) -> bytes:
    """An AVIF of 10 bits a band, which Pillow does not write."""
    raster = Raster(picture.tobytes(), picture.width, picture.height, len(picture.getbands()))
    deep = {"compression": "av1", "bitdepth": 10, "effort": 0, "Q": 80}
    return vips.encode(vips.from_raster(raster), "heifsave_buffer", deep)


def cut_avif(picture: Image.Image, width: int, height: int, *, essential: bool = True) -> bytes:
    """An AVIF of which only the top left is to be seen; Pillow does not write what says so.

    Args:
        picture: all that is stored.
        width: of what is to be seen.
        height: likewise.
        essential: whether readers are told that they must heed it, as they have to be.

    Source: ISO/IEC 14496-12, section 12.1.4 (clap); 23008-12, section 9.3.1 (ipma).
    """
    # A property of another kind that takes as many bytes makes room for it.
    profile = bytes(28)
    data = written(picture, "AVIF", quality=90, icc_profile=profile)
    clean = struct.pack(">IIIIiIiI", width, 1, height, 1, width - picture.width, 2, height - picture.height, 2)
    data = data.replace(b"colrprof" + profile, b"clap" + clean)
    count = data.index(b"ipma") + 14
    first, end = count + 1, count + 1 + data[count]
    return data[:first] + bytes(byte | 0x80 * essential for byte in data[first:end]) + data[end:]


def psd(picture: Image.Image, *, layers: int | None = None, resources: bytes = b"", bits: int = 8) -> bytes:
    """The composite of a Photoshop file, without packing.

    Args:
        picture: L, P, RGB, RGBA or CMYK.
        layers: the number that it tells; left out, -1 where there is alpha, which is Photoshop's word for transparency.
        resources: that it carries.
        bits: that it announces.
    """
    mode = {"L": 1, "P": 2, "RGB": 3, "RGBA": 3, "CMYK": 4}[picture.mode]
    told = layers if layers is not None else -1 if picture.mode == "RGBA" else 0
    bands = picture.split()
    palette = bytes(picture.getpalette() or b"").ljust(768, b"\0") if mode == 2 else b""
    colours = b"".join(palette[band::3] for band in range(3))
    head = struct.pack(">4sH6xHIIHH", b"8BPS", 1, len(bands), picture.height, picture.width, bits, mode)
    layer_info = struct.pack(">IIh2x", 8, 4, told)
    planes = (band.tobytes() if mode != 4 else bytes(255 - value for value in band.tobytes()) for band in bands)
    parts = (struct.pack(">I", len(part)) + part for part in (colours, resources))
    return head + b"".join(parts) + layer_info + b"\0\0" + b"".join(planes)


def psd_resource(number: int, data: bytes) -> bytes:
    """A resource of a Photoshop file; 1039 is its colour profile."""
    return b"8BIM" + struct.pack(">H2xI", number, len(data)) + data + bytes(len(data) % 2)


def ycck_jpeg(width: int, height: int) -> bytes:
    """The colour of `images.cmyk_jpeg`, with its inks stored as luminance and differences, as Photoshop does."""
    stored = (*Image.new("RGB", (1, 1), (64, 0, 230)).convert("YCbCr").getpixel((0, 0)), 255)
    picture = Image.new("CMYK", (width, height), tuple(255 - value for value in stored))
    data = bytearray(written(picture, "JPEG", quality=95))
    data[data.index(b"Adobe") + 11] = 2
    return bytes(data)


def gain_map_jpeg(width: int, height: int) -> bytes:
    """A photograph with a second JPEG behind it, as phones write for screens of high range."""
    return images.photo_jpeg(width, height) + images.grey_jpeg(width // 2, height // 2)


def tiled_tiff() -> bytes:
    """A TIFF of 32 × 16 pixels in two tiles: red at the left, blue at the right."""
    tiles = bytes((255, 0, 0)) * 256 + bytes((0, 0, 255)) * 256
    values = {256: 32, 257: 16, 259: 1, 262: 2, 277: 3, 322: 16, 323: 16}
    entries = {tag: struct.pack("<2H2I", tag, 3, 1, value) for tag, value in values.items()}
    lists = struct.pack("<3H", 8, 8, 8) + struct.pack("<4I", 30, 30 + 768, 768, 768)
    entries[258] = struct.pack("<2H2I", 258, 3, 3, 8)
    entries[324] = struct.pack("<2H2I", 324, 4, 2, 14)
    entries[325] = struct.pack("<2H2I", 325, 4, 2, 22)
    directory = struct.pack("<H", len(entries)) + b"".join(entries[tag] for tag in sorted(entries)) + bytes(4)
    return b"II*\0" + struct.pack("<I", 30 + len(tiles)) + lists + tiles + directory


def svg(inner: str = "", attributes: str = "viewBox='0 0 24 24'") -> bytes:
    """A drawing with this in it, or a red disc."""
    inner = inner or "<circle cx='12' cy='12' r='10' fill='#f00'/>"
    return f"<svg xmlns='http://www.w3.org/2000/svg' {attributes}>{inner}</svg>".encode()


def tiff(numbers: npt.NDArray[Any], *, compression: int = 1, profile: bytes = b"", inks: bool = False) -> bytes:
    """A TIFF of any kind of numbers, (height, width, bands): grey or RGB, or inks, with alpha if a band is over; not
    packed."""
    height, width, bands = numbers.shape
    body, kind = numbers.tobytes(), {"u": 1, "i": 2, "f": 3}[numbers.dtype.kind]
    shorts = {256: [width], 257: [height], 258: [8 * numbers.dtype.itemsize] * bands, 259: [compression]}
    shorts |= {262: [5 if inks else 2 if bands > 2 else 1], 277: [bands], 278: [height], 339: [kind] * bands}
    if bands in ((5,) if inks else (2, 4)):
        shorts[338] = [2]
    values = {tag: (3, len(found), struct.pack(f"<{len(found)}H", *found)) for tag, found in shorts.items()}
    values |= {273: (4, 1, struct.pack("<I", 8)), 279: (4, 1, struct.pack("<I", len(body)))}
    if profile:
        values[34675] = (7, len(profile), profile)
    lists, entries = b"", b""
    for tag in sorted(values):
        form, count, value = values[tag]
        at = value.ljust(4, b"\0") if len(value) <= 4 else struct.pack("<I", 8 + len(body) + len(lists))
        entries += struct.pack("<2HI", tag, form, count) + at
        lists += value + bytes(len(value) % 2) if len(value) > 4 else b""
    head = b"II*\0" + struct.pack("<I", 8 + len(body) + len(lists))
    return head + body + lists + struct.pack("<H", len(values)) + entries + bytes(4)
