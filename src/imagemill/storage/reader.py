"""A file that lies in a bucket: read as it comes, without ever holding the whole. Knows no keys."""

import io
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from imagemill.errors import StoreUnavailable

if TYPE_CHECKING:
    from obstore import GetResult

PIECE_BYTES = 2**16
"""What is fetched ahead at most, beside what the connection itself holds."""


class BucketReader(io.RawIOBase):
    """Reads one object. A read goes on where the last one ended; after a seek it asks for the rest from there.

    Args:
        whole: the answer to a request for all of it; a reader that is never sent elsewhere needs no other.
        fetch: asks for everything from an offset on.
        errors: within it the library may be used.
    """

    def __init__(
        self,
        whole: "GetResult",
        fetch: "Callable[[int], GetResult]",
        errors: Callable[[], AbstractContextManager[Any]],
    ) -> None:
        self._size = whole.meta["size"]
        self._fetch = fetch
        self._errors = errors
        self._pieces: Iterator[bytes] | None = iter(whole.stream(PIECE_BYTES))
        self._piece = memoryview(b"")
        self._position = 0

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def tell(self) -> int:
        """Where the next read begins."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Let the next read begin elsewhere. Asks for nothing yet."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        position = base + offset
        if position < 0:
            raise ValueError("there is nothing before the beginning")
        if position != self._position:
            self._drop()
            self._position = position
        return position

    def readinto(self, buffer: Any) -> int:
        """Read some bytes, at most as many as the buffer holds; 0 at the end.

        Raises:
            StoreUnavailable: the store has gone in the middle.
        """
        if self._position >= self._size:
            return 0
        if not self._piece:
            self._piece = memoryview(self._next())
        count = min(len(buffer), len(self._piece))
        buffer[:count] = self._piece[:count]
        self._piece = self._piece[count:]
        self._position += count
        return count

    def close(self) -> None:
        """Let go of the connection; what has not been read is not fetched."""
        self._drop()
        super().close()

    def _next(self) -> bytes:
        try:
            with self._errors():
                if self._pieces is None:
                    self._pieces = iter(self._fetch(self._position).stream(PIECE_BYTES))
                return next(self._pieces, b"")
        except FileNotFoundError as error:
            raise StoreUnavailable("The image was erased while it was read.") from error

    def _drop(self) -> None:
        self._pieces, self._piece = None, memoryview(b"")
