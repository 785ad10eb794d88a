"""The tables' history: brings a database to this release's tables, says where it stands, finds drift."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Connection, func, select

from imagemill.errors import ConfigurationError
from imagemill.jobs.database import Database
from imagemill.jobs.revision import REVISION, revision
from imagemill.jobs.tables import metadata

MIGRATIONS = Path(__file__).with_name("migrations")
"""Folder of the migrations, in Alembic's layout."""

_LOCK = 0x696D6167656D696C  # "imagemil": any number that no other program on the same database locks.


def upgrade(url: str) -> None:
    """Bring the tables to this release; nothing happens where they are. Processes that start at once take turns.

    Raises:
        RecordUnavailable: the database does not answer.
    """
    with _writing(url) as connection:
        command.upgrade(_config(connection), "head")


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


@contextmanager
def _database(url: str) -> Iterator[Database]:
    database = Database(url)
    try:
        yield database
    finally:
        database.close()


@contextmanager
def _writing(url: str) -> Iterator[Connection]:
    with _database(url) as database, database.writing() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))
        yield connection


def _config(connection: Connection) -> Config:
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config
