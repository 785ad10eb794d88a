"""The doctor's checks where something is wrong; where all is well, the functional tests look."""

import resource
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from imagemill.cli import examination
from imagemill.cli.examination import Finding, Verdict
from imagemill.config import Settings
from imagemill.errors import ConfigurationError


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


def test_no_folder_has_no_room_to_tell_of(tmp_path: Path) -> None:
    """That it is missing is another check's finding."""
    assert list(examination.check_disk(Settings(data=tmp_path / "none"))) == []


def test_a_clock_of_long_ago_is_a_warning(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    """A machine without a battery starts in 1970."""
    epoch = time.gmtime(0)
    monkeypatch.setattr(time, "gmtime", lambda: epoch)

    assert only(examination.check_clock(settings)).verdict is Verdict.WARN


def test_no_broker_to_start_is_a_failure(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    """Without a program there is no service."""

    def none_there() -> Path:
        raise ConfigurationError("install one")

    monkeypatch.setattr(examination, "server_program", none_there)

    broker = next(finding for finding in examination.check_services(settings) if finding.part == "broker")

    assert (broker.verdict, broker.remedy) == (Verdict.FAIL, "install one")


def test_a_library_that_does_not_load_is_a_failure(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    """The remedy brings it back."""

    def broken(_: Settings) -> None:
        raise OSError("libvips.so.42: cannot open shared object file")

    monkeypatch.setattr("imagemill.wiring.for_worker", broken)

    finding = only(examination.check_engine(settings))

    assert finding.verdict is Verdict.FAIL
    assert "make clean" in finding.remedy
