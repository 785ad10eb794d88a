"""Connections to the database: how each dialect is opened and begun, and what its errors mean. Knows no table.

Drivers run in autocommit, so that a lone SELECT costs one round trip; a writing transaction is opened by the
dialect's own words.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolExhausted

from imagemill.errors import RecordUnavailable

_WAIT_SECONDS = 5
"""For a lock, for a connection, for a place in the pool."""


@dataclass(frozen=True)
class _Dialect:
    """How a database is spoken to.

    Args:
        connect: arguments of the driver's `connect`.
        opened: said on each new connection.
        durable: begins a transaction that survives a power cut once it is committed.
        fleeting: begins one that may be forgotten in a power cut, and saves the wait for the disk.
        ping: whether a pooled connection may have died in the meantime.
    """

    connect: Mapping[str, Any]
    opened: tuple[str, ...]
    durable: tuple[str, ...]
    fleeting: tuple[str, ...]
    ping: bool


_DIALECTS = {
    "sqlite": _Dialect(
        connect={"timeout": _WAIT_SECONDS},
        opened=("PRAGMA journal_mode=WAL", "PRAGMA foreign_keys=ON"),
        # Without IMMEDIATE two transactions that read before they write would lose updates or fail at once. In WAL
        # mode NORMAL only leaves out the fsync; the next FULL commit makes up for it (sqlite.org/pragma.html).
        durable=("PRAGMA synchronous=FULL", "BEGIN IMMEDIATE"),
        fleeting=("PRAGMA synchronous=NORMAL", "BEGIN IMMEDIATE"),
        ping=False,
    ),
    "postgresql": _Dialect(
        connect={"connect_timeout": _WAIT_SECONDS},
        # A process that is frozen inside a transaction must not hold its locks for ever.
        opened=(f"SET lock_timeout = '{_WAIT_SECONDS}s'", "SET idle_in_transaction_session_timeout = '60s'"),
        durable=("BEGIN",),
        fleeting=("BEGIN; SET LOCAL synchronous_commit TO off",),
        ping=True,
    ),
}


class Database:
    """Opens connections, in each process its own: neither SQLite nor PostgreSQL survives a fork.

    Args:
        url: `sqlite:///path` or `postgresql://…`. Nothing is opened before it is used.
    """

    def __init__(self, url: str) -> None:
        self._url = make_url(url)
        self._dialect = _DIALECTS[self._url.get_backend_name()]
        # By process id. A parent's engine is kept, untouched: to close it here would close the parent's connections.
        self._engines: dict[int, Engine] = {}

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
        with self.reading() as connection:
            connection.execution_options(opening=self._dialect.durable if durable else self._dialect.fleeting)
            with connection.begin():
                yield connection

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
        event.listen(engine, "connect", self._opened)
        event.listen(engine, "begin", _begin)
        return engine

    def _opened(self, connection: Any, _: object) -> None:
        cursor = connection.cursor()
        for statement in self._dialect.opened:
            cursor.execute(statement)
        cursor.close()
        connection.commit()


def _begin(connection: Connection) -> None:
    for statement in connection.get_execution_options().get("opening", ()):
        connection.exec_driver_sql(statement)


@contextmanager
def _unavailable() -> Iterator[None]:
    try:
        yield
    except (OperationalError, InterfaceError, PoolExhausted) as error:
        raise RecordUnavailable("The database does not answer.") from error
