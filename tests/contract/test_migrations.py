"""The migrations lead to exactly the tables that the code speaks of."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from uuid import UUID

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData, create_engine, inspect, text

from imagemill.domain.job import Failure, JobStatus
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


REVISIONS = [script.revision for script in ScriptDirectory(str(schema.MIGRATIONS)).walk_revisions()][::-1]
FIRST_ROWS = Path(__file__).with_name("rows_of_0001.sql").read_text().strip().rstrip(";").split(";\n")
RUNNING, FAILED = UUID("a0eebc999c0b4ef8bb6d6bb9bd380a11"), UUID("c0eebc999c0b4ef8bb6d6bb9bd380a13")
LEASE = UUID("b0eebc999c0b4ef8bb6d6bb9bd380a12")


def write_first_rows(url: str) -> None:
    """Make the first release's tables, with rows in each."""
    schema.upgrade(url, REVISIONS[0])
    with connected(url) as connection:
        if connection.dialect.name == "mysql":
            connection.exec_driver_sql("SET SESSION sql_mode = 'ANSI_QUOTES'")
        for statement in FIRST_ROWS:
            connection.exec_driver_sql(statement)


def rows(url: str, columns: dict[str, set[str]] | None = None) -> dict[str, list[dict[str, object]]]:
    """Every row of every table; only these columns, if they are given."""
    with connected(url) as connection:
        tables = MetaData()
        tables.reflect(connection)
        return {
            table.name: [
                {name: value for name, value in row.items() if not columns or name in columns[table.name]}
                for row in connection.execute(table.select().order_by(*table.primary_key)).mappings()
            ]
            for table in tables.sorted_tables
            if table.name != "alembic_version" and (not columns or table.name in columns)
        }


def columns_of(url: str) -> dict[str, set[str]]:
    """Names of the columns of each table."""
    with connected(url) as connection:
        tables = MetaData()
        tables.reflect(connection)
        return {table.name: set(table.columns.keys()) for table in tables.sorted_tables}


@pytest.mark.parametrize(("older", "newer"), list(pairwise(REVISIONS)))
def test_rows_survive_a_release(empty_database: str, older: str, newer: str) -> None:
    """What one release wrote is there, value for value, after the upgrade to the next and after its downgrade."""
    write_first_rows(empty_database)
    schema.upgrade(empty_database, older)
    columns, before = columns_of(empty_database), rows(empty_database)
    assert [len(before[table]) for table in ("originals", "jobs", "garbage")] == [2, 2, 1]

    schema.upgrade(empty_database, newer)
    assert rows(empty_database, columns) == before

    schema.downgrade(empty_database, older)
    assert schema.current(empty_database) == older
    assert columns_of(empty_database) == columns
    assert rows(empty_database) == before


def test_the_first_releases_jobs_are_read(empty_database: str) -> None:
    """After all upgrades this release's store shows and ends what the first release has accepted."""
    write_first_rows(empty_database)
    schema.upgrade(empty_database)
    store = SqlJobStore(empty_database, keep_seconds=60, faults=NoFaults())
    job, failed = store.find(RUNNING, "ada"), store.find(FAILED, "ada")
    assert job is not None
    assert failed is not None
    assert (job.status, job.original.bytes, job.recipe.outputs[0].width) == (JobStatus.IN_PROGRESS, 5_000_000_000, 100)
    assert job.started_at == datetime(2027, 1, 15, 8, 0, 0, 2000, tzinfo=UTC)
    assert failed.failure == Failure("corrupt-image", "The image is damaged", "Zu früh zu Ende: ✂.", retryable=False)
    assert store.finish(RUNNING, LEASE, [])
    assert store.find_original("ada", "a11") == job.original
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
