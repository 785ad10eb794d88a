"""Files that are meant to break whoever reads them. All from a seed, all small, none with code that does harm."""

import random
import struct
import zlib
from collections.abc import Iterator

from imagemill.domain.formats import ImageFormat
from tests import images

SIGNATURE = b"\x89PNG\r\n\x1a\n"
SCRIPT = b"<script>alert('polyglot')</script><?php echo 1; ?>"
"""What a polyglot carries: what must never come out again."""


def small(format: ImageFormat) -> bytes:
    """A whole file of few bytes, which those below are made from."""
    return images.encoded(format, 24, 16)


def cuts(data: bytes) -> Iterator[bytes]:
    """A file cut short at every byte, so at the end of every chunk, segment, box and entry too."""
    return (data[:length] for length in range(1, len(data)))


def flips(data: bytes, count: int, seed: int) -> Iterator[bytes]:
    """Copies of a file with one to eight bits turned over, half of them in the header, where they tell most."""
    chance = random.Random(seed)
    for number in range(count):
        broken = bytearray(data)
        for _ in range(chance.randint(1, 8)):
            broken[chance.randrange(min(len(data), 64) if number % 2 else len(data))] ^= 1 << chance.randrange(8)
        yield bytes(broken)


def bombs() -> dict[str, bytes]:
    """Small files that announce or unpack to a great deal."""
    photo = images.photo_jpeg(24, 16)
    zeros = zlib.compress(bytes(200 * 2**20), 9)
    return {
        "png of 60,000 × 60,000": images.png_bomb(),
        "png of 2³¹ - 1 pixels a side": _header_of_png(2**31 - 1, 2**31 - 1),
        "png of 9,000 × 9,000, of which nothing is there": _header_of_png(9000, 9000),
        "gif of 100,000 frames": images.gif_of_frames(100_000),
        "gif of 1,000 frames of 300 × 300": images.gif_of_frames(1000, side=300),
        "webp of 30,000 frames": images.webp_of_frames(30_000),
        "tiff of 30,000 pages": images.tiff_of_pages(30_000),
        "tiff of 60,000 bands": images.tiff_bands(1, 1, bands=60_000),
        "jpeg of 1,000 scans": images.jpeg_of_scans(1000, side=256),
        "jpeg of 60 scans": images.jpeg_of_scans(60, side=256),
        "png with a profile of 200 MiB": _png_with(b"iCCP", b"x\0\0" + zeros),
        "png with a text of 200 MiB": _png_with(b"zTXt", b"x\0\0" + zeros),
        "png with 20,000 texts": _png_with(b"tEXt", b"k\0v", times=20_000),
        "png with EXIF of 8 MiB": _png_with(b"eXIf", b"II*\0\x08\0\0\0" + bytes(2**23)),
        "jpeg with 300 segments of EXIF": _jpeg_with(0xE1, b"Exif\0\0II*\0\x08\0\0\0", photo, times=300),
        "jpeg with 255 parts of a profile": _jpeg_with(0xE2, b"ICC_PROFILE\0\x01\xff", photo, times=255),
        "jpeg with a picture in its comment, 200 times": _jpeg_with(0xFE, photo, photo, times=200),
        "jpeg with 200,000 empty segments": photo[:2] + b"\xff\xe1\0\2" * 200_000 + photo[2:],
        "jpeg with EXIF that points to itself": _jpeg_with(0xE1, b"Exif\0\0" + images.exif_of_pointers(200), photo),
        "png with EXIF that points to itself": _png_with(b"eXIf", images.exif_of_pointers(200)),
        "png with 40 texts of 40 MiB": _png_with(b"zTXt", b"x\0\0" + zlib.compress(bytes(40 * 2**20), 9), times=40),
    }


def zeroes() -> dict[str, bytes]:
    """Files whose header says that they have no width, no height, or neither."""
    gif, jpeg = bytearray(small(ImageFormat.GIF)), bytearray(small(ImageFormat.JPEG))
    webp, tiff = bytearray(small(ImageFormat.WEBP)), bytearray(images.tiff_bands(8, 8, bands=3))
    gif[6:10] = bytes(4)
    frame = gif.index(b"\x2c\0\0\0\0")
    gif[frame + 5 : frame + 9] = bytes(4)
    start = jpeg.index(b"\xff\xc0") + 5
    webp_start = webp.index(b"\x9d\x01\x2a") + 3
    entry = tiff.index(struct.pack("<2HI", 256, 3, 1)) + 8
    jpeg[start : start + 4] = webp[webp_start : webp_start + 4] = tiff[entry : entry + 4] = bytes(4)
    return {
        "png, no width": _header_of_png(0, 8),
        "png, no height": _header_of_png(8, 0),
        "gif": bytes(gif),
        "jpeg": bytes(jpeg),
        "webp": bytes(webp),
        "tiff": bytes(tiff),
    }


def polyglots() -> dict[str, bytes]:
    """Whole pictures that are something else as well."""
    jpeg, gif, png = (small(format) for format in (ImageFormat.JPEG, ImageFormat.GIF, ImageFormat.PNG))
    archive = b"PK\x05\x06" + bytes(18)
    return {
        "jpeg and script": _jpeg_with(0xFE, SCRIPT, jpeg),
        "jpeg and archive": jpeg + SCRIPT + archive,
        "gif and script": gif[:-1] + b"!\xfe" + bytes([len(SCRIPT)]) + SCRIPT + b"\0;",
        "png and page": _png_with(b"tEXt", b"Comment\0" + SCRIPT, whole=png),
        "png and document": png + b"%PDF-1.7\n" + SCRIPT,
    }


def strangers() -> dict[str, bytes]:
    """What pretends to be a picture by a little, and is none that is served."""
    jpeg = small(ImageFormat.JPEG)
    return {
        "a page": b"<!doctype html>" + SCRIPT,
        "a document with a picture in it": b"%PDF-1.4\n" + jpeg,
        "svg with a request to elsewhere": b"<svg xmlns='http://www.w3.org/2000/svg'><image href='file:///etc/passwd'/></svg>",
        "the head of one, the body of another": SIGNATURE + jpeg,
        "riff that is sound": b"RIFF\x24\0\0\0WAVEfmt " + bytes(32),
        "a film": b"\0\0\0\x18ftypisom\0\0\x02\0isomiso2" + bytes(64),
        "one byte": b"\xff",
        "nothing but zeros": bytes(4096),
    }


def _header_of_png(width: int, height: int) -> bytes:
    head = struct.pack(">2I5B", width, height, 8, 2, 0, 0, 0)
    return SIGNATURE + _chunk(b"IHDR", head) + _chunk(b"IDAT", zlib.compress(bytes(64))) + _chunk(b"IEND", b"")


def _png_with(kind: bytes, body: bytes, *, times: int = 1, whole: bytes = b"") -> bytes:
    # After the header, which is 33 bytes with the signature, as a profile has to be.
    whole = whole or small(ImageFormat.PNG)
    return whole[:33] + _chunk(kind, body) * times + whole[33:]


def _jpeg_with(marker: int, body: bytes, whole: bytes, *, times: int = 1) -> bytes:
    body = body.ljust(65_533, b"\0") if times > 1 else body
    return whole[:2] + (struct.pack(">2BH", 0xFF, marker, len(body) + 2) + body) * times + whole[2:]


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
