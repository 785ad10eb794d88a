"""What reads bytes that a client has sent, before and beside libvips, as one function for a fuzzer to call.

Whatever the bytes are, each reader returns or refuses. Anything else that it raises is a finding.
"""

from imagemill.domain.formats import SNIFF_BYTES, sniff
from imagemill.domain.limits import Limits
from imagemill.engine.frames import count_frames
from imagemill.engine.pipeline import VipsEngine
from imagemill.engine.profile import is_srgb
from imagemill.engine.scans import count_scans
from imagemill.engine.texts import MAX_CHARACTERS, iptc_alone, read_credit, settled_xmp
from imagemill.errors import BadInput
from imagemill.web import imagedata

LIMITS = Limits(image_bytes=2**20, pixels=1_000_000, output_pixels=1_000_000, frames=100)
ENGINE = VipsEngine(LIMITS)


def consume(data: bytes) -> None:
    """Give the bytes to every reader that a client's bytes can reach. Raises what no client is to cause."""
    _as_image(data)
    _as_body(data)
    _as_texts(data)


def _as_image(data: bytes) -> None:
    format = sniff(data[:SNIFF_BYTES], data[-SNIFF_BYTES:])
    try:
        assert count_scans(data, 64) <= 65
        if format is not None:
            assert count_frames(data, format, LIMITS.frames) <= LIMITS.frames + 1
        LIMITS.check_header(ENGINE.probe(data))
    except BadInput:
        return
    assert format is not None, "what cannot be sniffed was opened"


def _as_body(data: bytes) -> None:
    try:
        _, encoded = imagedata.parse(bytearray(data))
        decoded = encoded.decode(LIMITS)
    except BadInput:
        return
    assert 0 < len(decoded) <= len(data)


def _as_texts(data: bytes) -> None:
    is_srgb(data)
    settled_xmp(data)
    iptc_alone(data)
    for credit in (read_credit(data, b"", b""), read_credit(b"", data, b""), read_credit(b"", b"", data)):
        assert len(credit.copyright) <= MAX_CHARACTERS
        credit.xmp().decode()
