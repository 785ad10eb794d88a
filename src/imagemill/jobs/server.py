"""What the doctor asks of a database: what it is, and whether it keeps what a 202 promises. Changes nothing."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, text

from imagemill.jobs.database import Database

_OLDEST_MARIADB, _OLDEST_MYSQL = (10, 6), (8, 0)  # SKIP LOCKED


@dataclass(frozen=True, slots=True)
class Caution:
    """Something that works, and will be regretted.

    Args:
        detail: what was seen, and what may come of it.
        remedy: how to mend it.
    """

    detail: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Server:
    """A database as it was found.

    Args:
        name: product and version.
        connections: that it lets be opened, by everyone together; None if it does not count them.
        cautions: what an operator should know.
    """

    name: str
    connections: int | None = None
    cautions: tuple[Caution, ...] = ()


def look(url: str) -> Server:
    """Ask a database what it is. Raises RecordUnavailable, ConfigurationError."""
    database = Database(url)
    try:
        with database.reading() as connection:
            return _LOOKS[connection.dialect.name](connection)
    finally:
        database.close()


def _look_at_sqlite(connection: Connection) -> Server:
    return Server(f"SQLite {connection.scalar(text('SELECT sqlite_version()'))}")


def _look_at_postgresql(connection: Connection) -> Server:
    names = ("server_version", "max_connections", *_POSTGRESQL_ON)
    said = {name: connection.scalar(text(f"SHOW {name}")) for name in names}
    version = str(said["server_version"]).split()[0]
    return Server(f"PostgreSQL {version}", int(said["max_connections"]), tuple(_off(said)))


_POSTGRESQL_ON = {
    "fsync": "a power cut may take the whole database",
    "full_page_writes": "a power cut may leave torn pages",
    "synchronous_commit": "a crash may take jobs that were answered 202",
}


def _off(said: Mapping[str, Any]) -> Iterator[Caution]:
    for name, danger in _POSTGRESQL_ON.items():
        if said[name] == "off":
            yield Caution(f"{name} is off: {danger}", f"Set {name} = on in postgresql.conf.")


def _look_at_mysql(connection: Connection) -> Server:
    said = connection.execute(
        text(
            "SELECT VERSION() AS version, @@max_connections AS connections, @@log_bin AS log_bin, "
            "@@innodb_flush_log_at_trx_commit AS flush, @@sync_binlog AS sync_binlog, @@binlog_format AS binlog_format"
        )
    ).one()
    version = str(said.version).split("-", 1)[0]
    mariadb = "MariaDB" in said.version
    name = f"{'MariaDB' if mariadb else 'MySQL'} {version}"
    return Server(name, int(said.connections), tuple(_mysql_cautions(said, name, version, mariadb)))


def _mysql_cautions(said: Any, name: str, version: str, mariadb: bool) -> Iterator[Caution]:
    oldest = _OLDEST_MARIADB if mariadb else _OLDEST_MYSQL
    if tuple(map(int, version.split(".")[:2])) < oldest:
        yield Caution(f"{name} is too old to skip locked rows: no sweep will work", "Upgrade it.")
    if said.flush != 1:
        yield Caution(
            f"innodb_flush_log_at_trx_commit is {said.flush}: a crash may take jobs that were answered 202",
            "Set innodb_flush_log_at_trx_commit = 1.",
        )
    if said.log_bin and said.sync_binlog != 1:
        yield Caution(
            f"sync_binlog is {said.sync_binlog}: a power cut may take jobs that were answered 202",
            "Set sync_binlog = 1, or log_bin = off if no replica reads it.",
        )
    if said.log_bin and said.binlog_format == "STATEMENT":
        yield Caution("binlog_format is STATEMENT: nothing can be written", "Set binlog_format = ROW or MIXED.")


_LOOKS: Mapping[str, Callable[[Connection], Server]] = {
    "sqlite": _look_at_sqlite,
    "postgresql": _look_at_postgresql,
    "mysql": _look_at_mysql,
}
