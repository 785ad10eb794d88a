"""What every object store owes, whatever it is made of. A new adapter joins by a line in `conftest.STORES`."""

import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from threading import Event

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from imagemill.domain.formats import ImageFormat
from imagemill.domain.keys import is_key, original_key, output_key
from imagemill.domain.ports import ObjectStore
from imagemill.storage.buckets import S3Bucket
from imagemill.storage.files import MAPPED_BYTES, FileStore
from imagemill.storage.memory import MemoryStore
from imagemill.storage.split import SplitStore
from tests.buckets import open_bucket
from tests.contract.conftest import STORES

Place = Callable[[], ObjectStore]
"""Opens a store, always on the same objects."""

RANGED_STORES = [name for name in STORES if name != "rclone"]  # it knows no ranges
ORIGINAL = original_key(hashlib.sha256(b"an image").hexdigest(), "0123456789abcdef")
OUTPUT = output_key("5" * 32, "image", ImageFormat.JPEG)
SIZES = [0, 1, 50_000, MAPPED_BYTES - 1, MAPPED_BYTES, MAPPED_BYTES + 1]


@pytest.fixture(params=STORES)
def store_place(request: pytest.FixtureRequest) -> Place:
    """A place for objects of each kind, empty."""
    place: Place = request.getfixturevalue(f"{request.param}_place")
    return place


@pytest.fixture
def store(store_place: Place) -> ObjectStore:
    """An empty store of each kind."""
    return store_place()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("key", [ORIGINAL, OUTPUT])
def test_round_trip(store: ObjectStore, key: str, size: int) -> None:
    """What was put is what one gets, on both sides of every threshold of size."""
    data = (b"imagemill" * (size // 9 + 1))[:size]
    store.put(key, data)
    got = store.get(key)
    assert got is not None
    assert bytes(got) == data


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_takes_any_bytes(store: ObjectStore, kind: Callable[[bytes], bytes | bytearray | memoryview]) -> None:
    """Bytes, a bytearray and a view of someone else's memory are all taken, and copied."""
    theirs = bytearray(b"some pixels")
    store.put(OUTPUT, kind(theirs))
    theirs[:4] = b"####"
    assert store.get(OUTPUT) == b"some pixels"


def test_objects_do_not_mix(store: ObjectStore) -> None:
    """Each key has its own bytes, also within one folder."""
    keys = [output_key("ab" + "0" * 30, f"size-{number}", ImageFormat.PNG) for number in range(5)]
    for key in keys:
        store.put(key, key.encode())
    assert [store.get(key) for key in keys] == [key.encode() for key in keys]


def test_missing_object_is_none(store: ObjectStore) -> None:
    """A key that nobody has put is None everywhere, before the first put and after it."""
    for _ in range(2):
        assert (store.get(OUTPUT), store.stat(OUTPUT), store.open(OUTPUT)) == (None, None, None)
        store.put(ORIGINAL, b"another")


def test_put_replaces(store: ObjectStore) -> None:
    """A second put wins, whether it is longer or shorter."""
    for data in (b"first", b"the second", b"3rd"):
        store.put(OUTPUT, data)
        assert store.get(OUTPUT) == data


def test_delete(store: ObjectStore) -> None:
    """A deleted object is gone, its neighbour is not, and its key can be used again."""
    store.put(OUTPUT, b"going")
    store.put(ORIGINAL, b"staying")
    store.delete(OUTPUT)
    assert store.get(OUTPUT) is None
    assert store.get(ORIGINAL) == b"staying"
    store.put(OUTPUT, b"back")
    assert store.get(OUTPUT) == b"back"


def test_delete_of_nothing_is_nothing(store: ObjectStore) -> None:
    """Deleting what is not there succeeds, in a store never used and twice in one that was."""
    store.delete(OUTPUT)
    store.put(OUTPUT, b"going")
    store.delete(OUTPUT)
    store.delete(OUTPUT)
    assert store.stat(OUTPUT) is None


def test_bytes_outlive_their_object(store: ObjectStore) -> None:
    """What was got or opened stays readable, whole and unchanged, while the object is replaced and deleted."""
    before = b"b" * (MAPPED_BYTES + 10)
    store.put(OUTPUT, before)
    got, reader = store.get(OUTPUT), store.open(OUTPUT)
    assert got is not None
    assert reader is not None
    with reader:
        store.put(OUTPUT, b"after")
        store.delete(OUTPUT)
        assert bytes(got) == before
        assert reader.read() == before


def test_stat(store: ObjectStore) -> None:
    """The size is the object's, the time is when it was put, in UTC."""
    started = datetime.now(UTC)
    store.put(OUTPUT, b"12345")
    stat = store.stat(OUTPUT)
    assert stat is not None
    assert stat.bytes == 5
    assert stat.modified_at.utcoffset() == timedelta(0)
    assert started - timedelta(seconds=1) <= stat.modified_at <= datetime.now(UTC) + timedelta(seconds=1)


@pytest.mark.parametrize("store_place", RANGED_STORES, indirect=True)
def test_open_can_seek(store: ObjectStore) -> None:
    """A reader can be sent anywhere, as an answer to a range needs."""
    store.put(OUTPUT, b"0123456789")
    reader = store.open(OUTPUT)
    assert reader is not None
    with reader:
        assert (reader.readable(), reader.seekable()) == (True, True)
        reader.seek(4)
        assert reader.read(3) == b"456"
        assert reader.seek(0, 2) == 10
        reader.seek(0)
        assert reader.read() == b"0123456789"


@pytest.mark.parametrize("store_place", ["memory", "files", "split"], indirect=True)
def test_a_store_without_http_has_no_links(store: ObjectStore) -> None:
    """Whether the object is there or not; buckets' links have tests of their own."""
    assert store.link(OUTPUT, 60) is None


def test_check_passes(store: ObjectStore) -> None:
    """A store that can be written to says so, before its first put too, and keeps nothing of the trial."""
    store.check()
    store.put(OUTPUT, b"data")
    store.check()
    assert store.get(OUTPUT) == b"data"


@pytest.mark.parametrize("store_place", RANGED_STORES, indirect=True)  # rclone writes in place
def test_readers_see_all_or_nothing(store: ObjectStore) -> None:
    """While a writer replaces an object, a reader finds one version whole, never a part or a mixture."""
    versions = [bytes([letter]) * size for letter, size in ((65, 300_000), (66, MAPPED_BYTES + 7), (67, 10))]
    allowed = {hashlib.sha256(version).digest() for version in versions}
    started, stop = Event(), Event()
    looks = 300 if isinstance(store, FileStore | MemoryStore) else 30

    def write() -> int:
        puts = 0
        while not stop.is_set() or puts < len(versions):
            store.put(OUTPUT, versions[puts % len(versions)])
            puts += 1
            started.set()
        return puts

    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(write)
        try:
            assert started.wait(10)
            seen = {hashlib.sha256(store.get(OUTPUT) or b"").digest() for _ in range(looks)}
        finally:
            stop.set()
        assert writing.result(10) >= len(versions)
    assert seen <= allowed


def test_writers_of_one_key_do_not_disturb_each_other(store: ObjectStore) -> None:
    """Two attempts at one job put the same bytes at the same time: both succeed and the bytes are right."""
    data = b"result" * 1000
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: store.put(OUTPUT, data), range(40)))
    assert store.get(OUTPUT) == data


