"""What the record owes when the database goes away in the middle: a call runs again, and its effect is there once."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import create_engine, event, text
from sqlalchemy.exc import OperationalError

from imagemill.domain.job import Failure, JobStatus
from imagemill.errors import RecordUnavailable, RenderFailed
from imagemill.faults import NoFaults
from imagemill.jobs import repeating
from imagemill.jobs.access import Access
from imagemill.jobs.dialects import read_url
from imagemill.jobs.store import SqlJobStore
from imagemill.jobs.tables import originals
from tests.contract.record import KEEP_SECONDS, LEASE_SECONDS, MANY, MAX_ATTEMPTS, RESEND_SECONDS
from tests.databases import Postgres
from tests.fakes.jobs import new_job, products

PASSING = Failure.of(RenderFailed("It did not work."))


@pytest.fixture
def store(server_database: str) -> Iterator[SqlJobStore]:
    """An empty store on a server."""
    store = SqlJobStore(server_database, keep_seconds=KEEP_SECONDS, faults=NoFaults())
    yield store
    store.close()


def end_connections(url: str) -> None:
    """Let the server end every connection to the database but the one that asks for it."""
    engine = create_engine(read_url(url), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
            connection.execute(text(f"{others} AND pid <> pg_backend_pid()"))
        else:
            others = "SELECT id FROM information_schema.processlist WHERE db = database() AND id <> connection_id()"
            for number in connection.scalars(text(others)).all():
                connection.execute(text(f"KILL {number}"))
    engine.dispose()


@contextmanager
def answers_lost(store: SqlJobStore, times: int = 1) -> Iterator[list[str]]:
    """The next changes are committed, and the connection is gone before the answer comes. Yields what was committed."""
    engine = store._database._engine()
    lost: list[str] = []

    def lose(connection: Any, statement: str) -> None:
        if len(lost) < times:
            lost.append(statement)
            connection.connection.dbapi_connection.close()
            raise engine.dialect.loaded_dbapi.OperationalError(2013, "the connection is gone")

    def after_statement(connection: Any, _: Any, statement: str, *__: Any) -> None:
        if statement.startswith("UPDATE") and "imagemill_durable" not in connection.get_execution_options():
            lose(connection, statement)

    def commit(pooled: Any) -> None:
        pooled.commit()
        if len(lost) < times:
            lost.append("COMMIT")
            pooled.dbapi_connection.close()
            raise engine.dialect.loaded_dbapi.OperationalError(2013, "the connection is gone")

    former = engine.dialect.do_commit
    engine.dialect.do_commit = commit  # type: ignore[method-assign]
    event.listen(engine, "after_cursor_execute", after_statement)
    try:
        yield lost
    finally:
        event.remove(engine, "after_cursor_execute", after_statement)
        engine.dialect.do_commit = former  # type: ignore[method-assign]


def test_connections_that_died_cost_no_request(store: SqlJobStore, server_database: str) -> None:
    """The server was restarted while nobody asked: the next call of any kind is answered."""
    job = store.accept(new_job("an image"))
    assert job is not None
    calls: list[Callable[[], object]] = [
        store.check,
        lambda: store.accept(new_job("another image")),
        lambda: store.claim(job.job.token, LEASE_SECONDS),
        lambda: store.page("ada", None, MANY).jobs,
        lambda: store.take_due(RESEND_SECONDS, MANY),
    ]
    for call in calls:
        end_connections(server_database)
        call()
    assert len(store.page("ada", None, MANY).jobs) == 2


def test_a_job_whose_commit_was_not_heard_of_is_new(store: SqlJobStore) -> None:
    """Committed, and the answer lost: the caller is told of one new job, not of somebody else's."""
    new = new_job()
    with answers_lost(store) as lost:
        accepted = store.accept(new)
    assert lost == ["COMMIT"]
    assert accepted is not None
    assert not accepted.reused
    assert store.page("ada", None, MANY).jobs == (accepted.job,)
    again = store.accept(new_job())
    assert again is not None
    assert again.reused


def test_a_claim_that_was_not_heard_of_is_had(store: SqlJobStore) -> None:
    """The claim stands under the lease that the caller gets, and counts as one attempt."""
    accepted = store.accept(new_job())
    assert accepted is not None
    with answers_lost(store) as lost:
        claim = store.claim(accepted.job.token, LEASE_SECONDS)
    assert len(lost) == 1
    assert claim is not None
    assert claim.job.attempts == 1
    assert store.claim(accepted.job.token, LEASE_SECONDS) is None
    assert store.finish(accepted.job.token, claim.lease, products(claim.job))


