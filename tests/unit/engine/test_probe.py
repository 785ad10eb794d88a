"""Probing: the header alone, by the loader of the sniffed format alone."""

import time

import pytest

from imagemill.domain.formats import ImageFormat
from imagemill.domain.geometry import Size
from imagemill.domain.header import Header
from imagemill.engine import vips
from imagemill.errors import CorruptImage, TooManyPixels, UnsupportedImage
from tests import images
from tests.unit.engine.rendering import ENGINE, LIMITS, render

HOLDS_ALPHA = [format for format in images.READABLE if format is not ImageFormat.JPEG]


@pytest.mark.parametrize("format", images.READABLE)
def test_a_header_tells_format_and_size(format: ImageFormat) -> None:
    """Each format's header is read: size, one frame, no alpha."""
    assert ENGINE.probe(images.encoded(format, 60, 40)) == Header(format, Size(60, 40), frames=1, alpha=False)


@pytest.mark.parametrize("format", HOLDS_ALPHA)
def test_a_header_tells_alpha(format: ImageFormat) -> None:
    """A transparency channel shows, as a real bool."""
    assert ENGINE.probe(images.encoded(format, 60, 40, alpha=True)).alpha is True


@pytest.mark.parametrize("orientation", range(1, 9))
def test_size_is_what_a_viewer_shows(orientation: int) -> None:
    """The size is given after the EXIF orientation is applied."""
    assert ENGINE.probe(images.oriented_jpeg(60, 40, orientation)).size == Size(60, 40)


@pytest.mark.parametrize("format", [ImageFormat.GIF, ImageFormat.WEBP])
def test_frames_are_counted(format: ImageFormat) -> None:
    """An animation tells how many frames it has, and the size of one."""
    header = ENGINE.probe(images.animated(format, 30, 20, frames=5))
    assert (header.frames, header.size) == (5, Size(30, 20))


def test_pages_are_counted() -> None:
    """A TIFF's pages count as frames, so that the pixel limit sees them all."""
    assert ENGINE.probe(images.tiff_pages(30, 20, pages=3)).frames == 3


@pytest.mark.parametrize("as_bytes", [bytes, bytearray, memoryview])
def test_any_bytes_will_do(as_bytes: type) -> None:
    """A file may be held as bytes, bytearray or a view of a mapped file."""
    data = as_bytes(images.photo_jpeg(60, 40))
    assert ENGINE.probe(data).size == Size(60, 40)
    assert render(data, width=30).size == Size(30, 20)


@pytest.mark.parametrize(
    "data",
    [
        b"x",
        b"hello, world, this is no image at all",
        b"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>",
        b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>",
        b"1,2,3\n4,5,6\n",
        b"3 2\n1 2 3\n4 5 6\n",
        b"\xb6\xa6\xf2\x08" + bytes(60),
        b"MATLAB 5.0 MAT-file" + bytes(200),
        b"%PDF-1.7\n",
        b"P7 1 1 255 abc",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>" + images.photo_jpeg(16, 16),
    ],
)
def test_other_types_are_refused(data: bytes) -> None:
    """What is none of the formats served is refused by its first bytes, also with an image hidden behind them."""
    with pytest.raises(UnsupportedImage, match="none of JPEG, PNG, WEBP, AVIF, GIF, TIFF, JP2, BMP"):
        ENGINE.probe(data)


@pytest.mark.parametrize("format", images.READABLE)
def test_a_signature_alone_is_no_image(format: ImageFormat) -> None:
    """A file that only begins like an image is damaged; the message echoes nothing of it or of libvips."""
    with pytest.raises(CorruptImage) as caught:
        ENGINE.probe(images.encoded(format, 16, 16)[:32])
    assert caught.value.detail == "The image is damaged or cut short."


def test_a_signature_does_not_open_another_loader() -> None:
    """Behind the signature of one format, the bytes of another are damage: no loader is chosen by content."""
    with pytest.raises(CorruptImage):
        ENGINE.probe(b"\x89PNG\r\n\x1a\n" + images.photo_jpeg(16, 16))


def test_a_pixel_bomb_is_refused_before_decoding() -> None:
    """A file of 74 bytes that announces 3.6 gigapixels is probed and refused at once."""
    bomb = images.png_bomb()
    started = time.monotonic()
    assert ENGINE.probe(bomb).size == Size(60_000, 60_000)
    with pytest.raises(TooManyPixels):
        render(bomb)
    assert time.monotonic() - started < 1


def test_many_frames_count_against_the_limit() -> None:
    """A GIF's reader counts fast, so its frames are checked when it has."""
    header = ENGINE.probe(images.gif_of_frames(200_000))
    assert header.frames == 200_000
    with pytest.raises(TooManyPixels, match="1,000 frames"):
        LIMITS.check_header(header)


@pytest.mark.parametrize("data", [images.webp_of_frames(30_000), images.tiff_of_pages(30_000)], ids=["webp", "tiff"])
def test_many_frames_are_refused_before_they_are_read(data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """libwebp takes a second for 30,000 frames and minutes for 700,000, so it never sees them; nor does libtiff."""
    monkeypatch.setattr(vips, "open", lambda *_: pytest.fail("the file was opened"))
    with pytest.raises(TooManyPixels, match="1,000 frames"):
        ENGINE.probe(data)


def test_more_bands_than_a_picture_has_are_refused() -> None:
    """A TIFF may announce thousands of bands; five are the most that a picture needs."""
    assert ENGINE.probe(images.tiff_bands(8, 8, bands=5)).size == Size(8, 8)
    with pytest.raises(UnsupportedImage, match="bands"):
        ENGINE.probe(images.tiff_bands(8, 8, bands=6))


def test_a_jpeg_of_too_many_scans_is_refused_fast() -> None:
    """Each scan is a pass over all pixels: past 64 a JPEG is refused, without decoding one."""
    data = images.jpeg_of_scans(100)
    started = time.monotonic()
    with pytest.raises(CorruptImage, match="scans"):
        ENGINE.probe(data)
    assert time.monotonic() - started < 1
