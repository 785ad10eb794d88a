"""What the record owes because it is a database: transactions, a clock of its own, and absence."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import BigInteger, bindparam, create_engine, text

from imagemill.domain.ports import FaultPoint
from imagemill.errors import RecordUnavailable
from imagemill.faults import NoFaults
from imagemill.jobs.store import SqlJobStore
from imagemill.jobs.tables import metadata
from tests.contract.record import KEEP_SECONDS, LEASE_SECONDS, MANY, RESEND_SECONDS
from tests.fakes.faults import CalledFaults
from tests.fakes.jobs import new_job


def test_a_fault_before_the_commit_leaves_nothing(database: str) -> None:
    """A process that dies between insert and commit has accepted nothing."""
    faults = CalledFaults()

    def die() -> None:
        raise KeyboardInterrupt

    faults.calls[FaultPoint.ROW_INSERTED] = die
    store = SqlJobStore(database, keep_seconds=KEEP_SECONDS, faults=faults)
    new = new_job()
    with pytest.raises(KeyboardInterrupt):
        store.accept(new)
    assert store.find(new.token, "ada") is None
    assert store.find_original("ada", new.original.sha256) is None
    assert store.accept(new) is not None
    store.close()


def test_the_clock_is_the_databases(database: str) -> None:
    """Without a clock of its own the store goes by the database's: the present, to a fraction of a second."""
    store = SqlJobStore(database, keep_seconds=KEEP_SECONDS, faults=NoFaults())
    before = datetime.now(UTC) - timedelta(milliseconds=1)
    accepted = store.accept(new_job())
    assert accepted is not None
    assert before <= accepted.job.created_at <= datetime.now(UTC) + timedelta(milliseconds=1)
    store.close()


@pytest.mark.parametrize("url", ["sqlite:////nowhere/at/all.db", "postgresql://127.0.0.1:1/nothing"])
def test_a_database_that_is_away_is_unavailable(url: str) -> None:
    """Whatever the driver says, callers hear RecordUnavailable."""
    store = SqlJobStore(url, keep_seconds=KEEP_SECONDS, faults=NoFaults())
    for call in (
        store.check,
        lambda: store.find(uuid4(), "ada"),
        lambda: store.accept(new_job()),
        lambda: store.claim(uuid4(), LEASE_SECONDS),
        lambda: store.take_due(RESEND_SECONDS, MANY),
    ):
        with pytest.raises(RecordUnavailable):
            call()
    store.close()


def test_a_server_that_restarts_is_found_again(postgresql_database: str) -> None:
    """Connections that died while nobody used them cost no request."""
    store = SqlJobStore(postgresql_database, keep_seconds=KEEP_SECONDS, faults=NoFaults())
    store.check()
    engine = create_engine(postgresql_database)
    with engine.connect() as connection:
        others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
        connection.execute(text(f"{others} AND pid <> pg_backend_pid()"))
    engine.dispose()
    assert store.accept(new_job()) is not None
    store.close()


def test_nothing_piles_up(database: str) -> None:
    """Erased, replaced and forgotten, jobs and originals leave no row behind, and keys none once they are dropped."""
    now = [0]
    clock = bindparam("now", callable_=lambda: now[0], type_=BigInteger)
    store = SqlJobStore(database, keep_seconds=KEEP_SECONDS, faults=NoFaults(), clock=clock)
    for _ in range(3):
        assert store.accept(new_job("erased while waiting, then posted again"))
        store.erase(new_job("erased while waiting, then posted again").token, "ada")
    done = store.accept(new_job("done"))
    claim = store.claim(new_job("done").token, 1.0)
    assert done
    assert claim
    assert store.finish(claim.job.token, claim.lease, [])
    for _ in range(2):
        now[0] += KEEP_SECONDS * 1000
        store.forget_expired(MANY)
        store.drop_garbage(store.take_garbage(MANY))
    store.close()
    engine = create_engine(database)
    with engine.connect() as connection:
        for table in metadata.sorted_tables:
            assert connection.execute(table.select()).all() == []
    engine.dispose()
