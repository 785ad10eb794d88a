"""An object store whose failures are counted, whichever store it is."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, Literal

from imagemill.domain.ports import Bytes, Metrics, ObjectStat, ObjectStore
from imagemill.errors import StoreUnavailable


class WatchedStore:
    """An `ObjectStore` over another one.

    Args:
        store: does the work.
        metrics: told of each StoreUnavailable.
    """

    def __init__(self, store: ObjectStore, metrics: Metrics) -> None:
        self._store = store
        self._metrics = metrics

    def put(self, key: str, data: Bytes) -> None:
        """Store bytes."""
        with self._watching("put"):
            self._store.put(key, data)

    def get(self, key: str) -> Bytes | None:
        """All bytes of an object."""
        with self._watching("get"):
            return self._store.get(key)

    def stat(self, key: str) -> ObjectStat | None:
        """Size and time of an object."""
        with self._watching("stat"):
            return self._store.stat(key)

    def open(self, key: str) -> BinaryIO | None:
        """A reader of an object."""
        with self._watching("open"):
            return self._store.open(key)

    def link(self, key: str, seconds: int, method: Literal["GET", "HEAD"] = "GET") -> str | None:
        """A URL of the store's own for an object."""
        with self._watching("link"):
            return self._store.link(key, seconds, method)

    def delete(self, key: str) -> None:
        """Remove an object."""
        with self._watching("delete"):
            self._store.delete(key)

    def list_originals(self, shard: str, older_than_seconds: float) -> Iterator[str]:
        """Keys of old originals."""
        with self._watching("list"):
            yield from self._store.list_originals(shard, older_than_seconds)

    def check(self) -> None:
        """Raise StoreUnavailable unless the store can be written to."""
        with self._watching("check"):
            self._store.check()

    @contextmanager
    def _watching(self, operation: str) -> Iterator[None]:
        try:
            yield
        except StoreUnavailable:
            self._metrics.store_failed(operation)
            raise