@pytest.mark.parametrize("end", [JobStatus.SUCCESS, JobStatus.FAILURE, JobStatus.PENDING])
def test_an_end_that_was_not_heard_of_is_this_workers(store: SqlJobStore, end: JobStatus) -> None:
    """Who finished, failed or gave back a job is told so; another is not, nor is he himself at a second call."""
    accepted = store.accept(new_job())
    assert accepted is not None
    token = accepted.job.token
    claim = store.claim(token, LEASE_SECONDS)
    assert claim is not None

    def end_it() -> bool:
        if end is JobStatus.SUCCESS:
            return store.finish(token, claim.lease, products(claim.job))
        return (
            store.fail(token, claim.lease, PASSING) if end is JobStatus.FAILURE else store.retry(token, claim.lease, 9)
        )

    with answers_lost(store) as lost:
        assert end_it()
    assert len(lost) == 1
    assert not end_it()
    found = store.find(token, "ada")
    assert found is not None
    assert (found.status, found.attempts) == (end, 0 if end is JobStatus.PENDING else 1)


def test_a_renewal_that_was_not_heard_of_is_made(store: SqlJobStore) -> None:
    """A lease that is prolonged twice is prolonged."""
    accepted = store.accept(new_job())
    assert accepted is not None
    claim = store.claim(accepted.job.token, LEASE_SECONDS)
    assert claim is not None
    with answers_lost(store) as lost:
        assert store.renew(accepted.job.token, claim.lease, LEASE_SECONDS)
    assert len(lost) == 1


def test_a_sweep_that_was_not_heard_of_is_harmless(store: SqlJobStore) -> None:
    """Whichever step loses its answer, each job still ends, and nothing that is needed goes."""
    accepted = store.accept(new_job())
    assert accepted is not None
    token = accepted.job.token
    with answers_lost(store):
        assert store.take_due(RESEND_SECONDS, MANY) == [], "sent by nobody, and due again later"
    assert store.claim(token, 0.0)
    with answers_lost(store):
        store.release_expired(MAX_ATTEMPTS, MANY)
    assert store.take_due(RESEND_SECONDS, MANY) == [token]
    with answers_lost(store):
        store.give_back([token])
    assert store.take_due(RESEND_SECONDS, MANY) == [token]
    with answers_lost(store):
        erased = store.erase(token, "ada")
    assert erased is not None
    assert erased.status is JobStatus.REVOKED
    keys = store.take_garbage(MANY)
    with answers_lost(store):
        store.drop_garbage(keys)
    assert store.take_garbage(MANY) == []


def test_what_is_lost_again_is_unavailable(store: SqlJobStore) -> None:
    """A call is not run for ever."""
    with answers_lost(store, times=2), pytest.raises(RecordUnavailable):
        store.accept(new_job())
    assert store.accept(new_job()) is not None


def test_transactions_that_lock_each_other_out_both_end(store: SqlJobStore, server_database: str) -> None:
    """Of two that wait for each other the server rolls one back; it runs again, and nobody hears of it."""
    for image in ("one", "two"):
        assert store.accept(new_job(image)) is not None
    engine = store._database._engine()
    first, second = engine.connect(), store._database
    runs: list[bool] = []
    met = threading.Barrier(2, timeout=30)

    def lock(connection: Any, offset: int) -> None:
        rows = originals.select().order_by(originals.c.id).offset(offset).limit(1)
        (row,) = connection.execute(rows).all()
        connection.execute(originals.select().where(originals.c.id == row.id).with_for_update())

    def run(order: tuple[int, int]) -> Callable[[bool], None]:
        def work(again: bool) -> None:
            runs.append(again)
            with second.writing() as connection:
                lock(connection, order[0])
                if not again:
                    met.wait()
                lock(connection, order[1])

        return work

    first.close()
    other = threading.Thread(target=second.repeat, args=(run((1, 0)),))
    other.start()
    second.repeat(run((0, 1)))
    other.join(30)
    assert sorted(runs) == [False, False, True]


def test_the_patient_wait_for_a_database_that_comes_back(postgres: Postgres, postgresql_database: str) -> None:
    """Killed and started again meanwhile: who has patience is answered, who has none is told at once."""
    patient, hurried = (
        SqlJobStore(postgresql_database, keep_seconds=60, faults=NoFaults(), access=Access(patience_seconds=patience))
        for patience in (60, 0)
    )
    for store in (patient, hurried):
        store.check()
    postgres.kill()
    starting = threading.Timer(0.5, postgres.start)
    try:
        with pytest.raises(RecordUnavailable):
            hurried.accept(new_job())
    finally:
        starting.start()
    accepted = patient.accept(new_job())
    starting.join()
    assert accepted is not None
    assert not accepted.reused
    assert hurried.find(accepted.job.token, "ada") == accepted.job
    patient.close()
    hurried.close()


def test_patience_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """After its time the last trouble is told; what is not a database's absence is told at once."""
    clock = iter(range(100))
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    monkeypatch.setattr(time, "sleep", lambda _: None)
    runs: list[bool] = []

    def away(again: bool) -> None:
        runs.append(again)
        raise RecordUnavailable from OperationalError("", {}, OSError())

    with pytest.raises(RecordUnavailable):
        repeating.repeat(away, patience_seconds=5)
    assert runs == [False, True, True, True, True]
