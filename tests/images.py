"""Images for tests, made on the spot from a seed: the same arguments always give the same bytes.

Made with numpy and Pillow, never with libvips, so that what tests libvips does not lean on it.
"""

import struct
import zlib
from collections.abc import Sequence
from io import BytesIO

import numpy as np
from PIL import Image, ImageCms, PngImagePlugin

from imagemill.domain.formats import ImageFormat

ORIENTATION = 0x0112
"""EXIF tag: how the camera was held, 1…8."""
GPS_IFD = 0x8825
"""EXIF tag: where the picture was taken."""
READABLE = [
    ImageFormat.JPEG,
    ImageFormat.PNG,
    ImageFormat.WEBP,
    ImageFormat.AVIF,
    ImageFormat.GIF,
    ImageFormat.TIFF,
]
"""Formats that libvips reads and writes; for all others see `samples.py`."""
OWNER = "(c) Ada Lovelace 1843"
"""What `credited` writes as the copyright."""
MAKER = "imagemill test camera"
"""What `with_metadata` writes as the camera's maker: a text to look for in outputs."""


def photo(width: int, height: int, seed: int = 0) -> Image.Image:
    """A picture that is as busy as a photograph at every scale, so that codecs find it neither easy nor hard."""
    random = np.random.default_rng(seed)
    pixels = np.zeros((height, width, 3), np.float32)
    weight, grid = 90.0, 3
    while grid < max(width, height):
        rows, columns = (max(2, -(-side * grid // max(width, height))) for side in (height, width))
        for band in range(3):
            waves = Image.fromarray(random.standard_normal((rows, columns), np.float32))
            pixels[..., band] += weight * np.asarray(waves.resize((width, height), Image.Resampling.BICUBIC))
        weight, grid = weight * 0.66, grid * 2
    return Image.fromarray(np.clip(pixels * 0.6 + 120, 0, 255).astype(np.uint8))


def photo_jpeg(width: int, height: int, seed: int = 0, quality: int = 90, **options: object) -> bytes:
    """A photograph as JPEG; `options` go to Pillow's encoder (`progressive`, `exif`, `icc_profile`, …)."""
    return saved(photo(width, height, seed), ImageFormat.JPEG, quality=quality, **options)


def photo_png(width: int, height: int, seed: int = 0, *, alpha: bool = False) -> bytes:
    """A photograph as PNG; with `alpha`, opaque at the left edge and clear at the right."""
    picture = photo(width, height, seed)
    return saved(_faded(picture) if alpha else picture, ImageFormat.PNG, compress_level=1)


def encoded(format: ImageFormat, width: int, height: int, *, alpha: bool = False, seed: int = 0) -> bytes:
    """A photograph in a format; with `alpha`, fading out to the right; GIF with a clear half, JPEG never."""
    picture = photo(width, height, seed)
    if format is ImageFormat.GIF:
        indexed = picture.quantize(63)
        if not alpha:
            return saved(indexed, ImageFormat.GIF)
        indexed.paste(63, (width // 2, 0, width, height))
        return saved(indexed, ImageFormat.GIF, transparency=63)
    if alpha and format is not ImageFormat.JPEG:
        picture = _faded(picture)
    return saved(picture, format, **_ENCODING.get(format, {}))


def animated(format: ImageFormat, width: int, height: int, frames: int = 3, **options: object) -> bytes:
    """An animation of plain frames, red first, then green, then blue, and so on; GIF, WebP or PNG.

    `options` go to Pillow's encoder.
    """
    colours = [(255, 0, 0), (0, 255, 0), (0, 0, 255)]
    pictures = [Image.new("RGB", (width, height), colours[frame % 3]) for frame in range(frames)]
    options |= {"lossless": True} if format is ImageFormat.WEBP else {}
    return saved(pictures[0], format, save_all=True, append_images=pictures[1:], duration=100, loop=0, **options)


def moving(
    format: ImageFormat, delays_ms: Sequence[int], loop: int, *, width: int = 48, height: int = 32, alpha: bool = False
) -> bytes:
    """A photograph with a red square that moves on from frame to frame.

    Args:
        loop: as Pillow counts, 0 for ever; of AVIF it writes nothing else.
    """
    frames = []
    for number in range(len(delays_ms)):
        frame = _faded(photo(width, height)) if alpha else photo(width, height)
        frame.paste((255, 0, 0), (4 * number, 4, 4 * number + 8, 12))
        frames.append(frame)
    extra = _MOVING_ENCODING[format]
    return saved(frames[0], format, save_all=True, append_images=frames[1:], duration=[*delays_ms], loop=loop, **extra)


def delays_ms(data: bytes) -> list[int]:
    """How long each frame of a file is shown."""
    picture, found = Image.open(BytesIO(data)), []
    for number in range(getattr(picture, "n_frames", 1)):
        picture.seek(number)
        picture.load()
        found.append(picture.info["duration"])
    return found


def quadrants(width: int, height: int) -> Image.Image:
    """Red and green above, blue and white below: shows how a picture was turned or cut."""
    pixels = np.zeros((height, width, 3), np.uint8)
    top, left = height // 2, width // 2
    pixels[:top, :left], pixels[:top, left:] = (255, 0, 0), (0, 255, 0)
    pixels[top:, :left], pixels[top:, left:] = (0, 0, 255), (255, 255, 255)
    return Image.fromarray(pixels)


def oriented(format: ImageFormat, width: int, height: int, orientation: int, **options: object) -> bytes:
    """A file that a viewer shows as `quadrants(width, height)`, stored turned the way its EXIF orientation undoes."""
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    shown = quadrants(width, height)
    stored = shown.transpose(undo[orientation]) if orientation in undo else shown
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    return saved(stored, format, exif=exif, **options)


def oriented_jpeg(width: int, height: int, orientation: int) -> bytes:
    """The same as JPEG, with colours that hardly bleed."""
    return oriented(ImageFormat.JPEG, width, height, orientation, quality=95, subsampling=0)


def with_metadata(format: ImageFormat, width: int, height: int) -> bytes:
    """A photograph that tells its camera and its place, with an sRGB profile; any format but GIF."""
    exif = Image.Exif()
    exif[0x010F] = MAKER
    exif.get_ifd(GPS_IFD).update({1: "N", 2: (48.0, 51.0, 29.0), 3: "E", 4: (2.0, 17.0, 40.0)})
    options: dict[str, object] = {"exif": exif, "icc_profile": srgb_profile()}
    if format is not ImageFormat.TIFF:
        options["xmp"] = f"<x:xmpmeta xmlns:x='adobe:ns:meta/'>{MAKER}</x:xmpmeta>".encode()
    return saved(photo(width, height), format, **options)


def credited(format: ImageFormat, width: int, height: int, *, orientation: int = 1, thumbnail: bool = False) -> bytes:
    """A photograph that tells its owner and its maker beside camera and place, in EXIF and in XMP."""
    exif = Image.Exif()
    exif.update({0x010F: MAKER, 0x8298: OWNER, 0x013B: "Ada", ORIENTATION: orientation})
    exif.get_ifd(GPS_IFD).update({1: "N", 2: (48.0, 51.0, 29.0), 3: "E", 4: (2.0, 17.0, 40.0)})
    exif.get_ifd(0x8769)[0xA001] = 0xFFFF
    small = "<xmp:Thumbnails xmlns:xmp='http://ns.adobe.com/xap/1.0/'>thumbnail</xmp:Thumbnails>" if thumbnail else ""
    xmp = (
        "<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>"
        "<rdf:Description xmlns:dc='http://purl.org/dc/elements/1.1/' xmlns:tiff='http://ns.adobe.com/tiff/1.0/'"
        f" tiff:Orientation='{orientation}' tiff:Make='{MAKER}'><dc:rights>{OWNER}</dc:rights>"
        f"<tiff:City>Paris</tiff:City>{small}</rdf:Description></rdf:RDF></x:xmpmeta>"
    ).encode()
    option = {"pnginfo": _png_text(xmp)} if format is ImageFormat.PNG else {"xmp": xmp}
    return saved(photo(width, height), format, exif=exif, **option)


def _png_text(xmp: bytes) -> PngImagePlugin.PngInfo:
    info = PngImagePlugin.PngInfo()
    info.add_itxt("XML:com.adobe.xmp", xmp.decode())
    return info


def grey_profile() -> bytes:
    """An ICC profile for one band, of gamma 2.2: header, three tags, no more."""
    curve = b"curv" + struct.pack(">4xIH2x", 1, round(2.2 * 256))
    white = b"XYZ " + struct.pack(">4x3i", 0xF6D6, 0x10000, 0xD32D)
    name = b"desc" + struct.pack(">4xI", 5) + b"grey\0" + bytes(78)
    tags, at, body = b"", 128 + 4 + 36, b""
    for signature, data in ((b"desc", name), (b"wtpt", white), (b"kTRC", curve)):
        data += bytes(-len(data) % 4)  # noqa: PLW2901
        tags += signature + struct.pack(">2I", at + len(body), len(data))
        body += data
    head = struct.pack(">I4xI4s4s4s12x4s", at + len(body), 0x02400000, b"mntr", b"GRAY", b"XYZ ", b"acsp")
    head = head.ljust(68, b"\0") + struct.pack(">3i", 0xF6D6, 0x10000, 0xD32D)
    return head.ljust(128, b"\0") + struct.pack(">I", 3) + tags + body


def srgb_profile() -> bytes:
    """An sRGB profile."""
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def swapped_profile() -> bytes:
    """A valid RGB profile in which red and green have changed places: whoever heeds it shows red as green."""
    profile = bytearray(srgb_profile())
    count = struct.unpack(">I", profile[128:132])[0]
    places = {bytes(profile[132 + 12 * i : 136 + 12 * i]): 132 + 12 * i for i in range(count)}
    red, green = places[b"rXYZ"], places[b"gXYZ"]
    profile[red : red + 4], profile[green : green + 4] = b"gXYZ", b"rXYZ"
    return bytes(profile)


def cmyk_jpeg(width: int, height: int) -> bytes:
    """A CMYK JPEG without profile, plain: a quarter cyan, no magenta, a strong yellow, no black: a light green."""
    return saved(Image.new("CMYK", (width, height), (64, 0, 230, 0)), ImageFormat.JPEG, quality=95)


def grey_jpeg(width: int, height: int) -> bytes:
    """A JPEG of one band."""
    return saved(photo(width, height).convert("L"), ImageFormat.JPEG, quality=90)


def grey_png(width: int, height: int, *, alpha: bool = False) -> bytes:
    """A PNG of one band, or of two with alpha."""
    grey = photo(width, height).convert("L")
    return saved(_faded(grey.convert("RGB")).convert("LA") if alpha else grey, ImageFormat.PNG)


def palette_png(width: int, height: int) -> bytes:
    """A PNG of 16 colours by index, one of them clear."""
    return saved(photo(width, height).quantize(16), ImageFormat.PNG, transparency=0)


def png_16_bit(width: int, height: int, *, colour: tuple[int, ...] = (65535, 32768, 0)) -> bytes:
    """A PNG of 16 bits a channel, plain, in a colour of three values 0…65535, or four with alpha."""
    row = b"\x00" + struct.pack(f">{len(colour)}H", *colour) * width
    return _png(width, height, row * height, bit_depth=16, colour_type=2 if len(colour) == 3 else 6)


def png_bomb(side: int = 60_000) -> bytes:
    """A PNG of a few hundred bytes whose header announces side × side pixels."""
    return _png(side, side, b"\x00" * 1024)


def gif_of_frames(frames: int, side: int = 8) -> bytes:
    """A GIF of many frames, a few bytes each."""
    still = saved(Image.new("P", (side, side), 1), ImageFormat.GIF)
    flags = still[10]
    head = 13 + (3 << ((flags & 7) + 1) if flags & 0x80 else 0)
    return still[:head] + still[head:-1] * frames + b";"


def webp_of_frames(frames: int, side: int = 8) -> bytes:
    """An animated WebP of many frames, a few bytes each."""
    data = animated(ImageFormat.WEBP, side, side, frames=2)
    first, second = data.index(b"ANMF"), data.rindex(b"ANMF")
    body = data[8:first] + data[first:second] * frames
    return b"RIFF" + struct.pack("<I", len(body)) + body


def avif_of_frames(frames: int, side: int = 8, **options: object) -> bytes:
    """An AVIF sequence of many frames, a few bytes each; `options` go to Pillow's encoder (`xmp`, …)."""
    pictures = [Image.new("RGB", (side, side), (frame % 256, 0, 0)) for frame in range(frames)]
    extra = _MOVING_ENCODING[ImageFormat.AVIF]
    return saved(
        pictures[0], ImageFormat.AVIF, save_all=True, append_images=pictures[1:], duration=100, **extra, **options
    )


def tiff_of_pages(pages: int, order: str = "<", *, big: bool = False) -> bytes:
    """A TIFF of many pages of one pixel, all in the same place; `order` is that of struct, `big` makes a BigTIFF."""
    count, entry, offset = ("Q", "2HQQ", "Q") if big else ("H", "2HII", "I")
    tags = {256: 1, 257: 1, 258: 8, 259: 1, 262: 1, 273: 0, 277: 1, 278: 1, 279: 1}
    kind = 16 if big else 4
    entries = b"".join(struct.pack(order + entry, tag, kind, 1, tags[tag]) for tag in tags)
    head = struct.pack(f"{order}2s2H", b"II" if order == "<" else b"MM", 42, 0)[:4]
    if big:
        head = head[:2] + struct.pack(f"{order}3H", 43, 8, 0)
    start = len(head) + struct.calcsize(order + offset)
    step = struct.calcsize(order + count) + len(entries) + struct.calcsize(order + offset)
    nexts = [*(start + step * page for page in range(1, pages)), 0]
    chain = (struct.pack(order + count, len(tags)) + entries + struct.pack(order + offset, at) for at in nexts)
    return head + struct.pack(order + offset, start) + b"".join(chain)


def tiff_of_tags(tags: int, value_bytes: int) -> bytes:
    """A TIFF of one pixel whose additional tags all have the same value, of so many bytes."""
    own = {256: 1, 257: 1, 258: 8, 259: 1, 262: 1, 273: 8, 277: 1, 278: 1, 279: 1}
    entries = [struct.pack("<2H2I", tag, 4, 1, value) for tag, value in own.items()]
    entries += [struct.pack("<2H2I", 40_000 + tag, 7, value_bytes, 8) for tag in range(tags)]
    head = b"II*\x00" + struct.pack("<I", 8 + value_bytes) + bytes(value_bytes)
    return head + struct.pack("<H", len(entries)) + b"".join(entries) + bytes(4)


def exif_of_pointers(count: int) -> bytes:
    """EXIF of one directory, each entry of which points to it, in turn as what is told of the picture and the place."""
    entries = b"".join(struct.pack("<2H2I", (0x8769, 0x8825)[number % 2], 4, 1, 8) for number in range(count))
    return b"II*\0" + struct.pack("<IH", 8, count) + entries + bytes(4)


def jpeg_of_scans(scans: int, side: int = 512) -> bytes:
    """A progressive JPEG that repeats its last scan until it has about this many."""
    data = photo_jpeg(side, side, progressive=True)
    last = data.rindex(b"\xff\xda")
    table = data.rfind(b"\xff\xc4", 0, last)
    scan = data[table:-2]
    return data[:-2] + scan * max(0, scans - data.count(b"\xff\xda")) + b"\xff\xd9"


def tiff_pages(width: int, height: int, pages: int) -> bytes:
    """A TIFF of several pages."""
    pictures = [photo(width, height, seed) for seed in range(pages)]
    return saved(pictures[0], ImageFormat.TIFF, save_all=True, append_images=pictures[1:], compression="tiff_lzw")


def tiff_bands(width: int, height: int, bands: int, photometric: int = 2) -> bytes:
    """A plain TIFF of any number of bands, band n having the value 40 × (n + 1); photometric 2 is RGB, 5 CMYK."""
    tags = {256: width, 257: height, 258: 8, 259: 1, 262: photometric, 273: 8, 277: bands, 278: height}
    tags[279] = width * height * bands
    entries = b"".join(struct.pack("<2H2I", tag, 4 if tag in (273, 279) else 3, 1, tags[tag]) for tag in tags)
    pixels = bytes(40 * (band + 1) % 256 for band in range(bands)) * (width * height)
    directory = struct.pack("<H", len(tags)) + entries + bytes(4)
    return b"II*\x00" + struct.pack("<I", 8 + len(pixels)) + pixels + directory


def disc_png(side: int) -> bytes:
    """A red disc on clear black, with hard edges: whoever mixes its colours without alpha darkens its rim."""
    x, y = np.meshgrid(np.arange(side), np.arange(side))
    inside = (x - side / 2) ** 2 + (y - side / 2) ** 2 < (side / 3) ** 2
    pixels = np.zeros((side, side, 4), np.uint8)
    pixels[inside] = (255, 0, 0, 255)
    return saved(Image.fromarray(pixels), ImageFormat.PNG)


def truncated(data: bytes, fraction: float) -> bytes:
    """The first part of a file, 0 < fraction < 1."""
    return data[: int(len(data) * fraction)]


def corrupted(data: bytes, fraction: float, length: int = 64) -> bytes:
    """A file in which `length` bytes from this point on are 0xFF 0x00 by turns."""
    start = int(len(data) * fraction)
    return data[:start] + (b"\xff\x00" * length)[:length] + data[start + length :]


def saved(picture: Image.Image, format: ImageFormat, **options: object) -> bytes:
    """A picture as a file; `options` go to Pillow's encoder."""
    file = BytesIO()
    picture.save(file, pillow_name(format), **options)
    return file.getvalue()


def pillow_name(format: ImageFormat) -> str:
    """What Pillow calls a format."""
    return "JPEG2000" if format is ImageFormat.JP2 else format.value.upper()


def opened(data: bytes) -> Image.Image:
    """The picture in a file, decoded whole by Pillow: the second opinion."""
    picture = Image.open(BytesIO(data))
    picture.load()
    return picture


_ENCODING: dict[ImageFormat, dict[str, object]] = {
    ImageFormat.JPEG: {"quality": 90},
    ImageFormat.PNG: {"compress_level": 1},
    ImageFormat.WEBP: {"quality": 85, "method": 0},
    ImageFormat.AVIF: {"quality": 70, "speed": 10, "max_threads": 1},
    ImageFormat.TIFF: {"compression": "tiff_lzw"},
}
_MOVING_ENCODING: dict[ImageFormat, dict[str, object]] = {
    ImageFormat.WEBP: {"lossless": True},
    ImageFormat.GIF: {"disposal": 2},
    ImageFormat.AVIF: {"quality": 95, "speed": 10, "max_threads": 1},
}


def _faded(picture: Image.Image) -> Image.Image:
    alpha = np.linspace(255, 0, picture.width).round().astype(np.uint8)
    picture = picture.copy()
    picture.putalpha(Image.fromarray(np.tile(alpha, (picture.height, 1))))
    return picture


def _png(width: int, height: int, rows: bytes, *, bit_depth: int = 8, colour_type: int = 2) -> bytes:
    header = struct.pack(">2I5B", width, height, bit_depth, colour_type, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )
