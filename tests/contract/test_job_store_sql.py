"""What the record owes because it is a database: transactions, a clock of its own, and absence."""

import json
import os
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import BigInteger, bindparam, create_engine, text

from imagemill.domain.formats import ImageFormat
from imagemill.domain.geometry import Size
from imagemill.domain.job import Product
from imagemill.domain.ports import FaultPoint
from imagemill.errors import RecordUnavailable
from imagemill.faults import NoFaults
from imagemill.jobs import schema
from imagemill.jobs.access import Access
from imagemill.jobs.database import Database
from imagemill.jobs.dialects import read_url
from imagemill.jobs.store import SqlJobStore
from imagemill.jobs.tables import jobs, metadata
from tests.contract.record import KEEP_SECONDS, LEASE_SECONDS, MANY, RESEND_SECONDS
from tests.databases import MariaDb, Postgres
from tests.fakes.faults import CalledFaults
from tests.fakes.jobs import new_job, products

HURRIED = Access(timeout_seconds=2)


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


@pytest.mark.parametrize(
    "url", ["sqlite:////nowhere/at/all.db", "postgresql://127.0.0.1:1/nothing", "mysql://127.0.0.1:1/nothing"]
)
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
    engine = create_engine(read_url(database))
    with engine.connect() as connection:
        for table in metadata.sorted_tables:
            assert connection.execute(table.select()).all() == []
    engine.dispose()


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """What is done meanwhile must not take longer."""
    started = time.monotonic()
    yield
    assert time.monotonic() - started < seconds


@pytest.mark.parametrize("dialect", ["postgresql", "mysql"])
def test_a_server_that_never_answers_is_unavailable(dialect: str) -> None:
    """A port that accepts and stays silent: callers hear RecordUnavailable in seconds, not in minutes."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"{dialect}://ada@127.0.0.1:{silent.getsockname()[1]}/record"
        store = SqlJobStore(url, keep_seconds=KEEP_SECONDS, faults=NoFaults(), access=HURRIED)
        with within(6), pytest.raises(RecordUnavailable):
            store.check()
        store.close()


def test_a_server_that_freezes_is_unavailable(postgresql_database: str) -> None:
    """A connection whose server process stops is given up in seconds, and replaced at the next call."""
    store = SqlJobStore(postgresql_database, keep_seconds=KEEP_SECONDS, faults=NoFaults(), access=HURRIED)
    store.check()
    engine = create_engine(postgresql_database)
    with engine.connect() as connection:
        ours = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        pids = [pid for pid in connection.scalars(text(ours)) if pid]
    engine.dispose()
    assert len(pids) == 1
    os.kill(pids[0], signal.SIGSTOP)
    try:
        with within(6), pytest.raises(RecordUnavailable):
            store.check()
        # The server's main process grants another one.
        store.check()
    finally:
        os.kill(pids[0], signal.SIGCONT)
    store.close()


def test_a_mariadb_that_freezes_is_unavailable(mariadb: MariaDb, mariadb_database: str) -> None:
    """A server that stops as a whole is given up in seconds, and found again when it goes on."""
    store = SqlJobStore(mariadb_database, keep_seconds=KEEP_SECONDS, faults=NoFaults(), access=HURRIED)
    store.check()
    with mariadb.frozen(), within(6), pytest.raises(RecordUnavailable):
        store.check()
    store.check()
    store.close()


def test_a_statement_that_takes_too_long_is_unavailable(server_database: str) -> None:
    """The server ends what takes longer than a few seconds."""
    database = Database(server_database, HURRIED)
    sleep = "SELECT pg_sleep(30)" if server_database.startswith("postgresql") else "SELECT sleep(30)"
    with within(6), pytest.raises(RecordUnavailable), database.reading() as connection:
        connection.execute(text(sleep))
    database.close()


def test_a_lock_that_is_never_let_go_is_unavailable(database: str) -> None:
    """Who waits for another's lock hears it in seconds, and nothing of his is left."""
    holder, waiter = Database(database), SqlJobStore(database, keep_seconds=60, faults=NoFaults(), access=HURRIED)
    accepted = waiter.accept(new_job())
    assert accepted is not None
    with holder.writing() as connection:
        connection.execute(jobs.update().values(sends=7))
        with within(6), pytest.raises(RecordUnavailable):
            waiter.erase(accepted.job.token, "ada")
    assert waiter.find(accepted.job.token, "ada") == accepted.job
    assert waiter.erase(accepted.job.token, "ada") == accepted.job
    holder.close()
    waiter.close()


