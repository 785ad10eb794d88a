"""The port of the object store: originals and outputs, as bytes under keys."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO, Literal, Protocol

Bytes = bytes | bytearray | memoryview
"""Bytes in memory or mapped from disk, not to be changed."""


@dataclass(frozen=True, slots=True)
class ObjectStat:
    """What the store knows of an object without reading it.

    Args:
        bytes: its size.
        modified_at: when it was put, UTC, to the second or finer.
    """

    bytes: int
    modified_at: datetime


class ObjectStore(Protocol):
    """Keeps bytes under keys. A key's grammar is in `domain/keys.py`; any other key is a ValueError.

    Raises:
        StoreUnavailable: the store does not answer, has no room, or refuses.
    """

    def put(self, key: str, data: Bytes) -> None:
        """Store all of the bytes or nothing; when it returns, they survive a power cut. Replaces what was there."""
        ...

    def get(self, key: str) -> Bytes | None:
        """All bytes of an object, perhaps mapped from disk; None if there is none."""
        ...

    def stat(self, key: str) -> ObjectStat | None:
        """Size and time of an object; None if there is none."""
        ...

    def open(self, key: str) -> BinaryIO | None:
        """A seekable reader of an object, to be closed by the caller; None if there is none. Loads what is read."""
        ...

    def link(self, key: str, seconds: int, method: Literal["GET", "HEAD"] = "GET") -> str | None:
        """A URL under which anybody can fetch the object from the store itself, for so long from now on.

        Says nothing of whether it is there. None if the store is not one that can be asked over HTTP.

        Args:
            seconds: at most a week, which is S3's limit.
            method: that the URL is good for.
        """
        ...

    def delete(self, key: str) -> None:
        """Remove an object; nothing happens if there is none."""
        ...

    def list_originals(self, shard: str, older_than_seconds: float) -> Iterator[str]:
        """Keys of the originals in a shard that were put longer ago than this, in no order.

        Args:
            shard: two hexadecimal digits, the first of the digests.
            older_than_seconds: by the store's own clock.
        """
        ...

    def check(self) -> None:
        """Raise StoreUnavailable unless the store can be written to right now."""
        ...
