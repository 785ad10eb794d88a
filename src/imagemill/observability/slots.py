"""Slots: places in a folder where the processes of one machine count, each in files of its own.

A process holds a slot by a lock on a file, which the kernel takes back however the process ends. The next process goes
on in a slot that has become free, with the counters that it finds there: so there are never more files than there were
processes at a time, although workers are replaced after some jobs, and nothing that was counted is lost. The first
process of all, when no other holds a slot, empties the folder.
"""

import errno
import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from imagemill.errors import ConfigurationError

_DOOR, _LOCK = "door", ".lock"


@dataclass(frozen=True)
class Slot:
    """A slot that this process holds for as long as this object lives.

    Args:
        folder: where it is.
        number: from 0; no two processes at a time have the same.
        lock: open file that carries the lock.
    """

    folder: Path
    number: int
    lock: IO[bytes]


def claim(folder: Path) -> Slot:
    """Take the first free slot.

    Raises:
        ConfigurationError: the folder cannot be made, or belongs to somebody else.
    """
    _make(folder)
    with _door(folder):
        if not _held(folder):
            for left in folder.glob("*.*"):
                left.unlink()
        number = 0
        while not _try(lock := (folder / f"{number}{_LOCK}").open("ab")):
            lock.close()
            number += 1
    # A gauge tells how its process is; this one is another.
    for gauge in folder.glob(f"gauge_*_{number}.db"):
        gauge.unlink()
    return Slot(folder, number, lock)


def reserve(slot: Slot, sizes: Mapping[str, int]) -> None:
    """Have blocks on the disk for files that will be mapped: to write into a hole of one, on a full disk, is SIGBUS.

    Args:
        slot: whose files.
        sizes: bytes by what a file's name begins with.

    Raises:
        OSError: there is no room.
    """
    for kind, size in sizes.items():
        file = os.open(slot.folder / f"{kind}_{slot.number}.db", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            _allocate(file, size)
        finally:
            os.close(file)


def _allocate(file: int, size: int) -> None:
    if not hasattr(os, "posix_fallocate"):  # on macOS
        return
    try:
        os.posix_fallocate(file, 0, size)
    except OSError as error:
        # Some file systems cannot, over a network or in user space: there all is as if nobody had asked.
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise


def files(folder: Path) -> list[str]:
    """The files to be read: counters of all slots, and gauges of those that are held."""
    if not folder.is_dir():
        return []
    with _door(folder):
        held = _held(folder)
    return [
        str(path)
        for path in folder.glob("*.db")
        if _has_bytes(path) and (not path.name.startswith("gauge_") or path.stem.rpartition("_")[2] in held)
    ]


def _has_bytes(path: Path) -> bool:
    # Where there was no room for a file, its name is all there is of it. A gauge may be gone since it was listed.
    try:
        return path.stat().st_size > 0
    except FileNotFoundError:
        return False


def _held(folder: Path) -> set[str]:
    held = set()
    for path in folder.glob(f"*{_LOCK}"):
        with path.open("ab") as lock:
            if not _try(lock):
                held.add(path.stem)
    return held


def _try(lock: IO[bytes]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def _door(folder: Path) -> Iterator[None]:
    # Held for less than a millisecond, by whoever looks at the locks: to look is to try them.
    with (folder / _DOOR).open("ab") as door:
        fcntl.flock(door, fcntl.LOCK_EX)
        yield


def _make(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        owner = folder.lstat().st_uid
    except OSError as error:
        raise ConfigurationError(f"IMAGEMILL_METRICS_PORT: no folder to count in: {error.strerror}") from error
    # Among the temporary files anybody could have made the folder first.
    if owner != os.getuid():
        raise ConfigurationError("IMAGEMILL_METRICS_PORT: the folder to count in belongs to somebody else")
