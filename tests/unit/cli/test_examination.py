"""The doctor's checks where something is wrong; where all is well, the functional tests look."""

import resource
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from imagemill.cli import examination
from imagemill.cli.finding import Finding, Verdict
from imagemill.config import Settings


def only(findings: Iterator[Finding]) -> Finding:
    """The one finding."""
    (finding,) = findings
    return finding


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings whose data folder is there."""
    return Settings(data=tmp_path)


def test_few_open_files_are_a_warning(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    """The remedy is a command that can be typed."""
    monkeypatch.setattr(resource, "getrlimit", lambda _: (256, 2048))

    finding = only(examination.check_files(settings))

    assert (finding.verdict, finding.remedy) == (Verdict.WARN, "Raise the limit: ulimit -n 2048")


def test_no_limit_on_files_is_well(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    """Infinity is a number below zero."""
    monkeypatch.setattr(resource, "getrlimit", lambda _: (resource.RLIM_INFINITY, resource.RLIM_INFINITY))

    assert only(examination.check_files(settings)).verdict is Verdict.OK


def test_a_full_disk_is_a_warning(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    """It says what will happen."""
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=2**20))

    finding = only(examination.check_disk(settings))

    assert finding.verdict is Verdict.WARN
    assert "503" in finding.remedy


def test_the_disk_of_the_store_is_looked_at_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Images may lie elsewhere, on a disk that is full while the record's is not."""
    data, store = tmp_path / "data", tmp_path / "store"
    data.mkdir()
    store.mkdir()
    settings = Settings(data=data, storage_url=f"file:{store}")
    assert [finding.part for finding in examination.check_disk(settings)] == ["disk"]

    disks, stat = {data: 1, store: 2}, Path.stat
    free = {data: 2**40, store: 2**20}

    def on_its_disk(path: Path, **how: bool) -> object:
        return SimpleNamespace(st_dev=disks[path], st_mode=stat(path, **how).st_mode)

    monkeypatch.setattr(Path, "stat", on_its_disk)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=free[folder]))
    found = {finding.part: finding.verdict for finding in examination.check_disk(settings)}

    assert found == {"disk": Verdict.OK, "store disk": Verdict.WARN}


def test_a_folder_that_is_missing_is_not_made(tmp_path: Path) -> None:
    """It is told who makes it; its disk has no room to tell of."""
    settings = Settings(data=tmp_path / "none")

    finding = only(examination.check_folder(settings))

    assert (finding.verdict, finding.detail) == (Verdict.WARN, "is not set up yet")
    assert list(examination.check_disk(settings)) == []
    assert list(tmp_path.iterdir()) == []


def test_an_open_door_is_a_warning(tmp_path: Path) -> None:
    """Who listens on every address with nothing that asks who calls is told so."""
    assert only(examination.check_access(Settings(data=tmp_path))).verdict is Verdict.OK

    finding = only(examination.check_access(Settings(data=tmp_path, host="0.0.0.0")))

    assert finding.verdict is Verdict.WARN
    assert "127.0.0.1" in finding.remedy


def test_a_clock_of_long_ago_is_a_warning(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    """A machine without a battery starts in 1970."""
    epoch = time.gmtime(0)
    monkeypatch.setattr(time, "gmtime", lambda: epoch)

    assert only(examination.check_clock(settings)).verdict is Verdict.WARN


def test_a_library_that_does_not_load_is_a_failure(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    """The remedy brings it back."""

    def broken(_: Settings) -> None:
        raise OSError("libvips.so.42: cannot open shared object file")

    monkeypatch.setattr("imagemill.wiring.create_engine", broken)

    finding = only(examination.check_engine(settings))

    assert finding.verdict is Verdict.FAIL
    assert "make clean" in finding.remedy
