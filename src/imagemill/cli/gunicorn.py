"""The HTTP server: Gunicorn in this process, with its settings from ours. Never preloads the application."""

import logging
import os
from pathlib import Path
from typing import Any

from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.glogging import Logger

from imagemill import config, observability
from imagemill.cli.address import bracketed
from imagemill.cli.connections import TimedWorker
from imagemill.errors import ConfigurationError

log = logging.getLogger(__name__)

_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - Gunicorn makes its files there safely
_KEEPALIVE_SECONDS = 75
_LONGEST_LINE_BYTES = 8190


def run(settings: config.Settings) -> None:
    """Serve the API in this process and its children until SIGTERM."""
    observability.configure(settings, "api")
    config.export(settings)
    _Server(options(settings)).run()


def options(settings: config.Settings) -> dict[str, Any]:
    """Gunicorn's settings by name."""
    return {
        "bind": [f"{bracketed(settings.host)}:{settings.port}"],
        "worker_class": TimedWorker,
        "workers": settings.api_processes,
        "threads": settings.api_threads,
        # libvips hangs in a child whose parent used it before the fork.
        "preload_app": False,
        # It would be a thread in a process that forks.
        "control_socket_disable": True,
        "graceful_timeout": settings.shutdown_seconds,
        # Longer than the 60 s for which nginx keeps a connection to us, so that it is nginx who ends it.
        "keepalive": _KEEPALIVE_SECONDS,
        # Options may stand in the query, and many outputs make it long; Gunicorn's own most.
        "limit_request_line": _LONGEST_LINE_BYTES,
        # However trusted, nobody else says where a path begins: it would be another page than the one let pass.
        "forwarder_headers": "",
        # The heartbeat must not wait for a disk.
        "worker_tmp_dir": str(_SHARED_MEMORY) if os.access(_SHARED_MEMORY, os.W_OK) else None,
        "logger_class": _Log,
        "errorlog": None,
        "loglevel": settings.log_level.lower(),
        "proc_name": "imagemill",
    }


class _Server(BaseApplication):  # type: ignore[misc]
    def __init__(self, options: dict[str, Any]) -> None:
        self._options = options
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._options.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        from imagemill.web.app import for_gunicorn  # noqa: PLC0415 - in the process that serves, after the fork

        try:
            return for_gunicorn()
        except ConfigurationError as error:
            # One line, and the code by which Gunicorn knows that it need not try again.
            log.error(error.detail)
            raise SystemExit(Arbiter.WORKER_BOOT_ERROR) from error


class _Log(Logger):  # type: ignore[misc]
    """Sends Gunicorn's lines through our log; requests are logged by the application."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        self.error_log.propagate = True
