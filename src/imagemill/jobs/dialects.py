"""What is peculiar to SQLite, PostgreSQL and MySQL: how each is reached, opened and begun. Knows no table.

Drivers run in autocommit, so that a lone statement costs one round trip; a transaction is opened by words of our own.
"""

import sqlite3
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from sqlalchemy import URL, Connection, make_url
from sqlalchemy.exc import ArgumentError

from imagemill.errors import ConfigurationError, RecordUnavailable
from imagemill.jobs.access import Access

DURABLE = "imagemill_durable"
"""Execution option of a connection whose transaction is to be opened: whether it has to survive a power cut."""

_EXTRAS = {"psycopg": "postgresql", "pymysql": "mysql"}
"""Drivers that are optional, by the extra of the package that brings each."""

_LOOK_SECONDS = 0.0005


@dataclass(frozen=True)
class Dialect:
    """How a database is spoken to.

    Args:
        drivername: dialect and driver, as SQLAlchemy writes them.
        begin: opens a transaction where DURABLE says so.
        connect: arguments of the driver's `connect`.
        opened: said on each new connection.
        single_writer: whether it lets one transaction write at a time.
        connection: makes a connection, of a class of our own.
    """

    drivername: str
    begin: Callable[[Connection], None]
    connect: Mapping[str, Any]
    opened: tuple[str, ...] = ()
    single_writer: bool = False
    connection: Callable[..., object] | None = None


def read_url(url: str) -> URL:
    """A URL as the engine takes it. Raises ConfigurationError for one that is not a database's."""
    try:
        parsed = make_url(url)
        return parsed.set(drivername=_DIALECTS[parsed.get_backend_name()](Access()).drivername)
    except (ArgumentError, ValueError, KeyError):
        # What is wrong with it would quote it, and it may hold a password.
        raise ConfigurationError("IMAGEMILL_DATABASE_URL is not the URL of a database") from None


def dialect_of(url: URL, access: Access) -> Dialect:
    """The dialect of a URL from `read_url`. Raises ConfigurationError if its driver is not installed."""
    extra = _EXTRAS.get(driver := url.get_driver_name())
    if extra and find_spec(driver) is None:
        raise ConfigurationError(f"IMAGEMILL_DATABASE_URL needs {driver}: pip install 'imagemill[{extra}]'")
    return _DIALECTS[url.get_backend_name()](access)


def _sqlite(access: Access) -> Dialect:
    return Dialect(
        drivername="sqlite",
        begin=_begin_sqlite(access.timeout_seconds),
        connect={"timeout": access.timeout_seconds},
        opened=("PRAGMA journal_mode=WAL", "PRAGMA foreign_keys=ON"),
        single_writer=True,
    )


def _postgresql(access: Access) -> Dialect:
    wait = access.timeout_seconds
    return Dialect(
        drivername="postgresql+psycopg",
        begin=_begin,
        # A machine that vanished is noticed by what it leaves unacknowledged, or by keepalives where nothing is under
        # way (tcp(7); libpq's parameters of these names).
        connect={
            "connect_timeout": wait,
            "tcp_user_timeout": wait * 1000,
            "keepalives_idle": wait,
            "keepalives_interval": 1,
            "keepalives_count": 3,
        },
        opened=(
            f"SET lock_timeout = '{wait}s'; "
            f"SET statement_timeout = '{0 if access.unhurried else wait}s'; "
            # A process that is frozen inside a transaction must not hold its locks for ever.
            "SET idle_in_transaction_session_timeout = '60s'; "
            # What the updates are written for, whatever an operator made the default.
            "SET default_transaction_isolation = 'read committed'",
        ),
        connection=None if access.unhurried else _prompt_connection(access.answer_seconds),
    )


def _mysql(access: Access) -> Dialect:
    wait, statement = access.timeout_seconds, 0 if access.unhurried else access.timeout_seconds
    common = {
        # The clock must not jump with a time zone, and a value that does not fit must not be cut in silence.
        "time_zone": "'+00:00'",
        "sql_mode": "'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION'",
        "innodb_lock_wait_timeout": wait,
        "lock_wait_timeout": wait,
    }
    # REPEATABLE READ, the default, would lock gaps between rows, so that inserts of different jobs wait for each other.
    mariadb = {"tx_isolation": "'READ-COMMITTED'", "max_statement_time": statement, "idle_transaction_timeout": 60}
    mysql = {"transaction_isolation": "'READ-COMMITTED'", "max_execution_time": statement * 1000}
    answer = None if access.unhurried else access.answer_seconds
    return Dialect(
        drivername="mysql+pymysql",
        begin=_begin,
        connect={
            "charset": "utf8mb4",
            "connect_timeout": wait,
            "read_timeout": answer,
            "write_timeout": answer,
            # Each reads the comment that is meant for it (mariadb.com/kb/en/comment-syntax). Said by the driver, so
            # that SQLAlchemy's first questions find the same mode.
            "init_command": f"SET {_assigned(common)} /*M!101100 , {_assigned(mariadb)} */ "
            f"/*!80000 , {_assigned(mysql)} */",
        },
        connection=_quiet_connection,
    )


def _assigned(variables: Mapping[str, object]) -> str:
    return ", ".join(f"SESSION {name} = {value}" for name, value in variables.items())


_DIALECTS: Mapping[str, Callable[[Access], Dialect]] = {
    "sqlite": _sqlite,
    "postgresql": _postgresql,
    "mysql": _mysql,
}


def _prompt_connection(answer_seconds: float) -> Callable[..., object]:
    def connect(*arguments: Any, **named: Any) -> object:
        from imagemill.jobs.prompt import PromptConnection  # noqa: PLC0415  # others do without the driver

        connection = PromptConnection.connect(*arguments, **named)
        connection.answer_seconds = answer_seconds
        return connection

    return connect


def _quiet_connection(*arguments: Any, **named: Any) -> object:
    from imagemill.jobs.quiet import QuietConnection  # noqa: PLC0415  # others do without the driver

    return QuietConnection(*arguments, **named)


def _begin(connection: Connection) -> None:
    if DURABLE in connection.get_execution_options():
        connection.exec_driver_sql("BEGIN")


def _begin_sqlite(wait_seconds: int) -> Callable[[Connection], None]:
    def begin(connection: Connection) -> None:
        durable = connection.get_execution_options().get(DURABLE)
        if durable is None:
            return
        driver: Any = connection.connection.dbapi_connection
        try:
            # What was said to a connection stays true for it until it is told otherwise.
            if connection.info.get(DURABLE) is not durable:
                # In WAL mode NORMAL only leaves out the fsync; the next FULL commit makes up for it
                # (sqlite.org/pragma.html).
                driver.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
                connection.info[DURABLE] = durable
            _take_lock(driver, wait_seconds)
        except sqlite3.OperationalError as error:
            raise RecordUnavailable("The database does not answer.") from error

    return begin


def _take_lock(driver: Any, wait_seconds: int) -> None:
    # SQLite itself would look again after 1, 2, 5, 10, … 100 ms, while a transaction takes less than one: writers at
    # their limit would mostly sleep, and an unlucky one for half a second.
    deadline = time.monotonic() + wait_seconds
    driver.execute("PRAGMA busy_timeout=0")
    try:
        while True:
            try:
                # Without IMMEDIATE two transactions that read before they write would lose updates or fail at once.
                driver.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                    raise
                time.sleep(_LOOK_SECONDS)
            else:
                return
    finally:
        driver.execute(f"PRAGMA busy_timeout={wait_seconds * 1000}")
