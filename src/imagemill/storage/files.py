"""The object store in a local folder: whole or not at all, and safe from a power cut once `put` has returned.

    <root>/drafts/<16 hex>       being written
    <root>/originals/ab/…        the layout of `domain/keys.py`
    <root>/images/ab/…

A draft is written and flushed, then renamed into place, then the folder is flushed: before the first flush the name
may point at nothing, before the second a power cut may take the name away (fsync(2), rename(2)). What a killed
process leaves in `drafts` is removed by the next process that stores something, a day later.

Only keys reach the disk, and no symbolic link is followed below the root; the root itself may be one.

What `get` has read leaves the page cache once it is let go: a worker reads an image once, as a rule, and the memory is
better kept for what comes next. Writing into pages that were just given back costs a fraction of what new ones do.
"""

import errno
import mmap
import os
import secrets
import sys
import time
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from imagemill.domain.keys import SHARDS, is_key
from imagemill.domain.ports import Bytes, ObjectStat
from imagemill.errors import StoreUnavailable

DRAFTS = "drafts"
STALE_DRAFT_SECONDS = 86_400
MAPPED_BYTES = 2**20
"""An object at least this large is mapped instead of read: the decoder then works on the page cache, without a copy."""

_FILE_MODE, _FOLDER_MODE = 0o640, 0o750
_OPEN_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_OPEN_OBJECT = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
_OPEN_DRAFT = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class FileStore:
    """The port `ObjectStore` on a folder that one machine, or several over a shared file system, can write to.

    Args:
        root: the folder; made on the first put.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._ready: set[str] = set()  # folders that this process knows to be there and to survive a power cut

    def put(self, key: str, data: Bytes) -> None:
        """Store all of the bytes or nothing; when it returns, they survive a power cut. Replaces what was there."""
        folder, name = _split(key)
        with _store_errors():
            try:
                self._put(folder, name, data)
            except FileNotFoundError:  # a folder was removed under our feet
                self._ready.clear()
                self._put(folder, name, data)

    def get(self, key: str) -> Bytes | None:
        """All bytes of an object, mapped from disk if they are many; None if there is none."""
        with _store_errors(), self._reader(key) as reader:
            if reader is None:
                return None
            if os.fstat(reader).st_size >= MAPPED_BYTES:
                return memoryview(_map(reader))
            with open(reader, "rb", buffering=0, closefd=False) as file:
                data = file.readall()
            _forget_pages(reader)
            return data

    def stat(self, key: str) -> ObjectStat | None:
        """Size and time of an object; None if there is none."""
        with _store_errors(), self._reader(key) as reader:
            if reader is None:
                return None
            facts = os.fstat(reader)
        return ObjectStat(facts.st_size, datetime.fromtimestamp(facts.st_mtime, UTC))

    def open(self, key: str) -> BinaryIO | None:
        """A seekable reader of an object, to be closed by the caller; None if there is none."""
        with _store_errors(), self._reader(key) as reader:
            return None if reader is None else os.fdopen(os.dup(reader), "rb")

    def link(self, key: str, seconds: int, method: str = "GET") -> str | None:  # noqa: ARG002 - the port's
        """None: a folder is not asked over HTTP."""
        _split(key)
        return None

    def delete(self, key: str) -> None:
        """Remove an object for good; nothing happens if there is none."""
        folder, name = _split(key)
        with _store_errors(), suppress(FileNotFoundError), self._folder(folder) as place:
            os.unlink(name, dir_fd=place)
            os.fsync(place)

    def list_originals(self, shard: str, older_than_seconds: float) -> Iterator[str]:
        """Keys of the originals in a shard that were put longer ago than this."""
        put_before = time.time() - older_than_seconds
        folder = f"originals/{shard}"
        with _store_errors(), suppress(FileNotFoundError), self._folder(folder) as place, os.scandir(place) as entries:
            for entry in entries:
                key = f"{folder}/{entry.name}"
                with suppress(FileNotFoundError):  # erased meanwhile
                    if is_key(key) and entry.stat(follow_symlinks=False).st_mtime < put_before:
                        yield key

    def check(self) -> None:
        """Raise StoreUnavailable unless the store can be written to right now."""
        with _store_errors():
            self._make_ready(DRAFTS)
            with self._folder(DRAFTS) as drafts, _draft(drafts, b"?"):
                pass

    def _put(self, folder: str, name: str, data: Bytes) -> None:
        self._make_ready(DRAFTS)
        self._make_ready(folder)
        with self._folder(DRAFTS) as drafts, self._folder(folder) as place:
            with _draft(drafts, data) as draft:
                os.rename(draft, name, src_dir_fd=drafts, dst_dir_fd=place)
            os.fsync(place)

    def _make_ready(self, folder: str) -> None:
        if folder in self._ready:
            return
        self._root.mkdir(_FOLDER_MODE, parents=True, exist_ok=True)
        kind, _, shard = folder.partition("/")
        self._make("", (kind,))
        if shard:
            # All of them now, for one flush: made one by one they would cost the first requests two flushes each.
            self._make(kind, SHARDS)
            self._ready.update(f"{kind}/{each}" for each in SHARDS)
        else:
            self._remove_stale_drafts()
            self._ready.add(folder)

    def _make(self, parent: str, names: Sequence[str]) -> None:
        with self._folder(parent) as place:
            with os.scandir(place) as entries:
                missing = set(names).difference(entry.name for entry in entries)
            for name in sorted(missing):
                with suppress(FileExistsError):
                    os.mkdir(name, _FOLDER_MODE, dir_fd=place)
            os.fsync(place)  # also where another process made them: it may not have flushed them yet

    def _remove_stale_drafts(self) -> None:
        stale = time.time() - STALE_DRAFT_SECONDS
        with self._folder(DRAFTS) as drafts, os.scandir(drafts) as entries:
            for entry in entries:
                with suppress(FileNotFoundError):  # another process does the same
                    if entry.stat(follow_symlinks=False).st_mtime < stale:
                        os.unlink(entry.name, dir_fd=drafts)

    @contextmanager
    def _folder(self, folder: str) -> Iterator[int]:
        # One step at a time: O_NOFOLLOW looks at the last part of a path only.
        place = os.open(self._root, _OPEN_FOLDER)
        try:
            for part in filter(None, folder.split("/")):
                above, place = place, os.open(part, _OPEN_FOLDER | os.O_NOFOLLOW, dir_fd=place)
                os.close(above)
            yield place
        finally:
            os.close(place)

    @contextmanager
    def _reader(self, key: str) -> Iterator[int | None]:
        folder, name = _split(key)
        try:
            with self._folder(folder) as place:
                reader = os.open(name, _OPEN_OBJECT, dir_fd=place)
        except FileNotFoundError:
            yield None
            return
        try:
            yield reader
        finally:
            os.close(reader)


def _split(key: str) -> tuple[str, str]:
    if not is_key(key):
        raise ValueError("not a key")
    folder, _, name = key.rpartition("/")
    return folder, name


def _map(reader: int) -> mmap.mmap:
    mapped = mmap.mmap(reader, 0, access=mmap.ACCESS_READ)
    # Pages cannot leave the cache while they are mapped, and nobody knows sooner when the last reader has gone.
    weakref.finalize(mapped, _forget_and_close, os.dup(reader)).atexit = False
    return mapped


def _forget_and_close(reader: int) -> None:
    _forget_pages(reader)
    os.close(reader)


def _forget_pages(reader: int) -> None:
    if sys.platform == "linux":
        os.posix_fadvise(reader, 0, 0, os.POSIX_FADV_DONTNEED)


@contextmanager
def _draft(drafts: int, data: Bytes) -> Iterator[str]:
    """A file with the bytes, safe on disk, that is gone at the end unless it was renamed."""
    name = secrets.token_hex(8)
    try:
        file = os.open(name, _OPEN_DRAFT, _FILE_MODE, dir_fd=drafts)
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(file, rest) :]
            os.fsync(file)
        finally:
            os.close(file)
        yield name
    finally:
        with suppress(FileNotFoundError):
            os.unlink(name, dir_fd=drafts)


@contextmanager
def _store_errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        raise StoreUnavailable(
            "There is no room for more images." if full else "The image store does not answer."
        ) from error
