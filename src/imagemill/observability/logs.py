"""Logging, and the ids that every line of a request or a job carries.

Lines are events with fields, readable in development and JSON elsewhere, on standard error. No secret, no image data,
no query string is ever a field.
"""

import logging
import sys
from typing import Any

import structlog
from structlog.typing import EventDict, Processor

from imagemill.config import Settings
from imagemill.observability.reports import reporter


def configure(settings: Settings, role: str) -> None:
    """Send every log line of this process, also those of libraries, through one formatter.

    Args:
        settings: level and form.
        role: what this process is, as its command is called; on every line.
    """
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _naming(role),
    ]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.ExtraAdder()],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_rendering(settings)],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = filter(None, [handler, reporter(settings, role)])
    root.setLevel(settings.log_level)
    # They tell of every task, step and child that comes and goes; imagemill's own line of a job says more.
    for name in ("alembic", "celery.app.trace", "celery.worker.strategy", "kombu", "multiprocessing", "pyvips"):
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(root.level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )


def logger() -> structlog.typing.FilteringBoundLogger:
    """A logger of events with fields: `logger().info("request", status=202)`."""
    return structlog.get_logger("imagemill")  # type: ignore[no-any-return]


def cause(error: BaseException) -> str | None:
    """What lies under an error that is worded for clients: class and first line of the innermost cause, for the log."""
    innermost = error
    while innermost.__cause__ is not None:
        innermost = innermost.__cause__
    if innermost is error:
        return None
    return f"{type(innermost).__name__}: {str(innermost).partition(chr(10))[0][:200]}"


def bind(**ids: str) -> None:
    """Put ids, such as request_id or token, on every following line of this thread."""
    structlog.contextvars.bind_contextvars(**ids)


def bound(*names: str) -> dict[str, str]:
    """Those of the ids that are on every line of this thread now."""
    ids = structlog.contextvars.get_contextvars()
    return {name: ids[name] for name in names if name in ids}


def unbind(*names: str) -> None:
    """Take these ids off again; without names, all."""
    if names:
        structlog.contextvars.unbind_contextvars(*names)
    else:
        structlog.contextvars.clear_contextvars()


def _naming(role: str) -> Processor:
    def name(_: Any, __: str, event: EventDict) -> EventDict:
        event["role"] = role
        return event

    return name


def _rendering(settings: Settings) -> list[Processor]:
    if settings.log_lines == "json":
        return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    plain: Any = structlog.dev.plain_traceback
    return [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain)]