def test_a_database_that_cannot_be_written_to_is_unavailable(postgres: Postgres) -> None:
    """Read-only, as a standby is: who has to write hears that it is away, who reads is answered."""
    url = postgres.create()
    schema.upgrade(url)
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        name = connection.scalar(text("SELECT current_database()"))
        connection.execute(text(f"ALTER DATABASE {name} SET default_transaction_read_only = on"))
    engine.dispose()
    store = SqlJobStore(url, keep_seconds=KEEP_SECONDS, faults=NoFaults())
    with pytest.raises(RecordUnavailable):
        store.accept(new_job())
    assert store.find(new_job().token, "ada") is None
    store.close()


def test_owners_are_compared_byte_by_byte(database: str) -> None:
    """`Ada` is not `ada`, whatever the server's defaults are."""
    store = SqlJobStore(database, keep_seconds=KEEP_SECONDS, faults=NoFaults())
    accepted = store.accept(new_job(owner="ada"))
    assert accepted is not None
    for other in ("Ada", "ADA", "àda"):
        assert store.find(accepted.job.token, other) is None
        assert store.page(other, None, MANY).jobs == ()
        assert store.accept(new_job(owner=other)) is not None
    assert store.page("ada", None, MANY).jobs == (accepted.job,)
    store.close()


def test_a_recipe_that_cannot_be_read_does_not_stop_forgetting(database: str, caplog: pytest.LogCaptureFixture) -> None:
    """A row of a later release goes with the others; what it published is garbage all the same."""
    now = [0]
    clock = bindparam("now", callable_=lambda: now[0], type_=BigInteger)
    store = SqlJobStore(database, keep_seconds=KEEP_SECONDS, faults=NoFaults(), clock=clock)
    made = []
    for image in ("of today", "of tomorrow"):
        accepted = store.accept(new_job(image))
        claim = store.claim(new_job(image).token, LEASE_SECONDS)
        assert accepted
        assert claim
        assert store.finish(claim.job.token, claim.lease, products(claim.job))
        made += [accepted.job.original.key, *(product.key for product in products(claim.job))]
    unreadable = claim.job.token
    engine = create_engine(read_url(database))
    with engine.begin() as connection:
        recipe = jobs.update().where(jobs.c.token == unreadable)
        connection.execute(recipe.values(recipe='[{"dream": true, "name": "image"}]'))
    engine.dispose()
    now[0] += KEEP_SECONDS * 1000
    assert store.forget_expired(MANY) == 2
    assert set(store.take_garbage(MANY)) == set(made)
    assert [record.token for record in caplog.records if hasattr(record, "token")] == [str(unreadable)]
    store.close()


def test_products_of_an_earlier_release_are_read(database: str) -> None:
    """What it did not write has its default: no quality, no score, one frame."""
    store = SqlJobStore(database, keep_seconds=KEEP_SECONDS, faults=NoFaults())
    accepted = store.accept(new_job())
    assert accepted is not None
    claim = store.claim(accepted.job.token, LEASE_SECONDS)
    assert claim is not None
    made = [replace(product, quality=71, score=0.9971, frames=3) for product in products(claim.job)]
    assert store.finish(claim.job.token, claim.lease, made)
    found = store.find(claim.job.token, "ada")
    assert found is not None
    assert found.products == tuple(made)

    earlier = json.dumps(
        [{"name": "a", "key": "images/x", "format": "png", "size": {"width": 1, "height": 2}, "bytes": 3}]
    )
    engine = create_engine(read_url(database))
    with engine.begin() as connection:
        connection.execute(jobs.update().values(products=earlier))
    engine.dispose()
    found = store.find(claim.job.token, "ada")
    assert found is not None
    assert found.products == (Product("a", "images/x", ImageFormat.PNG, Size(1, 2), 3),)
    store.close()
