"""Reading a body: all of it, in place, and never more than it may have."""

from io import BytesIO

import pytest
from flask import Request
from werkzeug.exceptions import RequestTimeout
from werkzeug.test import EnvironBuilder

from imagemill.errors import ImageTooLarge, MalformedRequest
from imagemill.web.bounded import BoundedBody


class CountingStream(BytesIO):
    """A stream that knows how much of it was taken, and hands it out in small pieces."""

    taken = 0

    def read(self, size: int | None = -1) -> bytes:
        piece = super().read(min(size or 0, 7) if size and size > 0 else 7)
        self.taken += len(piece)
        return piece


def body(stream: BytesIO, length: int | None, limit: int) -> BoundedBody:
    """A bounded body as a server hands it over; without a length it is chunked."""
    environ = EnvironBuilder(method="POST").get_environ()
    environ["wsgi.input"] = stream
    environ["wsgi.input_terminated"] = True
    environ.pop("CONTENT_LENGTH", None)
    if length is not None:
        environ["CONTENT_LENGTH"] = str(length)
    return BoundedBody(Request(environ), limit, ImageTooLarge())


@pytest.mark.parametrize("length", [100, None], ids=["length", "chunked"])
def test_a_body_at_its_limit_is_read_whole(length: int | None) -> None:
    """The limit is included."""
    data = bytes(range(100))
    assert body(CountingStream(data), length, 100).read_all() == data


def test_a_length_over_the_limit_is_refused_unread() -> None:
    """A client that announces too much is not listened to."""
    stream = CountingStream(bytes(101))
    with pytest.raises(ImageTooLarge):
        body(stream, 101, 100)
    assert stream.taken == 0


def test_a_chunked_body_over_the_limit_is_refused_before_it_is_read_whole() -> None:
    """Without a length the bytes are counted: soon past the limit the reading ends, and never as a success."""
    stream = CountingStream(bytes(10_000))
    with pytest.raises(ImageTooLarge):
        body(stream, None, 100).read_all()
    assert stream.taken <= 100 + 7


def test_a_body_that_ends_early_is_malformed() -> None:
    """Half an image must not pass for a whole one."""
    with pytest.raises(MalformedRequest):
        body(CountingStream(bytes(99)), 100, 1000).read_all()


def test_a_stream_that_breaks_is_malformed() -> None:
    """Whatever the server raises over broken chunks becomes the client's fault."""

    class BrokenStream(BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise RuntimeError("invalid chunk size")

    with pytest.raises(MalformedRequest):
        body(BrokenStream(), None, 1000).read_all()


def test_a_stream_that_stalls_is_given_up() -> None:
    """What took too long is told apart from what is broken: it may be sent again."""

    class StalledStream(BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise TimeoutError

    with pytest.raises(RequestTimeout):
        body(StalledStream(), 100, 1000).read_all()


def test_a_piece_is_never_longer_than_asked_for() -> None:
    """`read` keeps to its size, as the form parser expects."""
    assert len(body(CountingStream(bytes(50)), 50, 100).read(3)) == 3
