"""Which tables a database has: the name of the last migration that it went through."""

from sqlalchemy import Connection, column, inspect, select, table

REVISION = "0005"
"""The migration that ends at the tables of this release."""

_version = table("alembic_version", column("version_num"))


def revision(connection: Connection) -> str | None:
    """The revision that the database's tables are at; None if it has none."""
    if not inspect(connection).has_table(_version.name):
        return None
    found: str | None = connection.scalar(select(_version.c.version_num))
    return found
