"""Originals in one place, outputs in another: one object store out of two. Knows keys, not what the places are."""

from collections.abc import Iterator
from typing import BinaryIO, Literal

from imagemill.domain.keys import is_output_key
from imagemill.domain.ports import Bytes, ObjectStat, ObjectStore


class SplitStore:
    """The port `ObjectStore` over two others.

    Args:
        originals: keeps what was sent.
        outputs: keeps what was made.
    """

    def __init__(self, originals: ObjectStore, outputs: ObjectStore) -> None:
        self._originals = originals
        self._outputs = outputs

    def put(self, key: str, data: Bytes) -> None:
        """Store all of the bytes or nothing. Replaces what was there."""
        self._of(key).put(key, data)

    def get(self, key: str) -> Bytes | None:
        """All bytes of an object; None if there is none."""
        return self._of(key).get(key)

    def stat(self, key: str) -> ObjectStat | None:
        """Size and time of an object; None if there is none."""
        return self._of(key).stat(key)

    def open(self, key: str) -> BinaryIO | None:
        """A seekable reader of an object; None if there is none."""
        return self._of(key).open(key)

    def link(self, key: str, seconds: int, method: Literal["GET", "HEAD"] = "GET") -> str | None:
        """A URL of the object's own place; None if that has none."""
        return self._of(key).link(key, seconds, method)

    def delete(self, key: str) -> None:
        """Remove an object; nothing happens if there is none."""
        self._of(key).delete(key)

    def list_originals(self, shard: str, older_than_seconds: float) -> Iterator[str]:
        """Keys of the originals in a shard that were put longer ago than this."""
        return self._originals.list_originals(shard, older_than_seconds)

    def check(self) -> None:
        """Raise StoreUnavailable unless both can be written to right now."""
        self._originals.check()
        self._outputs.check()

    def _of(self, key: str) -> ObjectStore:
        return self._outputs if is_output_key(key) else self._originals
