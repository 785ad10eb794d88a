"""The record moves from one kind of database to another, whole."""

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Connection, Table, text

from imagemill.errors import ConfigurationError
from imagemill.faults import NoFaults
from imagemill.jobs import copying, schema
from imagemill.jobs.copying import copy
from imagemill.jobs.database import Database
from imagemill.jobs.store import SqlJobStore
from tests.contract.record import LEASE_SECONDS, MANY
from tests.fakes.jobs import new_job, products

MOVES = [("sqlite", "postgresql"), ("postgresql", "mariadb"), ("mariadb", "sqlite")]
JOBS = 1200


@pytest.mark.parametrize(("old", "new"), MOVES)
def test_the_record_moves_whole(request: pytest.FixtureRequest, old: str, new: str) -> None:
    """Every fact of every job is the same afterwards, and work goes on: leases hold, new rows find ids of their own."""
    source, target = (request.getfixturevalue(f"{kind}_database") for kind in (old, new))
    left, moved = (SqlJobStore(url, keep_seconds=3600, faults=NoFaults()) for url in (source, target))
    for image in ("done", "running", "erased", "waiting"):
        left.accept(new_job(image))
    done, running = (left.claim(new_job(image).token, LEASE_SECONDS) for image in ("done", "running"))
    assert done
    assert running
    left.finish(done.job.token, done.lease, products(done.job))
    left.erase(new_job("erased").token, "ada")

    counts = copy(source, target)

    assert (counts["jobs"], counts["originals"]) == (4, 4)
    assert moved.page("ada", None, MANY) == left.page("ada", None, MANY)
    assert moved.take_garbage(MANY) == left.take_garbage(MANY)
    assert moved.finish(running.job.token, running.lease, products(running.job))
    accepted = moved.accept(new_job("another image"))
    assert accepted is not None
    moved.erase(accepted.job.token, "ada")
    left.close()
    moved.close()


def test_more_than_a_batch_moves(sqlite_database: str, postgresql_database: str) -> None:
    """Rows go over in batches, the last one too."""
    database = Database(sqlite_database)
    numbers = f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {JOBS}) "
    with database.writing() as connection:
        connection.execute(text(f"INSERT INTO garbage (key, due_at) {numbers} SELECT 'k' || i, i FROM n"))
    database.close()
    assert copy(sqlite_database, postgresql_database)["garbage"] == JOBS


def test_nothing_is_copied_over_something(sqlite_database: str, postgresql_database: str) -> None:
    """A database that has rows is left as it is."""
    for url in (sqlite_database, postgresql_database):
        store = SqlJobStore(url, keep_seconds=3600, faults=NoFaults())
        store.accept(new_job())
        store.close()
    with pytest.raises(ConfigurationError, match="has rows already"):
        copy(sqlite_database, postgresql_database)


@pytest.mark.parametrize("change", ["accepted", "erased"])
@pytest.mark.parametrize("kind", ["postgresql", "mariadb"])
def test_nothing_is_copied_of_what_changes(
    request: pytest.FixtureRequest,
    sqlite_database: str,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    change: str,
) -> None:
    """Who forgot to stop a role is told so, and the new database stays empty; SQLite lets nobody write meanwhile."""
    source = request.getfixturevalue(f"{kind}_database")
    left = SqlJobStore(source, keep_seconds=3600, faults=NoFaults())
    left.accept(new_job("old"))
    copy_table = copying._copy_table

    def copy_and_change(table: Table, here: Connection, there: Connection) -> int:
        count = copy_table(table, here, there)
        if table.name == "originals":
            left.accept(new_job("new")) if change == "accepted" else left.erase(new_job("old").token, "ada")
        return count

    monkeypatch.setattr(copying, "_copy_table", copy_and_change)
    with pytest.raises(ConfigurationError, match="stop all roles"):
        copy(source, sqlite_database)
    left.close()
    moved = SqlJobStore(sqlite_database, keep_seconds=3600, faults=NoFaults())
    assert moved.page("ada", None, MANY).jobs == ()
    assert moved.find_original("ada", new_job("old").original.sha256) is None
    moved.close()


@pytest.mark.parametrize("swap", [False, True])
def test_both_have_to_be_of_this_release(sqlite_database: str, tmp_path: Path, swap: bool) -> None:
    """Whichever is not: nothing is copied, and it is said what to run."""
    pair: list[str] = [sqlite_database, f"sqlite:///{tmp_path / 'other.db'}"]
    move: Callable[[str, str], object] = copy
    with pytest.raises(ConfigurationError, match="imagemill db upgrade"):
        move(*(reversed(pair) if swap else pair))
    schema.check(sqlite_database)
