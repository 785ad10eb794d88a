"""What is found of a database: its name, and what about it will be regretted."""

from types import SimpleNamespace

import pytest

from imagemill.errors import RecordUnavailable
from imagemill.jobs import server
from tests.databases import MariaDb, Postgres

SAFE = {"flush": 1, "log_bin": 1, "sync_binlog": 1, "binlog_format": "MIXED"}


def test_sqlite_is_recognised(sqlite_database: str) -> None:
    """It has a version, and counts no connections."""
    found = server.look(sqlite_database)
    assert found.name.startswith("SQLite 3.")
    assert (found.connections, found.cautions) == (None, ())


def test_postgresql_is_recognised(postgres: Postgres, postgresql_database: str) -> None:
    """The tests' server may forget in a power cut, and each setting that lets it is named."""
    found = server.look(postgresql_database)
    assert found.name.startswith("PostgreSQL 1")
    assert found.connections == 100
    assert [caution.detail.split()[0] for caution in found.cautions] == ["fsync", "full_page_writes"]
    assert found.cautions[0].remedy == "Set fsync = on in postgresql.conf."


def test_mariadb_is_recognised(mariadb: MariaDb, mariadb_database: str) -> None:
    """Likewise."""
    found = server.look(mariadb_database)
    assert found.name.startswith("MariaDB 1")
    assert found.connections
    assert [caution.detail.split()[0] for caution in found.cautions] == ["innodb_flush_log_at_trx_commit"]


@pytest.mark.parametrize(
    ("name", "said", "caution"),
    [
        ("MySQL 8.4.3", {}, None),
        ("MySQL 5.7.44", {}, "too old"),
        ("MariaDB 10.5.9", {}, "too old"),
        ("MariaDB 10.11.6", {}, None),
        ("MySQL 8.4.3", {"flush": 0}, "innodb_flush_log_at_trx_commit is 0"),
        ("MySQL 8.4.3", {"sync_binlog": 0}, "sync_binlog is 0"),
        ("MySQL 8.4.3", {"sync_binlog": 0, "log_bin": 0}, None),
        ("MySQL 8.4.3", {"binlog_format": "STATEMENT"}, "binlog_format is STATEMENT"),
    ],
)
def test_what_a_mysql_may_lose_is_told(name: str, said: dict[str, object], caution: str | None) -> None:
    """Settings that break a promise, and no other."""
    row = SimpleNamespace(**SAFE | said)
    found = list(server._mysql_cautions(row, name, name.split()[1], name.startswith("MariaDB")))
    assert len(found) == (caution is not None)
    assert not caution or caution in found[0].detail


def test_a_database_that_is_away_is_not_asked() -> None:
    """Who looks hears what every caller hears."""
    with pytest.raises(RecordUnavailable):
        server.look("postgresql://127.0.0.1:1/nothing")
