"""Slots: no two processes in one, nothing counted is lost, nothing of the dead is told as if they lived."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from imagemill.errors import ConfigurationError
from imagemill.observability import slots

HOLDER = """
import sys, time
from pathlib import Path
from imagemill.observability import slots
slot = slots.claim(Path(sys.argv[1]))
print(slot.number, flush=True)
time.sleep(60)
"""


def names(folder: Path) -> set[str]:
    """The names of the files to be read."""
    return {Path(path).name for path in slots.files(folder)}


def test_each_process_has_a_slot_of_its_own(tmp_path: Path) -> None:
    """The first free one; a freed one is the next process's."""
    first, second = slots.claim(tmp_path), slots.claim(tmp_path)
    assert (first.number, second.number) == (0, 1)
    first.lock.close()
    third = slots.claim(tmp_path)
    assert third.number == 0
    for slot in (second, third):
        slot.lock.close()


def test_a_killed_process_frees_its_slot(tmp_path: Path) -> None:
    """However a process ends: its gauges are told no more, its counters stay, and its slot is taken again."""
    watcher = slots.claim(tmp_path)
    with subprocess.Popen([sys.executable, "-c", HOLDER, tmp_path], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "1\n"
        for name in ("counter_1.db", "gauge_livesum_1.db"):
            (tmp_path / name).write_bytes(b"counted")
        assert names(tmp_path) == {"counter_1.db", "gauge_livesum_1.db"}
        os.kill(holder.pid, signal.SIGKILL)
    assert names(tmp_path) == {"counter_1.db"}

    after = slots.claim(tmp_path)
    assert after.number == 1
    assert names(tmp_path) == {"counter_1.db"}, "the next process has no gauges of the one before"
    for slot in (watcher, after):
        slot.lock.close()


def test_the_first_process_finds_nothing(tmp_path: Path) -> None:
    """What an earlier run of the service counted is gone, as Prometheus expects of a restart."""
    before = slots.claim(tmp_path)
    (tmp_path / "counter_0.db").write_bytes(b"counted")
    before.lock.close()
    slots.claim(tmp_path).lock.close()
    assert names(tmp_path) == set()


def test_where_nobody_counted_there_is_nothing(tmp_path: Path) -> None:
    """A folder that is not there is an empty one."""
    assert slots.files(tmp_path / "none") == []


def test_only_this_user_looks_into_the_folder(tmp_path: Path) -> None:
    """It may lie among everybody's temporary files."""
    folder = tmp_path / "metrics"
    slots.claim(folder).lock.close()
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_folder_of_somebody_else_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever made it first could read and change what is in it."""
    monkeypatch.setattr(os, "getuid", lambda: tmp_path.stat().st_uid + 1)
    with pytest.raises(ConfigurationError, match="somebody else"):
        slots.claim(tmp_path)


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    """With the reason."""
    (tmp_path / "file").write_bytes(b"counted")
    with pytest.raises(ConfigurationError, match="File exists"):
        slots.claim(tmp_path / "file")
