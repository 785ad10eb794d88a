"""Gunicorn's settings that keep a promise."""

from imagemill.cli.connections import TimedWorker
from imagemill.cli.gunicorn import options
from imagemill.config import Settings


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
