"""Connections to the database: how each dialect is opened and begun, and what its errors mean. Knows no table.

Drivers run in autocommit, so that a lone SELECT costs one round trip; a writing transaction is opened by the
dialect's own words.
"""

import os
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolExhausted

from imagemill.errors import RecordUnavailable

_WAIT_SECONDS = 5
"""For a lock, for a connection, for a place in the pool, for the end of a statement."""

_LOOK_SECONDS = 0.0005


@dataclass(frozen=True)
class _Dialect:
    """How a database is spoken to.

    Args:
        connect: arguments of the driver's `connect`.
        opened: said on each new connection.
        durable: begins a transaction that survives a power cut once it is committed.
        fleeting: begins one that may be forgotten in a power cut, and saves the wait for the disk.
        ping: whether a pooled connection may have died in the meantime.
        single_writer: whether it lets one transaction write at a time.
    """

    connect: Mapping[str, Any]
    opened: tuple[str, ...]
    durable: tuple[str, ...]
    fleeting: tuple[str, ...]
    ping: bool
    single_writer: bool


_DIALECTS = {
    "sqlite": _Dialect(
        connect={"timeout": _WAIT_SECONDS},
        opened=("PRAGMA journal_mode=WAL", "PRAGMA foreign_keys=ON"),
        # Without IMMEDIATE two transactions that read before they write would lose updates or fail at once. In WAL
        # mode NORMAL only leaves out the fsync; the next FULL commit makes up for it (sqlite.org/pragma.html).
        durable=("PRAGMA synchronous=FULL", "BEGIN IMMEDIATE"),
        fleeting=("PRAGMA synchronous=NORMAL", "BEGIN IMMEDIATE"),
        ping=False,
        single_writer=True,
    ),
    "postgresql": _Dialect(
        # A machine that vanished is noticed by what it leaves unacknowledged, or by keepalives where nothing is under
        # way (tcp(7); libpq's parameters of these names).
        connect={
            "connect_timeout": _WAIT_SECONDS,
            "tcp_user_timeout": _WAIT_SECONDS * 1000,
            "keepalives_idle": _WAIT_SECONDS,
            "keepalives_interval": 1,
            "keepalives_count": 3,
        },
        opened=(
            f"SET lock_timeout = '{_WAIT_SECONDS}s'",
            f"SET statement_timeout = '{_WAIT_SECONDS}s'",
            # A process that is frozen inside a transaction must not hold its locks for ever.
            "SET idle_in_transaction_session_timeout = '60s'",
        ),
        durable=("BEGIN",),
        fleeting=("BEGIN; SET LOCAL synchronous_commit TO off",),
        ping=True,
        single_writer=False,
    ),
}


class Database:
    """Opens connections, in each process its own: neither SQLite nor PostgreSQL survives a fork.

    Args:
        url: `sqlite:///path` or `postgresql://…`. Nothing is opened before it is used.
        patient: whether a statement may take as long as it takes, as a migration of large tables does.
    """

    def __init__(self, url: str, *, patient: bool = False) -> None:
        self._url = make_url(url)
        self._patient = patient
        self._dialect = _DIALECTS[self._url.get_backend_name()]
        # By process id. A parent's engine is kept, untouched: to close it here would close the parent's connections.
        self._engines: dict[int, Engine] = {}
        self._writer = threading.Lock()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection on which each statement stands alone. Raises RecordUnavailable."""
        with _unavailable(), self._engine().connect() as connection:
            yield connection

    @contextmanager
    def writing(self, *, durable: bool = True) -> Iterator[Connection]:
        """A connection within one transaction, committed at the end. Raises RecordUnavailable.

        Args:
            durable: whether what it writes has to survive a power cut.
        """
        with self._turn(), self.reading() as connection:
            connection.execution_options(opening=self._dialect.durable if durable else self._dialect.fleeting)
            with connection.begin():
                yield connection

    @contextmanager
    def _turn(self) -> Iterator[None]:
        # One file, one writer: threads wait for each other here, where waiting costs nothing.
        if not self._dialect.single_writer:
            yield
        elif self._writer.acquire(timeout=_WAIT_SECONDS):
            try:
                yield
            finally:
                self._writer.release()
        else:
            raise RecordUnavailable("The database does not answer.")

    def close(self) -> None:
        """Close this process's connections; a later use opens new ones."""
        engine = self._engines.pop(os.getpid(), None)
        if engine is not None:
            engine.dispose()

    def _engine(self) -> Engine:
        engine = self._engines.get(os.getpid())
        # Of two threads that come first at once one wins; the other's engine has opened nothing yet.
        return engine or self._engines.setdefault(os.getpid(), self._create())

    def _create(self) -> Engine:
        engine = create_engine(
            self._url,
            isolation_level="AUTOCOMMIT",
            connect_args=dict(self._dialect.connect),
            pool_pre_ping=self._dialect.ping,
            pool_timeout=_WAIT_SECONDS,
            # As many as an API process may have threads; no more are opened than are in use at once.
            pool_size=64,
            max_overflow=0,
        )
        if self._url.get_backend_name() == "postgresql" and not self._patient:
            event.listen(engine, "do_connect", _connect_promptly)
        event.listen(engine, "connect", self._opened)
        event.listen(engine, "begin", _begin_sqlite if self._url.get_backend_name() == "sqlite" else _begin)
        return engine

    def _opened(self, connection: Any, _: object) -> None:
        cursor = connection.cursor()
        for statement in self._dialect.opened:
            cursor.execute(statement)
        if self._patient and self._url.get_backend_name() == "postgresql":
            cursor.execute("SET statement_timeout = 0")
        cursor.close()
        connection.commit()


def _connect_promptly(_: object, __: object, arguments: list[Any], named: dict[str, Any]) -> object:
    from imagemill.jobs.prompt import PromptConnection  # noqa: PLC0415  # SQLite does without the driver

    return PromptConnection.connect(*arguments, **named)


def _begin(connection: Connection) -> None:
    for statement in connection.get_execution_options().get("opening", ()):
        connection.exec_driver_sql(statement)


def _begin_sqlite(connection: Connection) -> None:
    *manners, begin = connection.get_execution_options().get("opening", ("",))
    driver: Any = connection.connection.dbapi_connection
    try:
        # What was said to a connection stays true for it until it is told otherwise.
        if connection.info.get("manners") != manners:
            for statement in manners:
                driver.execute(statement)
            connection.info["manners"] = manners
        if begin:
            _take_lock(driver, begin)
    except sqlite3.OperationalError as error:
        raise RecordUnavailable("The database does not answer.") from error


def _take_lock(driver: Any, begin: str) -> None:
    # SQLite itself would look again after 1, 2, 5, 10, … 100 ms, while a transaction takes less than one: writers at
    # their limit would mostly sleep, and an unlucky one for half a second.
    deadline = time.monotonic() + _WAIT_SECONDS
    driver.execute("PRAGMA busy_timeout=0")
    try:
        while True:
            try:
                driver.execute(begin)
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                    raise
                time.sleep(_LOOK_SECONDS)
            else:
                return
    finally:
        driver.execute(f"PRAGMA busy_timeout={_WAIT_SECONDS * 1000}")


@contextmanager
def _unavailable() -> Iterator[None]:
    try:
        yield
    except (IntegrityError, ProgrammingError, DataError):
        # These blame the statement. All others blame the database: away, read-only, full, in recovery, too busy.
        raise
    except (DBAPIError, PoolExhausted) as error:
        raise RecordUnavailable("The database does not answer.") from error
