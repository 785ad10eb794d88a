"""Gunicorn's settings that keep a promise."""

import pytest
from gunicorn.arbiter import Arbiter

from imagemill.cli.connections import TimedWorker
from imagemill.cli.gunicorn import _Server, options
from imagemill.config import Settings
from imagemill.errors import ConfigurationError
from imagemill.web import app


def test_nothing_is_shared_over_a_fork() -> None:
    """No preloaded application and no thread in the process that forks, or libvips would hang in its children."""
    chosen = options(Settings())

    assert chosen["worker_class"] is TimedWorker
    assert chosen["preload_app"] is False
    assert chosen["control_socket_disable"] is True


def test_it_follows_the_settings() -> None:
    """Address, processes, threads, and how long running requests have at a stop."""
    chosen = options(Settings(host="::1", port=6000, api_processes=3, api_threads=5, shutdown_seconds=7))

    assert chosen["bind"] == ["[::1]:6000"]
    assert (chosen["workers"], chosen["threads"], chosen["graceful_timeout"]) == (3, 5, 7)


def test_a_setting_that_no_process_can_use_is_one_line(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """What only shows in a process that serves ends the server, without a traceback for who has mistyped something."""

    def refuse() -> None:
        raise ConfigurationError("IMAGEMILL_DATABASE_URL needs a driver")

    monkeypatch.setattr(app, "for_gunicorn", refuse)
    with pytest.raises(SystemExit) as ended:
        _Server(options(Settings())).load()
    assert ended.value.code == Arbiter.WORKER_BOOT_ERROR
    assert [record.getMessage() for record in caplog.records] == ["IMAGEMILL_DATABASE_URL needs a driver"]
    assert caplog.records[0].exc_info is None
