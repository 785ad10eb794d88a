"""Connections to the database, and what its errors mean. Knows no table; what each dialect wants is in `dialects`."""

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolExhausted

from imagemill.errors import RecordUnavailable
from imagemill.jobs.access import USUAL, Access
from imagemill.jobs.dialects import DURABLE, dialect_of, read_url
from imagemill.jobs.repeating import repeat

_Result = TypeVar("_Result")
_Arguments = ParamSpec("_Arguments")


class Database:
    """Opens connections, in each process its own: no driver's connection survives a fork.

    Connections are not asked whether they are still alive before they are used, as that would cost each call a round
    trip. `repeat` makes up for the first one that has died; with it go all others in the pool.

    Args:
        url: `sqlite:///path`, `postgresql://…` or `mysql://…`. Nothing is opened before it is used.
        access: how it is used.

    Raises:
        ConfigurationError: the URL is not one, or its driver is not installed.
    """

    def __init__(self, url: str, access: Access = USUAL) -> None:
        self._url = read_url(url)
        self._access = access
        self._dialect = dialect_of(self._url, access)
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
            durable: whether what it writes has to survive a power cut. Where that is settled by each statement, as
                `Unflushed` does, it makes no difference.
        """
        with self._turn(), self.reading() as connection:
            connection.execution_options(**{DURABLE: durable})
            with connection.begin():
                yield connection

    @contextmanager
    def changing(self, *, durable: bool = True) -> Iterator[Connection]:
        """A connection for one statement that changes something, and others that look. Raises RecordUnavailable.

        A server commits the one as it runs it: one round trip instead of three. SQLite's lock is better taken first.

        Args:
            durable: as for `writing`.
        """
        with self.writing(durable=durable) if self._dialect.single_writer else self.reading() as connection:
            yield connection

    def repeat(self, work: Callable[[bool], _Result]) -> _Result:
        """Run a call again where that helps; see `repeating`. Raises RecordUnavailable.

        Args:
            work: harmless to run twice; told whether an earlier run may have been committed.
        """
        return repeat(work, self._access.patience_seconds)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        # One file, one writer: threads wait for each other here, where waiting costs nothing.
        if not self._dialect.single_writer:
            yield
        elif self._writer.acquire(timeout=self._access.timeout_seconds):
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

    def __del__(self) -> None:
        """Close what nobody has closed: commands look at the record and are done. Python 3.13 complains if not."""
        if hasattr(self, "_engines"):
            self.close()

    def _engine(self) -> Engine:
        engine = self._engines.get(os.getpid())
        # Of two threads that come first at once one wins; the other's engine has opened nothing yet.
        return engine or self._engines.setdefault(os.getpid(), self._create())

    def _create(self) -> Engine:
        engine = create_engine(
            self._url,
            isolation_level="AUTOCOMMIT",
            connect_args=dict(self._dialect.connect),
            pool_timeout=self._access.timeout_seconds,
            pool_size=self._access.pool_size,
            max_overflow=0,
            pool_recycle=self._access.recycle_seconds,
            # The connection that was used last is the likeliest to be alive.
            pool_use_lifo=True,
        )
        if connect := self._dialect.connection:
            event.listen(engine, "do_connect", lambda _, __, arguments, named: connect(*arguments, **named))
        event.listen(engine, "connect", _prepare(self._dialect.opened))
        event.listen(engine, "begin", self._dialect.begin)
        return engine


def _prepare(statements: Iterable[str]) -> Callable[[Any, object], None]:
    # Not a method: an engine that knew its Database would keep it alive.
    def opened(connection: Any, _: object) -> None:
        cursor = connection.cursor()
        for statement in statements:
            cursor.execute(statement)
        cursor.close()

    return opened


class _Store(Protocol):
    _database: Database


_Owner = TypeVar("_Owner", bound=_Store)


def repeated(
    method: Callable[Concatenate[_Owner, _Arguments], _Result],
) -> Callable[Concatenate[_Owner, _Arguments], _Result]:
    """Let a store's method run again where that helps; see `Database.repeat`. It must be harmless to run twice."""

    @wraps(method)
    def run(self: _Owner, /, *arguments: _Arguments.args, **named: _Arguments.kwargs) -> _Result:
        return self._database.repeat(lambda _: method(self, *arguments, **named))

    return run


@contextmanager
def _unavailable() -> Iterator[None]:
    try:
        yield
    except (IntegrityError, ProgrammingError, DataError):
        # These blame the statement. All others blame the database: away, read-only, full, in recovery, too busy.
        raise
    except (DBAPIError, PoolExhausted) as error:
        raise RecordUnavailable("The database does not answer.") from error
