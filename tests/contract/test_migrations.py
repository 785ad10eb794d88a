"""The migrations lead to exactly the tables that the code speaks of."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, inspect, text

from imagemill.errors import ConfigurationError, RecordUnavailable
from imagemill.faults import NoFaults
from imagemill.jobs import schema
from imagemill.jobs.dialects import read_url
from imagemill.jobs.revision import REVISION
from imagemill.jobs.store import SqlJobStore
from imagemill.jobs.tables import metadata


@contextmanager
def connected(url: str) -> Iterator[Connection]:
    """A connection past all of the record's own code."""
    engine = create_engine(read_url(url))
    try:
        with engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()


def checks(url: str) -> dict[str, str]:
    """The CHECK constraints, which Alembic does not compare."""
    with connected(url) as connection:
        return {check["name"] or "": check["sqltext"] for check in inspect(connection).get_check_constraints("jobs")}


def test_upgrade_makes_the_tables(empty_database: str) -> None:
    """From nothing to the tables of `tables.py`, with no difference that Alembic can see."""
    assert schema.current(empty_database) is None
    schema.upgrade(empty_database)
    assert schema.current(empty_database) == REVISION
    schema.check(empty_database)


def test_upgrade_makes_the_same_checks(empty_database: str) -> None:
    """The rule about a job's status is the same by migration as by `tables.py`."""
    schema.upgrade(empty_database)
    migrated = checks(empty_database)
    with connected(empty_database) as connection:
        metadata.drop_all(connection)
        metadata.create_all(connection)
    assert migrated == checks(empty_database)
    assert "ck_jobs_status" in migrated


def test_upgrade_twice_changes_nothing(empty_database: str) -> None:
    """An upgrade of what is up to date is allowed at every start."""
    schema.upgrade(empty_database)
    schema.upgrade(empty_database)
    schema.check(empty_database)


def test_upgrades_at_once_take_turns(empty_database: str) -> None:
    """Processes that start together may all upgrade."""
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(schema.upgrade, [empty_database] * 4))
    schema.check(empty_database)


def test_downgrade_leaves_nothing(empty_database: str) -> None:
    """Each migration can be taken back."""
    schema.upgrade(empty_database)
    schema.downgrade(empty_database, "base")
    with connected(empty_database) as connection:
        assert set(inspect(connection).get_table_names()) <= {"alembic_version"}
    assert schema.current(empty_database) is None
    schema.upgrade(empty_database)
    schema.check(empty_database)


def test_drift_is_found(empty_database: str) -> None:
    """A column that a migration does not know of is an error that says where to look."""
    schema.upgrade(empty_database)
    with connected(empty_database) as connection:
        connection.execute(text("ALTER TABLE jobs ADD COLUMN surprise INTEGER"))
    with pytest.raises(ConfigurationError, match="surprise"):
        schema.check(empty_database)


def test_old_tables_are_found(empty_database: str) -> None:
    """Tables that are missing or of another release: `db check` says what to run, the store does not work on."""
    with pytest.raises(ConfigurationError, match="imagemill db upgrade"):
        schema.check(empty_database)
    store = SqlJobStore(empty_database, keep_seconds=1, faults=NoFaults())
    with pytest.raises(RecordUnavailable):
        store.check()
    schema.upgrade(empty_database)
    store.check()
    with connected(empty_database) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'older'"))
    with pytest.raises(RecordUnavailable):
        store.check()
    store.close()


def test_the_named_revision_is_the_last() -> None:
    """`REVISION` is a constant, so that no serving process has to load Alembic; it must be Alembic's head."""
    assert ScriptDirectory(str(schema.MIGRATIONS)).get_current_head() == REVISION


def test_upgrade_makes_the_folder(tmp_path: Path) -> None:
    """A data folder that does not exist yet is no trouble; one that cannot be made is a database that is away."""
    url = f"sqlite:///{tmp_path / 'new' / 'data' / 'record.db'}"
    schema.upgrade(url)
    schema.check(url)
    (tmp_path / "file").touch()
    with pytest.raises(RecordUnavailable):
        schema.upgrade(f"sqlite:///{tmp_path / 'file' / 'data' / 'record.db'}")
