"""What a folder on disk adds to the contract: order of flushes, nothing left behind, no link followed."""

import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from imagemill.domain.formats import ImageFormat
from imagemill.domain.keys import SHARDS, original_key, output_key
from imagemill.errors import StoreUnavailable
from imagemill.storage.files import DRAFTS, MAPPED_BYTES, STALE_DRAFT_SECONDS, FileStore

OUTPUT = output_key("5" * 32, "image", ImageFormat.JPEG)
ORIGINAL = original_key("a" * 64, "0123456789abcdef")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder that is not there yet."""
    return tmp_path / "data" / "objects"


def files_in(root: Path) -> set[str]:
    """Every file below the root, drafts included."""
    return {str(path.relative_to(root)) for path in root.rglob("*") if not path.is_dir()}


def name_of(descriptor: int, root: Path) -> str:
    """The path of an open file or folder, relative to the root; drafts are all called `draft`."""
    path = Path(f"/proc/self/fd/{descriptor}").readlink()
    return "draft" if path.parent.name == DRAFTS else os.path.relpath(path, root)


class Recorder:
    """Writes down what a call asks of the disk, in order, and lets it through or breaks it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, root: Path) -> None:
        self.calls: list[str] = []
        self.breaking: dict[str, int] = {}
        for name in ("mkdir", "write", "fsync", "rename", "unlink"):
            monkeypatch.setattr(os, name, self._recorded(name, getattr(os, name), root))

    def _recorded(self, name: str, real: Callable[..., Any], root: Path) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            what = name_of(args[0], root) if name in ("write", "fsync") else args[0] if name == "mkdir" else ""
            self.calls.append(f"{name} {what}".strip())
            if name in self.breaking:
                raise OSError(self.breaking[name], os.strerror(self.breaking[name]))
            return real(*args, **kwargs)

        return call


def test_flush_rename_flush(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bytes are flushed before they get their name, and the folder after it."""
    store = FileStore(root)
    store.put(OUTPUT, b"before")
    recorder = Recorder(monkeypatch, root)
    store.put(OUTPUT, b"after")
    assert recorder.calls == ["write draft", "fsync draft", "rename", "unlink", "fsync images/55"]


def test_new_folders_are_flushed_into_their_parents(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder's own name survives a power cut too: its parent is flushed before anything is stored in it."""
    FileStore(root).check()
    recorder = Recorder(monkeypatch, root)
    FileStore(root).put(OUTPUT, b"data")
    calls = recorder.calls[recorder.calls.index("mkdir images") :]
    made = ["mkdir images", "fsync .", *(f"mkdir {shard}" for shard in SHARDS), "fsync images", "write draft"]
    assert calls[: len(made)] == made, "all of them at once, so that no later put has to"


def test_folders_of_another_process_are_flushed_once(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process flushes a folder that it finds, since its maker may not have; a second put costs nothing more."""
    FileStore(root).put(OUTPUT, b"data")
    recorder = Recorder(monkeypatch, root)
    store = FileStore(root)
    store.put(OUTPUT, b"data")
    assert {"fsync .", "fsync images"} <= set(recorder.calls)
    recorder.calls.clear()
    store.put(OUTPUT, b"data")
    assert not {"fsync .", "fsync images"} & set(recorder.calls)


def test_delete_is_flushed(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An erased image does not come back after a power cut."""
    store = FileStore(root)
    store.put(OUTPUT, b"data")
    recorder = Recorder(monkeypatch, root)
    store.delete(OUTPUT)
    assert recorder.calls == ["unlink", "fsync images/55"]


def test_root_is_made_with_its_parents(root: Path) -> None:
    """The first put makes what it needs."""
    FileStore(root).put(OUTPUT, b"data")
    assert files_in(root) == {OUTPUT}


def test_removed_folders_are_made_again(root: Path) -> None:
    """Where someone deleted the folders of a running process, the next put makes them again."""
    store = FileStore(root)
    store.put(OUTPUT, b"before")
    subprocess.run(["rm", "-r", root], check=True)
    store.put(OUTPUT, b"after")
    assert store.get(OUTPUT) == b"after"


def test_modes_keep_strangers_out(root: Path) -> None:
    """Files are readable by owner and group only; folders likewise."""
    before = os.umask(0)
    try:
        FileStore(root).put(OUTPUT, b"data")
    finally:
        os.umask(before)
    assert (root / OUTPUT).stat().st_mode & 0o777 == 0o640
    assert {path.stat().st_mode & 0o777 for path in root.rglob("*") if path.is_dir()} == {0o750}


@pytest.mark.parametrize("call", ["write", "fsync", "rename"])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.EACCES])
def test_failure_leaves_nothing(root: Path, monkeypatch: pytest.MonkeyPatch, call: str, number: int) -> None:
    """Whatever the disk says, wherever it says it: StoreUnavailable, no draft, and the object as it was."""
    store = FileStore(root)
    store.put(OUTPUT, b"before")
    recorder = Recorder(monkeypatch, root)
    recorder.breaking[call] = number
    with pytest.raises(StoreUnavailable) as caught:
        store.put(OUTPUT, b"after")
    recorder.breaking.clear()
    assert files_in(root) == {OUTPUT}
    assert store.get(OUTPUT) == b"before"
    assert str(root) not in str(caught.value)


