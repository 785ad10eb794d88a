"""The machine: a quiet place on its disk, and whether anyone else is using it."""

import fcntl
import os
import struct
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

# Of linux/fs.h: read and set the flags of a file, and the flag that makes a folder the top of a hierarchy.
_GET_FLAGS, _SET_FLAGS, _TOP_OF_HIERARCHY = 0x80086601, 0x40086602, 0x00020000


@contextmanager
def workspace(parent: Path | None) -> Iterator[Path]:
    """A folder for the run, removed at its end and not before.

    ext4 does not hand out again what was deleted within the last five minutes, and looks at each such inode again for
    every new file: after a mass deletion, such as an earlier run's, making a file takes a millisecond longer. So
    nothing is deleted while the run lasts, and each folder within this one is put into another part of the disk.

    Args:
        parent: where to make it; None for the system's temporary folder.
    """
    with tempfile.TemporaryDirectory(prefix="imagemill-bench-", dir=parent, ignore_cleanup_errors=True) as name:
        folder = Path(name)
        with suppress(OSError):  # another file system than ext4
            _scatter(folder)
        yield folder


def others_share() -> float:
    """The part of all cores, 0…1, that other programs use right now; looks for a second."""
    busy_before, total_before = _core_ticks()
    time.sleep(1)
    busy, total = _core_ticks()
    return (busy - busy_before) / (total - total_before)


def _scatter(folder: Path) -> None:
    opened = os.open(folder, os.O_RDONLY)
    try:
        (flags,) = struct.unpack("l", fcntl.ioctl(opened, _GET_FLAGS, struct.pack("l", 0)))
        fcntl.ioctl(opened, _SET_FLAGS, struct.pack("l", flags | _TOP_OF_HIERARCHY))
    finally:
        os.close(opened)


def _core_ticks() -> tuple[int, int]:
    columns = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]
    user, nice, system, idle, waiting, interrupts, soft_interrupts, stolen = map(int, columns)  # proc_stat(5)
    busy = user + nice + system + interrupts + soft_interrupts + stolen
    return busy, busy + idle + waiting
