"""Which instruments the settings ask for."""

import builtins
import errno
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from imagemill.config import Profile, Settings
from imagemill.domain.ports import Backlog
from imagemill.errors import ConfigurationError
from imagemill.observability.exposition import Exposition
from imagemill.observability.instruments import instruments
from imagemill.observability.metrics import NoMetrics, PrometheusMetrics
from imagemill.observability.reports import reporter
from imagemill.observability.tracing import NoTracing, OpenTelemetryTracing, tracing

TESTING: Mapping[str, Any] = {
    "profile": Profile.TESTING,
    "secret_key": "not-so-secret-0123456789-abcdefgh",
    "auth": "off",
}


def test_by_default_nothing_is_counted_and_traced(tmp_path: Path) -> None:
    """What nobody asked for costs nothing and makes no folder."""
    seen = instruments(Settings(data=tmp_path / "data", **TESTING), "api")
    assert type(seen.metrics) is NoMetrics
    assert type(seen.tracing) is NoTracing
    assert not (tmp_path / "data").exists()


def test_in_development_is_counted(folder: Path, tmp_path: Path) -> None:
    """So that whoever tries it can look at /metrics."""
    seen = instruments(Settings(data=tmp_path), "api")
    assert isinstance(seen.metrics, PrometheusMetrics)
    assert (tmp_path / "metrics").is_dir()
    seen.metrics._slot.lock.close()


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="this system cannot reserve a file's blocks")
def test_on_a_full_disk_nothing_is_counted(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The process works all the same, and its log says what is missing."""

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)

    settings = Settings(data=tmp_path)
    assert type(instruments(settings, "api").metrics) is NoMetrics
    assert "No space left on device" in caplog.text
    assert settings.metrics_folder is not None
    scrape = Exposition(settings.metrics_folder, lambda: Backlog(0, 0.0, 0))
    assert b"imagemill_record_up 1.0" in scrape.text(), "what others count is told all the same"


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="this system cannot reserve a file's blocks")
def test_where_no_blocks_can_be_reserved_all_is_counted(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some file systems know no such thing."""

    def unknown(*_: object) -> None:
        raise OSError(errno.EOPNOTSUPP, "Operation not supported")

    monkeypatch.setattr(os, "posix_fallocate", unknown)

    assert type(instruments(Settings(data=tmp_path), "api").metrics) is PrometheusMetrics


def test_roles_that_share_a_port_share_a_folder(tmp_path: Path) -> None:
    """And no other: what two ports show is never counted twice. The data folder may be other machines', too."""
    first, second = (Settings(data=tmp_path, metrics_port=port) for port in (9100, 9101))
    assert first.metrics_folder == Settings(data=tmp_path, metrics_port=9100, **TESTING).metrics_folder
    assert first.metrics_folder != second.metrics_folder
    assert first.metrics_folder is not None
    assert tmp_path not in first.metrics_folder.parents


def test_without_shared_memory_there_are_temporary_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on macOS."""
    monkeypatch.setattr(os, "access", lambda *_: False)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    folder = Settings(metrics_port=9100).metrics_folder
    assert folder is not None
    assert folder.parent == tmp_path


def test_an_endpoint_asks_for_traces() -> None:
    """Of the process that calls."""
    traces = tracing(Settings(otlp_endpoint="http://127.0.0.1:1"), "api")
    assert isinstance(traces, OpenTelemetryTracing)
    traces.close()


@pytest.mark.parametrize(
    ("package", "setting", "ask"),
    [
        ("opentelemetry", {"otlp_endpoint": "http://127.0.0.1:1"}, tracing),
        ("sentry_sdk", {"sentry_dsn": "http://key@127.0.0.1/1"}, reporter),
    ],
)
def test_a_missing_extra_is_named(
    package: str, setting: Mapping[str, Any], ask: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever sets the variable learns what to install."""
    real = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name.partition(".")[0] == package:
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ConfigurationError, match=f"IMAGEMILL_{next(iter(setting)).upper()}.*pip install"):
        ask(Settings(**setting), "api")


def test_the_metrics_need_a_port_of_their_own() -> None:
    """The API's faces the world."""
    with pytest.raises(ValueError, match="IMAGEMILL_METRICS_PORT"):
        Settings(port=5000, metrics_port=5000)
