"""Moves the record: every row of one database into another one, of any kind. Knows tables, not what they mean."""

from collections.abc import Mapping

from sqlalchemy import Connection, Table, func, insert, select, text
from sqlalchemy.exc import IntegrityError

from imagemill.errors import ConfigurationError
from imagemill.jobs import schema
from imagemill.jobs.access import Access
from imagemill.jobs.database import Database
from imagemill.jobs.tables import metadata

_BATCH_ROWS = 1000
_CHANGED = (
    "The database that is left has changed while it was copied, and nothing was: stop all roles, then copy again."
)


def copy(source: str, target: str) -> Mapping[str, int]:
    """Copy all rows, in one transaction; the source is only read. Nothing else may work on either meanwhile.

    Args:
        source: URL of the database that is left.
        target: URL of the one that is moved to, with this release's tables, empty.

    Returns:
        How many rows each table has.

    Raises:
        ConfigurationError: the tables of either are not of this release, the target has rows, or the source was seen to
            change: the target is empty as before.
        RecordUnavailable: a database does not answer; the target is empty as before.
    """
    schema.check(source)
    schema.check(target)
    unhurried = Access(unhurried=True)
    old, new = Database(source, unhurried), Database(target, unhurried)
    try:
        with new.writing() as there, old.writing() as here:
            _require_empty(there)
            copied = {table.name: _copy_table(table, here, there) for table in metadata.sorted_tables}
            # A row that came or went between two tables: a job without its original, or bytes that nobody deletes.
            if copied != {table.name: _count(table, here) for table in metadata.sorted_tables}:
                raise ConfigurationError(_CHANGED)
            return copied
    except IntegrityError as error:
        raise ConfigurationError(_CHANGED) from error
    finally:
        old.close()
        new.close()


def _require_empty(connection: Connection) -> None:
    for table in metadata.sorted_tables:
        if connection.execute(select(table).limit(1)).first():
            raise ConfigurationError(f"The database to copy into has rows already, in {table.name}.")


def _count(table: Table, connection: Connection) -> int:
    return connection.execute(select(func.count()).select_from(table)).scalar_one()


def _copy_table(table: Table, here: Connection, there: Connection) -> int:
    count = 0
    with here.execute(select(table), execution_options={"yield_per": _BATCH_ROWS}) as rows:
        for batch in rows.mappings().partitions():
            there.execute(insert(table), [dict(row) for row in batch])
            count += len(batch)
    _advance(table, there)
    return count


def _advance(table: Table, connection: Connection) -> None:
    # The others count on from the highest id by themselves.
    serial = table.autoincrement_column
    if serial is not None and connection.dialect.name == "postgresql":
        sequence = func.pg_get_serial_sequence(table.name, serial.name)
        highest = select(func.coalesce(func.max(serial), 0) + 1).scalar_subquery()
        connection.execute(select(func.setval(sequence, highest, text("false"))))
