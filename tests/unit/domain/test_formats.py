"""Formats: told by their first bytes, whatever a file is called."""

import pytest

from imagemill.domain.formats import FACTS, MEDIA_TYPE_BY_EXTENSION, SNIFF_BYTES, ImageFormat, auto_format, sniff
from tests import images


@pytest.mark.parametrize("format", images.READABLE)
def test_a_file_shows_its_format_in_its_first_bytes(format: ImageFormat) -> None:
    """A real file of each format is told by `SNIFF_BYTES` bytes."""
    assert sniff(images.encoded(format, 16, 16)[:SNIFF_BYTES]) is format


@pytest.mark.parametrize(
    ("head", "format"),
    [
        (b"\xff\xd8\xff\xe1", ImageFormat.JPEG),
        (b"GIF87a", ImageFormat.GIF),
        (b"MM\x00*\x00\x00\x00\x08", ImageFormat.TIFF),
        (b"II+\x00\x08\x00\x00\x00", ImageFormat.TIFF),
        (b"\x00\x00\x00\x1cftypmif1\x00\x00\x00\x00mif1avifmiaf", ImageFormat.AVIF),
        (b"\x00\x00\x00\x1cftypavis\x00\x00\x00\x00avismsf1miaf", ImageFormat.AVIF),
    ],
)
def test_variants_are_told_too(head: bytes, format: ImageFormat) -> None:
    """Old GIF, both byte orders, BigTIFF, and AVIF behind a general brand are known."""
    assert sniff(head) is format


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"\xff\xd8",
        b"hello, world",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"%PDF-1.7",
        b"BM\x46\x00\x00\x00",
        b"8BPS\x00\x01",
        b"RIFF\x00\x00\x00\x00WAVEfmt ",
        b"\x00\x00\x00\x1cftypheic\x00\x00\x00\x00mif1heic",
        b"\x89PNG\n\x1a\n",
        b" \xff\xd8\xff",
        b"\x00\x00\x00\x1cxxxxavif",
    ],
)
def test_what_is_not_served_has_no_format(head: bytes) -> None:
    """Other types, damaged signatures and signatures in a wrong place are none."""
    assert sniff(head) is None


def test_auto_writes_the_sources_own_family() -> None:
    """`auto` keeps a format that can be written; a TIFF becomes what a browser shows."""
    assert auto_format(ImageFormat.WEBP, alpha=True) is ImageFormat.WEBP
    assert auto_format(ImageFormat.TIFF, alpha=False) is ImageFormat.JPEG
    assert auto_format(ImageFormat.TIFF, alpha=True) is ImageFormat.PNG
    assert auto_format(ImageFormat.JP2, alpha=False) is ImageFormat.JPEG
    assert auto_format(ImageFormat.GIF, alpha=True, lossless=True) is ImageFormat.WEBP
    assert auto_format(ImageFormat.PNG, alpha=True, lossless=True) is ImageFormat.PNG


def test_every_format_has_facts_and_an_extension_of_its_own() -> None:
    """The table is complete, and an extension names one media type."""
    assert set(FACTS) == set(ImageFormat)
    assert len(MEDIA_TYPE_BY_EXTENSION) == len(ImageFormat)
