"""The store of tests can be told to fail."""

import pytest

from imagemill.domain.formats import ImageFormat
from imagemill.domain.keys import output_key
from imagemill.errors import StoreUnavailable
from imagemill.storage.memory import MemoryStore

OUTPUT = output_key("5" * 32, "image", ImageFormat.JPEG)


@pytest.mark.parametrize("method", ["put", "get", "stat", "open", "delete", "check"])
def test_away(method: str) -> None:
    """While it is away every call says so and changes nothing; then it has what it had."""
    store = MemoryStore()
    store.put(OUTPUT, b"before")
    store.away = True
    arguments = {"put": (OUTPUT, b"after"), "check": ()}.get(method, (OUTPUT,))
    with pytest.raises(StoreUnavailable):
        getattr(store, method)(*arguments)
    store.away = False
    assert store.get(OUTPUT) == b"before"
