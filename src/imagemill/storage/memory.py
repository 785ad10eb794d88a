"""The object store of tests: a dictionary with the manners of `files.py`."""

from collections.abc import Collection, Iterator
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import BinaryIO

from imagemill.domain.keys import is_key
from imagemill.domain.ports import Bytes, ObjectStat
from imagemill.errors import StoreUnavailable


class MemoryStore:
    """The port `ObjectStore` without a disk.

    Attributes:
        objects: what it holds, by key.
        away: while True, every call raises StoreUnavailable.
        stuck: keys that cannot be deleted.
        site: what its links begin with; None while it gives none.
    """

    def __init__(self) -> None:
        self.objects: dict[str, tuple[bytes, datetime]] = {}
        self.away = False
        self.stuck: set[str] = set()
        self.site: str | None = None

    def put(self, key: str, data: Bytes) -> None:
        """Keep a copy of the bytes. Replaces what was there."""
        self._admit(key)
        self.objects[key] = bytes(data), datetime.now(UTC)

    def get(self, key: str) -> bytes | None:
        """All bytes of an object; None if there is none."""
        self._admit(key)
        data, _ = self.objects.get(key, (None, None))
        return data

    def stat(self, key: str) -> ObjectStat | None:
        """Size and time of an object; None if there is none."""
        self._admit(key)
        if key not in self.objects:
            return None
        data, modified_at = self.objects[key]
        return ObjectStat(len(data), modified_at)

    def open(self, key: str) -> BinaryIO | None:
        """A seekable reader of an object; None if there is none."""
        data = self.get(key)
        return None if data is None else BytesIO(data)

    def link(self, key: str, seconds: int, method: str = "GET") -> str | None:
        """A URL that leads nowhere, if `site` is set, as of a store that can be asked over HTTP."""
        self._admit(key)
        return self.site and f"{self.site}/{key}?method={method}&seconds={seconds}"

    def delete(self, key: str) -> None:
        """Remove an object; nothing happens if there is none."""
        self._admit(key)
        if key in self.stuck:
            raise StoreUnavailable("The image store does not answer.")
        self.objects.pop(key, None)

    def age(self, seconds: float, but: Collection[str] = ()) -> None:
        """Let objects have been put so much earlier."""
        for key, (data, modified_at) in self.objects.items():
            if key not in but:
                self.objects[key] = data, modified_at - timedelta(seconds=seconds)

    def list_originals(self, shard: str, older_than_seconds: float) -> Iterator[str]:
        """Keys of the originals in a shard that were put longer ago than this."""
        self.check()
        put_before = datetime.now(UTC) - timedelta(seconds=older_than_seconds)
        for key, (_, modified_at) in list(self.objects.items()):
            if key.startswith(f"originals/{shard}/") and modified_at < put_before:
                yield key

    def check(self) -> None:
        """Raise StoreUnavailable if the store is away."""
        if self.away:
            raise StoreUnavailable("The image store does not answer.")

    def _admit(self, key: str) -> None:
        if not is_key(key):
            raise ValueError("not a key")
        self.check()
