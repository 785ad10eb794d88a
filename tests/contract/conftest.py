"""Databases for the record's tests, buckets for the store's.

A server is started once, each test has a place of its own.
"""

import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import BigInteger, bindparam

from imagemill.domain.ports import ObjectStore
from imagemill.faults import NoFaults
from imagemill.jobs import schema
from imagemill.jobs.apikeys import SqlKeyStore
from imagemill.jobs.store import SqlJobStore
from imagemill.storage.files import FileStore
from imagemill.storage.memory import MemoryStore
from imagemill.storage.split import SplitStore
from tests.buckets import Moto, Rclone, open_bucket
from tests.contract.record import KEEP_SECONDS, KeyRecord, Record
from tests.databases import MariaDb, Postgres, empty
from tests.fakes.jobs import MemoryJobStore
from tests.fakes.keys import MemoryKeyStore
from tests.gcs import GoogleStub

DATABASES = ["sqlite", "postgresql", "mariadb"]
STORES = ["memory", "files", "rclone", "moto", "google", "split"]
"""Kinds of object stores; of each the fixture `<kind>_place` makes a place."""


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


@pytest.fixture(scope="session")
def rclone() -> Iterator[Rclone]:
    """An S3 server that checks signatures."""
    server = Rclone().start()
    yield server
    server.close()


@pytest.fixture(scope="session")
def moto() -> Iterator[Moto]:
    """An S3 server that knows ranges."""
    server = Moto().start()
    yield server
    server.close()


@pytest.fixture(scope="session")
def google(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GoogleStub]:
    """A stand-in for Google Cloud Storage."""
    server = GoogleStub(tmp_path_factory.mktemp("google")).start()
    yield server
    server.close()


@pytest.fixture
def memory_place() -> Callable[[], ObjectStore]:
    """Opens one store in memory."""
    store = MemoryStore()
    return lambda: store


@pytest.fixture
def files_place(tmp_path: Path) -> Callable[[], ObjectStore]:
    """Opens stores in one folder."""
    return lambda: FileStore(tmp_path / "objects")


@pytest.fixture
def rclone_place(rclone: Rclone) -> Callable[[], ObjectStore]:
    """Opens stores in one bucket of rclone."""
    return partial(open_bucket, rclone.bucket())


@pytest.fixture
def moto_place(moto: Moto) -> Callable[[], ObjectStore]:
    """Opens stores in one bucket of moto."""
    return partial(open_bucket, moto.bucket())


@pytest.fixture
def google_place(google: GoogleStub) -> Callable[[], ObjectStore]:
    """Opens stores in one bucket of the stand-in."""
    return partial(open_bucket, google.bucket(f"test-{len(google.objects)}"))


@pytest.fixture
def split_place(tmp_path: Path) -> Callable[[], ObjectStore]:
    """Opens stores over two folders."""
    return lambda: SplitStore(FileStore(tmp_path / "originals"), FileStore(tmp_path / "outputs"))


@pytest.fixture(params=["memory", *DATABASES])
def key_record(request: pytest.FixtureRequest) -> Iterator[KeyRecord]:
    """An empty record of keys of each kind."""
    if request.param == "memory":
        memory = MemoryKeyStore()
        yield KeyRecord(memory, lambda seconds: setattr(memory, "now", memory.now + seconds))
        return
    now = [1_800_000_000_000]
    clock = bindparam("now", callable_=lambda: now[0], type_=BigInteger)
    store = SqlKeyStore(request.getfixturevalue(f"{request.param}_database"), clock=clock)
    yield KeyRecord(store, lambda seconds: now.__setitem__(0, now[0] + round(seconds * 1000)))
    store.close()
