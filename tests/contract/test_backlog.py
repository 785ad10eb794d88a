"""How much work waits: the one thing that is asked of the record again and again, by every scrape and every second."""

from sqlalchemy import create_engine, text
from sqlalchemy.dialects import sqlite

from imagemill.domain.ports import Backlog
from imagemill.faults import NoFaults
from imagemill.jobs.store import SqlJobStore
from tests.contract.record import BROKEN, KEEP_SECONDS, LEASE_SECONDS, Record
from tests.fakes.jobs import new_job


def test_what_waits_and_what_is_worked_is_counted(record: Record) -> None:
    """Of all owners; the age is the oldest waiting job's; what has ended is in neither count."""
    assert record.store.backlog() == Backlog(0, 0.0, 0)
    first = record.accept(new_job(owner="ada"))
    record.advance(5)
    record.accept(new_job(owner="bob"))
    record.advance(2)
    assert record.store.backlog() == Backlog(2, 7.0, 0)
    claim = record.claim(first)
    assert record.store.backlog() == Backlog(1, 2.0, 1)
    record.store.fail(first.token, claim.lease, BROKEN)
    assert record.store.backlog() == Backlog(1, 2.0, 0)


def test_what_waits_again_is_counted_again(record: Record) -> None:
    """A job that was given back waits since it was accepted."""
    job = record.accept(new_job())
    record.advance(1)
    record.store.retry(job.token, record.claim(job).lease, LEASE_SECONDS)
    assert record.store.backlog() == Backlog(1, 1.0, 0)


def test_no_table_is_scanned(sqlite_database: str) -> None:
    """Ended jobs are millions, waiting and running ones few: both are found by an index that has only them."""
    store = SqlJobStore(sqlite_database, keep_seconds=KEEP_SECONDS, faults=NoFaults())
    statement = str(store._looks.waiting.compile(dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True}))
    with create_engine(sqlite_database).connect() as connection:
        plan = [row.detail for row in connection.execute(text(f"EXPLAIN QUERY PLAN {statement}"))]
    assert [step for step in plan if step.startswith("SCAN")] == []
    assert len([step for step in plan if step.startswith("SEARCH jobs USING")]) == 2
    store.close()
