"""One picture as a file of each format, and endless files of it that differ in nothing but their digest."""

import struct
import zlib
from collections.abc import Callable, Iterator, Mapping
from itertools import count

from benchmarks.client import Part
from benchmarks.images import variants
from imagemill.domain.formats import ImageFormat
from imagemill.engine import vips

FORMATS = ("jpeg", "png", "webp", "avif")
_NUMBER_BYTES = 16


def encoded(jpeg: bytes) -> dict[str, bytes]:
    """The pixels and the profile of a JPEG as a file of each format, at the quality of a good original."""
    picture = vips.in_memory(vips.open(jpeg, ImageFormat.JPEG))
    return {
        "jpeg": jpeg,
        "png": bytes(picture.pngsave_buffer(compression=4, keep="icc")),
        "webp": bytes(picture.webpsave_buffer(Q=90, effort=2, keep="icc")),
        "avif": bytes(picture.heifsave_buffer(compression="av1", Q=80, effort=0, bitdepth=8, keep="icc")),
    }


def as_of_a_phone(jpeg: bytes) -> bytes:
    """A JPEG with the profile of Display P3, which phones embed in their photographs.

    Source: ICC.1:2022, annex B.4 for where it lies in a JPEG.
    """
    profile = vips.in_p3(vips.open(jpeg, ImageFormat.JPEG)).get("icc-profile-data")
    told = b"ICC_PROFILE\0\1\1" + profile
    return jpeg[:2] + b"\xff\xe2" + struct.pack(">H", len(told) + 2) + told + jpeg[2:]


def numbered(file: bytes, format: str) -> Iterator[tuple[Part, Part]]:
    """Endless files with the same picture and each a number of its own, in two parts so that no copy is made."""
    return _NUMBERED[format](file)


def _png(file: bytes) -> Iterator[tuple[Part, Part]]:
    # Behind the signature and IHDR, the first chunk. Source: PNG, sections 5.3 and 11.3.4.3.
    head, rest = file[:33], memoryview(file)[33:]
    for number in count(1):
        chunk = b"tEXtComment\0%0*d" % (_NUMBER_BYTES, number)
        yield head + struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk)), rest


def _webp(file: bytes) -> Iterator[tuple[Part, Part]]:
    # A chunk that nobody knows, at the end. Source: RFC 9649, section 2.3; the size counts from its tenth byte on.
    tail_bytes = 8 + _NUMBER_BYTES
    body = file[:4] + struct.pack("<I", len(file) - 8 + tail_bytes) + file[8:]
    for number in count(1):
        yield memoryview(body), b"nmbr" + struct.pack("<I", _NUMBER_BYTES) + b"%0*d" % (_NUMBER_BYTES, number)


def _avif(file: bytes) -> Iterator[tuple[Part, Part]]:
    # A box of free space, at the end. Source: ISO/IEC 14496-12, section 8.1.2.
    for number in count(1):
        yield memoryview(file), struct.pack(">I", 8 + _NUMBER_BYTES) + b"free" + b"%0*d" % (_NUMBER_BYTES, number)


_NUMBERED: Mapping[str, Callable[[bytes], Iterator[tuple[Part, Part]]]] = {
    "jpeg": variants,
    "png": _png,
    "webp": _webp,
    "avif": _avif,
}
