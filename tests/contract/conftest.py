"""Databases for the record's tests. A server is started once; each test finds its tables empty."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import BigInteger, bindparam

from imagemill.faults import NoFaults
from imagemill.jobs import schema
from imagemill.jobs.store import SqlJobStore
from tests.contract.record import KEEP_SECONDS, Record
from tests.databases import MariaDb, Postgres, empty
from tests.fakes.jobs import MemoryJobStore

DATABASES = ["sqlite", "postgresql", "mariadb"]


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server."""
    server = Postgres().start()
    yield server
    server.close()


@pytest.fixture(scope="session")
def mariadb() -> Iterator[MariaDb]:
    """A MariaDB server."""
    server = MariaDb().start()
    yield server
    server.close()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite database that has the tables."""
    path = tmp_path_factory.mktemp("template") / "record.db"
    schema.upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def postgresql_tables(postgres: Postgres) -> str:
    """URL of a PostgreSQL database that has the tables."""
    url = postgres.create()
    schema.upgrade(url)
    return url


@pytest.fixture(scope="session")
def mariadb_tables(mariadb: MariaDb) -> str:
    """URL of a MariaDB database that has the tables."""
    url = mariadb.create()
    schema.upgrade(url)
    return url


@pytest.fixture
def sqlite_database(sqlite_template: Path, tmp_path: Path) -> str:
    """URL of a SQLite database with the tables, empty; leave the tables as they are."""
    return f"sqlite:///{shutil.copy(sqlite_template, tmp_path)}"


@pytest.fixture
def postgresql_database(postgresql_tables: str) -> str:
    """URL of a PostgreSQL database with the tables, empty; leave the tables as they are."""
    empty(postgresql_tables)
    return postgresql_tables


@pytest.fixture
def mariadb_database(mariadb_tables: str) -> str:
    """URL of a MariaDB database with the tables, empty; leave the tables as they are."""
    empty(mariadb_tables)
    return mariadb_tables


@pytest.fixture(params=DATABASES)
def database(request: pytest.FixtureRequest) -> str:
    """URL of a database with the tables, of each kind."""
    url: str = request.getfixturevalue(f"{request.param}_database")
    return url


@pytest.fixture(params=["postgresql", "mariadb"])
def server_database(request: pytest.FixtureRequest) -> str:
    """URL of a database with the tables, of each kind that is a server."""
    url: str = request.getfixturevalue(f"{request.param}_database")
    return url


@pytest.fixture(params=DATABASES)
def empty_database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of a database without tables, of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'record.db'}"
    server: Postgres | MariaDb = request.getfixturevalue({"postgresql": "postgres"}.get(request.param, request.param))
    return server.create()


@pytest.fixture(params=["memory", *DATABASES])
def record(request: pytest.FixtureRequest) -> Iterator[Record]:
    """An empty record of each kind."""
    if request.param == "memory":
        memory = MemoryJobStore(keep_seconds=KEEP_SECONDS)
        yield Record(memory, lambda seconds: setattr(memory, "now", memory.now + seconds))
        return
    now = [1_800_000_000_000]
    clock = bindparam("now", callable_=lambda: now[0], type_=BigInteger)
    url = request.getfixturevalue(f"{request.param}_database")
    store = SqlJobStore(url, keep_seconds=KEEP_SECONDS, faults=NoFaults(), clock=clock)
    yield Record(store, lambda seconds: now.__setitem__(0, now[0] + round(seconds * 1000)))
    store.close()