def test_full_disk(root: Path) -> None:
    """A real limit of the kernel, reached in the middle of the bytes: the reason is told, nothing is left."""
    FileStore(root).put(OUTPUT, b"before")
    script = f"""
import resource
from pathlib import Path
from imagemill.errors import StoreUnavailable
from imagemill.storage.files import FileStore
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    FileStore(Path({str(root)!r})).put({OUTPUT!r}, bytes(200_000))
except StoreUnavailable as error:
    print(error)
"""
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=30)
    assert ended.stdout == "There is no room for more images.\n"
    assert files_in(root) == {OUTPUT}
    assert FileStore(root).get(OUTPUT) == b"before"


@pytest.mark.parametrize("method", ["put", "get", "stat", "open", "delete", "check"])
def test_root_that_is_no_folder(root: Path, method: str) -> None:
    """A store that is not there as it should be is away; the message names no path."""
    root.parent.mkdir(parents=True)
    root.write_bytes(b"a file")
    arguments = {"put": (OUTPUT, b"data"), "check": ()}.get(method, (OUTPUT,))
    with pytest.raises(StoreUnavailable, match=r"^The image store does not answer\.$"):
        getattr(FileStore(root), method)(*arguments)


def test_check_tells_a_disk_that_refuses(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The check writes and flushes for real, each time."""
    store = FileStore(root)
    store.check()
    recorder = Recorder(monkeypatch, root)
    store.check()
    assert recorder.calls == ["write draft", "fsync draft", "unlink"]
    recorder.breaking["fsync"] = errno.EIO
    with pytest.raises(StoreUnavailable):
        store.check()
    assert files_in(root) == set()


def test_linked_root_is_followed(root: Path, tmp_path: Path) -> None:
    """The operator may point the root elsewhere."""
    root.mkdir(parents=True)
    link = tmp_path / "link"
    link.symlink_to(root)
    FileStore(link).put(OUTPUT, b"data")
    assert files_in(root) == {OUTPUT}


@pytest.mark.parametrize("method", ["get", "stat", "open"])
@pytest.mark.parametrize("place", [OUTPUT, "images/55", "images"])
def test_no_link_is_followed(root: Path, tmp_path: Path, place: str, method: str) -> None:
    """A symbolic link below the root leads nowhere, whether it stands for an object or for a folder."""
    elsewhere = FileStore(tmp_path / "elsewhere")
    elsewhere.put(OUTPUT, b"secret")
    link = root / place
    link.parent.mkdir(parents=True)
    link.symlink_to(tmp_path / "elsewhere" / place)
    with pytest.raises(StoreUnavailable):
        getattr(FileStore(root), method)(OUTPUT)


@pytest.mark.parametrize("place", ["images/55", "images", DRAFTS])
def test_nothing_is_written_through_a_link(root: Path, tmp_path: Path, place: str) -> None:
    """A put refuses a folder that is a link, and what the link points to stays as it was."""
    outside = tmp_path / "outside"
    outside.mkdir()
    link = root / place
    link.parent.mkdir(parents=True)
    link.symlink_to(outside)
    with pytest.raises(StoreUnavailable):
        FileStore(root).put(OUTPUT, b"data")
    assert files_in(outside) == set()


def test_a_linked_object_is_replaced_and_deleted_itself(root: Path, tmp_path: Path) -> None:
    """Put and delete act on the link, never on what it points to."""
    target = tmp_path / "target"
    target.write_bytes(b"precious")
    store = FileStore(root)
    store.put(OUTPUT, b"data")
    for act in (lambda: store.put(OUTPUT, b"data"), lambda: store.delete(OUTPUT)):
        (root / OUTPUT).unlink()
        (root / OUTPUT).symlink_to(target)
        act()
        assert not (root / OUTPUT).is_symlink()
    assert target.read_bytes() == b"precious"


def test_large_objects_are_mapped(root: Path) -> None:
    """From MAPPED_BYTES on, `get` copies nothing: it is a view of the page cache, read-only."""
    store = FileStore(root)
    store.put(OUTPUT, bytes(MAPPED_BYTES))
    got = store.get(OUTPUT)
    assert isinstance(got, memoryview)
    assert got.readonly
    assert OUTPUT in Path("/proc/self/maps").read_text()


def test_no_descriptor_leaks(root: Path) -> None:
    """Every call closes what it opened, whether it found something, nothing or a fault."""
    store = FileStore(root)
    store.put(OUTPUT, b"data")
    open_before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(3):
        store.put(OUTPUT, b"data")
        store.get(OUTPUT)
        store.get(ORIGINAL)
        store.stat(OUTPUT)
        (store.open(OUTPUT) or pytest.fail("gone")).close()
        store.delete(ORIGINAL)
        store.check()
    assert len(list(Path("/proc/self/fd").iterdir())) == open_before


def test_a_kill_leaves_no_partial_object(root: Path) -> None:
    """SIGKILL at any moment of a put: each object there is whole, and every draft is in its own folder."""
    script = f"""
from pathlib import Path
from imagemill.domain.keys import original_key
from imagemill.storage.files import FileStore
store, data = FileStore(Path({str(root)!r})), b"x" * 3_000_000
print("ready", flush=True)
for number in range(10**6):
    store.put(original_key("a" * 64, f"{{number % 20:016x}}"), data)
"""
    for delay_seconds in (0.0, 0.005, 0.011, 0.017, 0.023):
        with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as writer:
            assert writer.stdout is not None
            assert writer.stdout.readline() == b"ready\n"
            time.sleep(delay_seconds)  # the moment of the kill, not a wait for something
            writer.send_signal(signal.SIGKILL)
        objects = files_in(root) - {f"{DRAFTS}/{path.name}" for path in (root / DRAFTS).glob("*")}
        assert {(root / name).stat().st_size for name in objects} <= {3_000_000}
        assert all(name.startswith("originals/aa/") for name in objects)


def test_stale_drafts_are_removed(root: Path) -> None:
    """What killed processes left is removed by the next process that stores something; younger drafts are not."""
    FileStore(root).check()
    stale, young = root / DRAFTS / "aaaa", root / DRAFTS / "bbbb"
    for draft, age_seconds in ((stale, STALE_DRAFT_SECONDS + 60), (young, STALE_DRAFT_SECONDS - 60)):
        draft.write_bytes(b"half an im")
        os.utime(draft, (time.time() - age_seconds,) * 2)
    FileStore(root).put(OUTPUT, b"data")
    assert files_in(root) == {OUTPUT, f"{DRAFTS}/bbbb"}
