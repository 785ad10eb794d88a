"""The watched store does what the store does, and tells when it does not."""

from collections.abc import Callable

import pytest

from imagemill.domain.ports import ObjectStore
from imagemill.errors import StoreUnavailable
from imagemill.observability.metrics import OPERATIONS
from imagemill.observability.watched import WatchedStore
from imagemill.storage.memory import MemoryStore
from tests.fakes.metrics import NotedMetrics

KEY = "originals/ab/ab" + "0" * 62 + "-0123456789abcdef"

CALLS: dict[str, Callable[[ObjectStore], object]] = {
    "put": lambda store: store.put(KEY, b"x"),
    "get": lambda store: store.get(KEY),
    "stat": lambda store: store.stat(KEY),
    "open": lambda store: store.open(KEY),
    "delete": lambda store: store.delete(KEY),
    "list": lambda store: list(store.list_originals("ab", -1)),
    "check": lambda store: store.check(),
}


def test_what_works_is_passed_on() -> None:
    """Every method gives what the store gives, and nothing is counted."""
    metrics = NotedMetrics()
    store = WatchedStore(MemoryStore(), metrics)
    store.put(KEY, b"x")
    assert store.get(KEY) == b"x"
    assert store.stat(KEY) is not None
    with store.open(KEY) as file:  # type: ignore[union-attr]
        assert file.read() == b"x"
    assert list(store.list_originals("ab", -1)) == [KEY]
    store.delete(KEY)
    assert store.get(KEY) is None
    store.check()
    assert metrics.told == []


@pytest.mark.parametrize("operation", CALLS)
def test_what_fails_is_counted_and_raised(operation: str) -> None:
    """Each method under its own word."""

    class Away:
        def __getattr__(self, name: str) -> Callable[..., object]:
            def fail(*_: object) -> object:
                raise StoreUnavailable

            return fail

    metrics = NotedMetrics()
    with pytest.raises(StoreUnavailable):
        CALLS[operation](WatchedStore(Away(), metrics))  # type: ignore[arg-type]
    assert metrics.told == [("store failed", operation)]
    assert operation in OPERATIONS
