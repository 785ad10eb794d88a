"""The lock on the data folder."""

import fcntl
import os
import threading
from pathlib import Path

import pytest

from imagemill.cli.lock import locked
from imagemill.errors import ConfigurationError


def test_one_at_a_time(tmp_path: Path) -> None:
    """Who comes second is told who holds the folder; after the end it is free."""
    with locked(tmp_path / "new") as lock:
        assert os.fstat(lock)
        with (
            pytest.raises(ConfigurationError, match=f"in use by another `imagemill up`, process {os.getpid()};"),
            locked(tmp_path / "new"),
        ):
            pass

    with locked(tmp_path / "new"):
        pass


def test_a_dead_holder_is_waited_for(tmp_path: Path) -> None:
    """The lock of a process that was killed is held for the moment until its children are gone, too."""
    holder = os.open(tmp_path / "up.lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(holder, fcntl.LOCK_EX)
    os.write(holder, b"no process")
    letting_go = threading.Timer(0.2, os.close, [holder])
    letting_go.start()

    with locked(tmp_path) as lock:
        assert os.pread(lock, 20, 0) == str(os.getpid()).encode()
    letting_go.join()


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    """The message names the setting."""
    (tmp_path / "file").touch()
    with (
        pytest.raises(ConfigurationError, match="IMAGEMILL_DATA: the folder cannot be written"),
        locked(tmp_path / "file" / "data"),
    ):
        pass


def test_a_holder_of_another_user_lives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that may not be signalled is there all the same."""

    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "kill", refuse)
    with locked(tmp_path), pytest.raises(ConfigurationError, match="in use"), locked(tmp_path):
        pass