_NEAR_KEYS = st.builds(
    lambda key, at, piece: key[: at % len(key)] + piece + key[at % len(key) :],
    st.sampled_from([ORIGINAL, OUTPUT]),
    st.integers(0, 200),
    st.one_of(st.text(min_size=1, max_size=3), st.sampled_from(["/..", "../", "\0", "%2e%2e/", "\\", "/", "\n", "．"])),
)


@given(st.one_of(st.text(), _NEAR_KEYS))
@example("")
@example("/etc/passwd")
@example("../objects/" + OUTPUT)
@example("images/../" + OUTPUT)
@example("images/%2e%2e/secret_key")
@example(OUTPUT + "\0")
@example(OUTPUT + "\n")
@example("/" + OUTPUT)
@example(OUTPUT.replace("5", "٥"))
@example(ORIGINAL.upper())
@example("originals/ab")
def test_only_keys_are_taken(text: str) -> None:
    """Any text that is not a key is a ValueError from every method, and reaches neither disk nor network."""
    if is_key(text):
        return
    nowhere = open_bucket(S3Bucket("images", endpoint="http://127.0.0.1:1", key=("a", "b")))
    for store in (FileStore(Path("/nonexistent/objects")), MemoryStore(), nowhere, SplitStore(nowhere, nowhere)):
        calls = (store.get, store.stat, store.open, store.delete)
        for call in (*calls, partial(store.link, seconds=1), partial(store.put, data=b"data")):
            with pytest.raises(ValueError, match="not a key"):
                call(text)


def test_another_instance_finds_the_objects(store_place: Place) -> None:
    """Objects belong to the place, not to the instance: the API puts what a worker gets."""
    store_place().put(ORIGINAL, b"an image")
    other = store_place()
    assert other.get(ORIGINAL) == b"an image"
    other.delete(ORIGINAL)
    assert store_place().stat(ORIGINAL) is None


def test_old_originals_are_listed(store: ObjectStore) -> None:
    """By shard and by age: neither outputs, nor other shards, nor what was just put; an empty store lists nothing."""
    shard = ORIGINAL.split("/")[1]
    assert list(store.list_originals(shard, -1)) == []
    other = original_key("ff" * 32, "0" * 16)
    neighbour = original_key(shard + "0" * 62, "0" * 16)
    for key in (ORIGINAL, neighbour, other, output_key(shard + "0" * 30, "image", ImageFormat.PNG)):
        store.put(key, b"data")
    assert set(store.list_originals(shard, -1)) == {ORIGINAL, neighbour}
    assert list(store.list_originals("ff", -1)) == [other]
    assert list(store.list_originals(shard, 60)) == []
