"""The tables' history: brings a database to this release's tables, says where it stands, finds drift."""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Connection, func, select

from imagemill.errors import ConfigurationError, RecordUnavailable
from imagemill.jobs.access import Access
from imagemill.jobs.database import Database
from imagemill.jobs.dialects import read_url
from imagemill.jobs.revision import REVISION, revision, serves
from imagemill.jobs.tables import metadata

MIGRATIONS = Path(__file__).with_name("migrations")
"""Folder of the migrations, in Alembic's layout."""

_LOCK = 0x696D6167656D696C  # "imagemil": any number that no other program on the same database locks.
_LOCK_SECONDS = 5

# SQLite turns a new file to WAL for one process at a time, and does not wait where another is at it.
_PAUSES_SECONDS = (0.05, 0.1, 0.2, 0.4)


def upgrade(url: str, to: str = "head") -> None:
    """Bring the tables to this release; nothing happens where they are, or are a later one's. Processes that start at
    once take turns.

    The folder of an SQLite file is made. On MySQL, which knows no transaction of such changes, a migration that fails
    leaves what it has done.

    Args:
        to: a revision; left out, this release's.

    Raises:
        RecordUnavailable: the database does not answer.
    """
    _make_folder(url)
    for pause_seconds in _PAUSES_SECONDS:
        with suppress(RecordUnavailable):
            return _upgrade(url, to)
        time.sleep(pause_seconds)
    return _upgrade(url, to)


def downgrade(url: str, to: str) -> None:
    """Bring the tables back to an earlier revision; `base` leaves none. Raises RecordUnavailable."""
    with _writing(url) as connection:
        command.downgrade(_config(connection), to)


def current(url: str) -> str | None:
    """The revision that the tables are at; None if there are none. Raises RecordUnavailable."""
    with _database(url) as database, database.reading() as connection:
        return revision(connection)


def check(url: str) -> None:
    """Make sure that the tables are those of this release, to the column.

    Raises:
        ConfigurationError: they are not; the message says what to do.
        RecordUnavailable: the database does not answer.
    """
    with _database(url) as database, database.reading() as connection:
        found = revision(connection)
        if found != REVISION:
            raise ConfigurationError(
                f"The tables are at revision {found}, this release needs {REVISION}: run `imagemill db upgrade`."
            )
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        differences = compare_metadata(context, metadata)
        if differences:
            raise ConfigurationError(f"The tables are not as the migrations left them: {differences}.")


def _make_folder(url: str) -> None:
    parsed = read_url(url)
    if parsed.get_backend_name() == "sqlite" and parsed.database:
        try:
            Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RecordUnavailable("The folder of the database cannot be made.") from error


def _upgrade(url: str, to: str) -> None:
    with _writing(url) as connection:
        if to == "head" and serves(revision(connection)):
            return
        command.upgrade(_config(connection), to)


@contextmanager
def _database(url: str) -> Iterator[Database]:
    database = Database(url, Access(unhurried=True))
    try:
        yield database
    finally:
        database.close()


@contextmanager
def _writing(url: str) -> Iterator[Connection]:
    with _database(url) as database, database.writing() as connection:
        _take_turn(connection)
        yield connection


def _take_turn(connection: Connection) -> None:
    # Until the transaction ends, or on MySQL the connection. SQLite has begun alone.
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))
    elif connection.dialect.name == "mysql":
        # The name is the server's, and other databases on it may be imagemill's too.
        name = func.concat("imagemill ", func.md5(func.database()))
        if connection.scalar(select(func.get_lock(name, _LOCK_SECONDS))) != 1:
            raise RecordUnavailable("Another process has been changing the tables for long.")


def _config(connection: Connection) -> Config:
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config
