"""How each database is reached: what can be told without one."""

import pytest
from sqlalchemy import select
from sqlalchemy.dialects import mysql

from imagemill.errors import ConfigurationError
from imagemill.jobs.access import Access
from imagemill.jobs.database import Database
from imagemill.jobs.dialects import dialect_of, read_url
from imagemill.jobs.tables import jobs


@pytest.mark.parametrize(
    ("url", "drivername"),
    [
        ("sqlite:////srv/record.db", "sqlite"),
        ("postgresql://db/images", "postgresql+psycopg"),
        ("postgresql+psycopg://db/images", "postgresql+psycopg"),
        ("mysql://db/images", "mysql+pymysql"),
        ("mysql+pymysql://db/images", "mysql+pymysql"),
    ],
)
def test_each_database_has_one_driver(url: str, drivername: str) -> None:
    """Whatever the URL leaves out; what else it says stays as it is."""
    assert read_url(url).drivername == drivername
    assert read_url(url).database in ("images", "/srv/record.db")


@pytest.mark.parametrize("url", ["hush", "oracle://ada:hush@db/images", "postgresql://ada:hush@db:port/images"])
def test_a_url_that_is_none_is_not_quoted(url: str) -> None:
    """The variable is named; its value may hold a password."""
    with pytest.raises(ConfigurationError, match="IMAGEMILL_DATABASE_URL") as caught:
        Database(url)
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize(("url", "extra"), [("postgresql://db/x", "postgresql"), ("mysql://db/x", "mysql")])
def test_a_driver_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, url: str, extra: str) -> None:
    """Drivers are extras of the package; who forgot one is told which, before anything is served."""
    monkeypatch.setattr("imagemill.jobs.dialects.find_spec", lambda _: None)
    with pytest.raises(ConfigurationError, match=rf"imagemill\[{extra}\]"):
        Database(url)
    Database("sqlite:////srv/record.db")


def test_each_server_of_the_mysql_kind_is_told_its_own_words() -> None:
    """One statement opens a connection: MariaDB and MySQL each read the comment that is meant for it."""
    said = dialect_of(read_url("mysql://db/images"), Access(timeout_seconds=4)).connect["init_command"]
    assert "SESSION time_zone = '+00:00'" in said.split("/*")[0]
    assert "/*M!101100 , SESSION tx_isolation = 'READ-COMMITTED', SESSION max_statement_time = 4" in said
    assert "/*!80000 , SESSION transaction_isolation = 'READ-COMMITTED', SESSION max_execution_time = 4000" in said


def test_what_migrates_is_in_no_hurry() -> None:
    """A change of large tables takes as long as it takes; it still waits for no lock for long."""
    said = dialect_of(read_url("mysql://db/x"), Access(unhurried=True)).connect
    assert said["read_timeout"] is None
    assert "max_statement_time = 0" in said["init_command"]
    assert "lock_wait_timeout = 5" in said["init_command"]
    (opened,) = dialect_of(read_url("postgresql://db/x"), Access(unhurried=True)).opened
    assert "statement_timeout = '0s'" in opened
    assert "lock_timeout = '5s'" in opened


def test_mysql_locks_jobs_and_passes_over_locked_ones() -> None:
    """MySQL 8, which no test runs on, is asked in its own words; MariaDB has no OF."""
    dialect = mysql.dialect()
    dialect.supports_for_update_of = True
    taken = select(jobs.c.token).limit(1).with_for_update(of=jobs, skip_locked=True)
    assert str(taken.compile(dialect=dialect)).endswith("FOR UPDATE OF jobs SKIP LOCKED")
