"""Reading a request's body without ever holding more of it than it may have.

Werkzeug's own limit cuts a chunked body off in silence instead of refusing it, so every byte is counted here.
"""

from flask import Request
from werkzeug.exceptions import RequestTimeout

from imagemill.errors import ImagemillError, MalformedRequest

_STEP_BYTES = 2**20  # What the server's own reader takes in one piece.


class BoundedBody:
    """A body that raises an error of its owner's choice where it grows past its limit.

    Args:
        request: whose body.
        limit_bytes: the most it may have.
        excess: what is raised if it has more, before the rest is read.
    """

    def __init__(self, request: Request, limit_bytes: int, excess: ImagemillError) -> None:
        self._stream = request.stream
        self._length = request.content_length  # None where the body is chunked
        self._limit = limit_bytes
        self._excess = excess
        self._seen = 0
        if self._length is not None and self._length > limit_bytes:
            raise excess

    def read(self, size: int = -1) -> bytes:
        """The next bytes, at most `size`; none at the end.

        Raises:
            MalformedRequest: the body ended before its length, or its chunks are broken.
            RequestTimeout: the client stalled; how long it may is the server's business.
        """
        try:
            piece = self._stream.read(_STEP_BYTES if size < 0 else min(size, _STEP_BYTES))
        except TimeoutError as error:
            raise RequestTimeout from error
        except Exception as error:
            raise MalformedRequest("The body ended early, or its chunked coding is broken.") from error
        self._seen += len(piece)
        if self._seen > self._limit:
            raise self._excess
        if not piece and self._length is not None and self._seen < self._length:
            raise MalformedRequest("The body ended before its Content-Length.")
        return piece

    def read_all(self) -> bytearray:
        """The whole body. Where its length is known it is written into place, so that it is held only once."""
        buffer = bytearray(self._length or 0)
        filled = 0
        while piece := self.read():
            buffer[filled : filled + len(piece)] = piece
            filled += len(piece)
        return buffer
