"""Databases for the record's tests. A server is started once, each test has a database of its own."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import BigInteger, bindparam, make_url

from imagemill.faults import NoFaults
from imagemill.jobs import schema
from imagemill.jobs.store import SqlJobStore
from tests.contract.record import KEEP_SECONDS, Record
from tests.databases import MariaDb, Postgres
from tests.fakes.jobs import MemoryJobStore

DATABASES = ["sqlite", "postgresql", "mariadb"]


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server."""
    server = Postgres()
    yield server
    server.close()


@pytest.fixture(scope="session")
def mariadb() -> Iterator[MariaDb]:
    """A MariaDB server."""
    server = MariaDb().start()
    yield server
    server.close()


def name_of(url: str) -> str:
    """The database of a URL."""
    name = make_url(url).database
    assert name is not None
    return name


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Path of a SQLite database that has the tables."""
    url = f"sqlite:///{tmp_path_factory.mktemp('template') / 'record.db'}"
    schema.upgrade(url)
    return name_of(url)


@pytest.fixture(scope="session")
def postgresql_template(postgres: Postgres) -> str:
    """Name of a PostgreSQL database that has the tables."""
    url = postgres.create()
    schema.upgrade(url)
    return name_of(url)


@pytest.fixture(scope="session")
def mariadb_template(mariadb: MariaDb) -> str:
    """Name of a MariaDB database that has the tables."""
    url = mariadb.create()
    schema.upgrade(url)
    return name_of(url)


@pytest.fixture
def sqlite_database(sqlite_template: str, tmp_path: Path) -> str:
    """URL of a SQLite database with the tables."""
    return f"sqlite:///{shutil.copy(sqlite_template, tmp_path)}"


@pytest.fixture
def postgresql_database(postgres: Postgres, postgresql_template: str) -> str:
    """URL of a PostgreSQL database with the tables."""
    return postgres.create(postgresql_template)


@pytest.fixture
def mariadb_database(mariadb: MariaDb, mariadb_template: str) -> str:
    """URL of a MariaDB database with the tables."""
    return mariadb.create(mariadb_template)


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
