"""Formats: told by their first bytes, whatever a file is called."""

import pytest

from imagemill.domain.formats import FACTS, MEDIA_TYPE_BY_EXTENSION, SNIFF_BYTES, TAKEN, ImageFormat, auto_format, sniff
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
        (b"\x00\x00\x00\x1cftypheic\x00\x00\x00\x00mif1heic", ImageFormat.HEIC),
        (b"\xff\x4f\xff\x51", ImageFormat.JP2),
        (b"8BPS\x00\x01", ImageFormat.PSD),
        (b"P1\n# made by hand\n2 2\n", ImageFormat.PNM),
        (b"\xef\xbb\xbf\n<svg xmlns='http://www.w3.org/2000/svg'/>", ImageFormat.SVG),
        (b"<?xml version='1.0'?><anything/>", ImageFormat.SVG),
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
        b"%PDF-1.7",
        b"BM\x46\x00\x00\x00",
        b"BM is how this letter begins, and no bitmap",
        b"8BPS\x00\x02",
        b"\x00\x00\x01\x00\x00\x00" + bytes(20),
        b"\x00\x00\x02\x00\x01\x00" + bytes(20),
        b"P7 1 1",
        b"P5ych0",
        b"qoif" + bytes(8) + b"\x05",
        b"<html><svg/></html>",
        b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isomheic",
        b"RIFF\x00\x00\x00\x00WAVEfmt ",
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
    """The table is complete, extensions are different, and outputs have those of what is written only."""
    assert set(FACTS) == set(ImageFormat)
    assert len({facts.extension for facts in FACTS.values()}) == len(ImageFormat)
    assert len(MEDIA_TYPE_BY_EXTENSION) == sum(facts.writable for facts in FACTS.values())


def test_a_tga_is_told_by_its_end() -> None:
    """It has no signature in front; what has one is what that says, whatever stands at the end."""
    footer = bytes(8) + b"TRUEVISION-XFILE.\x00"
    assert sniff(bytes(18), footer) is ImageFormat.TGA
    assert sniff(b"\xff\xd8\xff\xe1", footer) is ImageFormat.JPEG
    assert sniff(bytes(18), footer[:-1]) is None


def test_what_is_taken_by_choice_only() -> None:
    """Unless named, drawings and HEIC are not taken in; everything else is."""
    assert set(ImageFormat) - set(TAKEN) == {ImageFormat.SVG, ImageFormat.HEIC}


def test_formats_that_are_not_written_have_no_dials() -> None:
    """Options of a file belong to what is written."""
    assert all(facts.writable or not facts.dials for facts in FACTS.values())
