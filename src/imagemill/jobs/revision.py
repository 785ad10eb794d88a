"""Which tables a database has: the name of the last migration that it went through."""

from sqlalchemy import Connection, column, inspect, select, table

REVISION = "0005"
"""The migration that ends at the tables of this release."""

_version = table("alembic_version", column("version_num"))


def serves(found: str | None) -> bool:
    """Whether this release can work on tables at a revision: its own, or a later one's.

    A migration leaves what the release before it needs, so that an upgrade can begin with the tables.
    """
    return found == REVISION or (found is not None and found.isdigit() and int(found) > int(REVISION))


def revision(connection: Connection) -> str | None:
    """The revision that the database's tables are at; None if it has none."""
    if not inspect(connection).has_table(_version.name):
        return None
    found: str | None = connection.scalar(select(_version.c.version_num))
    return found
