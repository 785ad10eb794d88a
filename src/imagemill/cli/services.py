"""What the doctor asks of the parts that record and carry the work: database, jobs, broker and workers.

It only looks: what has not been set up yet is told, not made.
"""

# ruff: noqa: PLC0415 - the adapters are slow to import, and commands that only show help do not need them

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from imagemill.cli.address import require_free
from imagemill.cli.embedded import server_program
from imagemill.cli.finding import Finding, Verdict
from imagemill.cli.lock import is_locked
from imagemill.cli.trouble import told
from imagemill.errors import ConfigurationError, ImagemillError

if TYPE_CHECKING:
    from imagemill.config import Settings

_PING_SECONDS = 2.0
_LONG_WAIT_SECONDS = 60.0
_SQLITE = "sqlite:///"


def not_set_up(part: str, place: Path, maker: str, remedy: str) -> Finding:
    """A file or folder is not there yet: which is well before the first start, if it can be made.

    Args:
        part: what it is for.
        place: where it will be.
        maker: what makes it.
        remedy: what helps if it cannot be made.
    """
    above = next(folder for folder in place.absolute().parents if os.path.lexists(folder))
    if above.is_dir() and os.access(above, os.W_OK | os.X_OK):
        return Finding(part, Verdict.WARN, "is not set up yet", f"{maker} makes it.")
    return Finding(part, Verdict.FAIL, f"cannot be made: {above} cannot be written", remedy)


def check_database(settings: "Settings") -> Iterator[Finding]:
    """The database answers with the tables of this release; then, how many jobs wait in it."""
    from imagemill import wiring

    url = settings.database
    if url.startswith(_SQLITE) and _lacks(file := Path(url.removeprefix(_SQLITE).partition("?")[0])):
        yield not_set_up("database", file, "`imagemill up` or `imagemill db upgrade`", _REMEDIES["database"])
        return
    finding = _look("database", lambda: wiring.create_record(settings).check())
    if finding.verdict is not Verdict.OK:
        yield finding
        return
    try:
        yield from _check_server(settings)
        yield from _check_jobs(settings)
    except ImagemillError as error:  # since it answered a moment ago
        yield Finding("database", Verdict.FAIL, told(error), _REMEDIES["database"])


def _check_server(settings: "Settings") -> Iterator[Finding]:
    from imagemill.jobs import server

    found = server.look(settings.database)
    yield Finding("database", Verdict.OK, f"{found.name} answers")
    for caution in found.cautions:
        yield Finding("database", Verdict.WARN, caution.detail, caution.remedy)
    threads = settings.api_processes * min(settings.api_threads, settings.database_pool_size)
    # A child's job and its heartbeat; the beat.
    ours = threads + settings.concurrency * min(2, settings.database_pool_size) + 1
    if found.connections is not None and ours > found.connections:
        detail = f"it lets {found.connections} connections be opened; all roles on one machine as this use {ours}"
        yield Finding("database", Verdict.WARN, detail, "Raise its max_connections, or lower IMAGEMILL_API_THREADS.")


def _check_jobs(settings: "Settings") -> Iterator[Finding]:
    from imagemill import wiring

    backlog = wiring.create_record(settings).backlog()
    if not backlog.pending:
        yield Finding("jobs", Verdict.OK, "none is pending")
        return
    detail = f"{backlog.pending} pending, the oldest for {backlog.oldest_seconds:.0f} s"
    if backlog.oldest_seconds <= _LONG_WAIT_SECONDS:
        yield Finding("jobs", Verdict.OK, detail)
    else:
        remedy = "See whether worker, broker and beat run and what they log; if they do, run more workers."
        yield Finding("jobs", Verdict.WARN, detail, remedy)


def check_carriers(settings: "Settings") -> Iterator[Finding]:
    """The broker answers, and a worker behind it."""
    from imagemill import wiring

    broker = _look("broker", lambda: wiring.create_queue(settings).check())
    if broker.verdict is Verdict.FAIL and not settings.broker_url:
        broker = _embedded_broker(settings, broker)
    yield broker
    if _worker_answers(settings):
        yield Finding("worker", Verdict.OK, "answers")
    else:
        yield Finding("worker", Verdict.WARN, "none answers", _REMEDIES["worker"])


def _worker_answers(settings: "Settings") -> bool:
    from imagemill.broker import create_celery, worker_answers

    try:
        return worker_answers(create_celery(settings), _PING_SECONDS)
    except ValueError:  # a broker's URL that cannot be read; its own finding says so
        return False


def _embedded_broker(settings: "Settings", away: Finding) -> Finding:
    try:
        program = server_program()
    except ConfigurationError as error:
        return Finding("broker", Verdict.FAIL, "there is none to start", error.detail)
    # The service runs, perhaps on a port that a flag named, so the broker ought to as well.
    if is_locked(settings.data) or not _is_free(settings):
        return Finding(
            "broker", Verdict.FAIL, away.detail, "`imagemill up` starts it again; its log says why it ended."
        )
    return Finding("broker", Verdict.OK, f"is not running; `imagemill up` starts {program.name}")


def _is_free(settings: "Settings") -> bool:
    try:
        require_free(settings.host, settings.port)
    except ConfigurationError:
        return False
    return True


def _look(part: str, check: Callable[[], None]) -> Finding:
    try:
        check()
    except ConfigurationError as error:
        return Finding(part, Verdict.FAIL, error.detail)  # which says what to do
    except ImagemillError as error:
        return Finding(part, Verdict.FAIL, told(error), _REMEDIES[part])
    except Exception as error:  # noqa: BLE001 - a URL may be one that only its library finds wrong, and quotes
        return Finding(part, Verdict.FAIL, f"cannot be asked: {type(error).__name__}", _REMEDIES[part])
    return Finding(part, Verdict.OK, "answers")


def _lacks(database: Path) -> bool:
    try:
        return database.stat().st_size == 0  # as one who only opened it leaves it
    except (FileNotFoundError, NotADirectoryError):
        return database.name != ":memory:"
    except OSError:
        return False


_REMEDIES = {
    "database": "Run `imagemill db upgrade`; if it does not answer at all, look at IMAGEMILL_DATABASE_URL.",
    "broker": "Start it, or look at IMAGEMILL_BROKER_URL.",
    "worker": "`imagemill up` or `imagemill worker` starts one; if one runs, its broker and queue must be these.",
}
