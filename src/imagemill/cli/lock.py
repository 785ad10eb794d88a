"""The lock on the data folder: one `imagemill up` for each. It goes with the last process that holds it."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from imagemill.errors import ConfigurationError

_FILE = "up.lock"
_CLEARING_SECONDS = 5.0


@contextmanager
def locked(folder: Path) -> Iterator[int]:
    """Hold the folder for this process, making it first if need be.

    Yields:
        The file descriptor that is the lock; another process that has it too holds the folder as well.

    Raises:
        ConfigurationError: another process holds the folder, or it cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(folder / _FILE, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise ConfigurationError(f"IMAGEMILL_DATA: the folder cannot be written: {error.strerror}") from error
    try:
        _acquire(lock)
        os.ftruncate(lock, 0)
        os.pwrite(lock, str(os.getpid()).encode(), 0)
        yield lock
    finally:
        os.close(lock)


def is_locked(folder: Path) -> bool:
    """Whether an `imagemill up` holds the folder."""
    with suppress(OSError), (folder / _FILE).open("rb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _acquire(lock: int) -> None:
    deadline = time.monotonic() + _CLEARING_SECONDS
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(lock, 20, 0).decode(errors="replace")
            # A holder that was killed leaves its leash behind for the moment that it takes to kill the rest.
            if _lives(holder) or time.monotonic() > deadline:
                raise ConfigurationError(
                    f"IMAGEMILL_DATA: the folder is in use by another `imagemill up`, process {holder}; "
                    "stop that one, or choose another folder with --data"
                ) from None
            time.sleep(0.05)
        else:
            return


def _lives(process: str) -> bool:
    try:
        os.kill(int(process), 0)
    except (ProcessLookupError, ValueError):
        return False
    except PermissionError:
        return True
    return True
