"""A TIFF's directories: its pages are counted, and tags that share their values are seen through."""

import pytest

from imagemill.domain.formats import ImageFormat
from imagemill.engine import vips
from imagemill.engine.directories import count_pages
from imagemill.errors import CorruptImage
from tests import images
from tests.unit.engine.rendering import ENGINE


@pytest.mark.parametrize("big", [False, True], ids=["classic", "big"])
@pytest.mark.parametrize("order", ["<", ">"])
def test_pages_are_counted(order: str, big: bool) -> None:
    """As many as libtiff finds, in both byte orders and both widths."""
    data = images.tiff_of_pages(30, order, big=big)
    assert count_pages(memoryview(data), enough=1000) == 30
    assert ENGINE.probe(data).frames == 30


def test_pages_that_another_program_wrote() -> None:
    """Pillow puts each page's directory where it likes, and its metadata too."""
    assert count_pages(images.tiff_pages(20, 10, pages=4), enough=1000) == 4
    assert count_pages(images.with_metadata(ImageFormat.TIFF, 20, 10), enough=1000) == 1


def test_pages_in_a_ring_end() -> None:
    """A page whose successor it is itself is counted until it is enough, or claims too much."""
    data = bytearray(images.tiff_of_pages(1))
    data[-4:] = data[4:8]
    with pytest.raises(CorruptImage):
        count_pages(data, enough=1000)
    assert count_pages(data, enough=1) == 2


def test_tags_have_room_in_the_file() -> None:
    """Large values are fine as long as each is there, also if two tags share one."""
    assert ENGINE.probe(images.tiff_of_tags(1, 100_000)).frames == 1
    assert count_pages(images.tiff_of_tags(2, 100_000), enough=1000) == 1


def test_tags_that_multiply_a_value_are_refused_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    """libtiff would copy the value for each of them, in every page."""
    monkeypatch.setattr(vips, "open", lambda *_: pytest.fail("the file was opened"))
    with pytest.raises(CorruptImage, match="claim"):
        ENGINE.probe(images.tiff_of_tags(400, 100_000))


def test_a_damaged_count_is_the_readers_business() -> None:
    """A tag that claims four gigabytes in a small file does not condemn it."""
    data = bytearray(images.tiff_of_tags(1, 1000))
    data[-12:-8] = b"\xff" * 4
    assert count_pages(data, enough=1000) == 1
