"""What the record owes when many act at once, in threads and in processes, on SQLite and PostgreSQL."""

import multiprocessing
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from imagemill.domain.job import Failure, Job, JobStatus, Original
from imagemill.domain.ports import Accepted, FaultPoint
from imagemill.errors import RenderFailed
from imagemill.faults import NoFaults
from imagemill.jobs.store import SqlJobStore
from tests.fakes.faults import CalledFaults
from tests.fakes.jobs import new_job, products

RACERS = 8
JOBS = 40
PASSING = Failure.of(RenderFailed("It did not work."))
PROCESSES = multiprocessing.get_context("fork")

Racer = Callable[[int], Any]
Race = Callable[[Racer], list[Any]]


@pytest.fixture
def store(database: str) -> Iterator[SqlJobStore]:
    """An empty store on the database's own clock."""
    store = SqlJobStore(database, keep_seconds=3600, faults=NoFaults())
    yield store
    store.close()


def accept(store: SqlJobStore, image: str, original: Original | None = None, width: int = 100) -> Job:
    """A new job, accepted."""
    accepted = store.accept(new_job(image, original=original, width=width))
    assert accepted is not None
    return accepted.job


def post(store: SqlJobStore, image: str, width: int = 100) -> Accepted:
    """Post as intake does: who is told that the original is another one looks again."""
    for _ in range(5):
        new = new_job(image, width=width)
        found = store.find_original("ada", new.original.sha256)
        accepted = store.accept(replace(new, original=found) if found else new)
        if accepted:
            return accepted
    raise AssertionError("the record never made up its mind")


def in_threads(racer: Racer) -> list[Any]:
    """What each of the racers returns; all start together."""
    start = Barrier(RACERS)

    def run(number: int) -> Any:
        start.wait(timeout=30)
        return racer(number)

    with ThreadPoolExecutor(RACERS) as threads:
        return list(threads.map(run, range(RACERS)))


def in_processes(racer: Racer) -> list[Any]:
    """Likewise, in processes forked from this one."""
    start, answers = PROCESSES.Barrier(RACERS), PROCESSES.Queue()

    def run(number: int) -> None:
        start.wait(timeout=30)
        answers.put(racer(number))

    children = [PROCESSES.Process(target=run, args=(number,)) for number in range(RACERS)]
    for child in children:
        child.start()
    results = [answers.get(timeout=60) for _ in children]
    for child in children:
        child.join(timeout=30)
    assert [child.exitcode for child in children] == [0] * RACERS
    return results


@pytest.fixture(params=[in_threads, in_processes])
def race(request: pytest.FixtureRequest, store: SqlJobStore) -> Race:
    """A way to race."""

    def run(racer: Racer) -> list[Any]:
        # SQLite's locks belong to the process that opened the file, so that it must not be open across the fork.
        store.close()
        results: list[Any] = request.param(racer)
        return results

    return run


def test_each_job_is_claimed_once(store: SqlJobStore, race: Race) -> None:
    """Eight workers that reach for the same jobs in the same order get each of them exactly once between them."""
    tokens = [accept(store, f"image {number}").token for number in range(JOBS)]

    def worker(_: int) -> list[Any]:
        return [token for token in tokens if store.claim(token, 60.0)]

    claimed = [token for mine in race(worker) for token in mine]
    assert sorted(claimed) == sorted(tokens)
    assert {job.attempts for job in store.page("ada", None, JOBS).jobs} == {1}


def test_each_job_is_finished_once(store: SqlJobStore, race: Race) -> None:
    """Of eight that finish under one lease, one is told that it published."""
    jobs = [accept(store, f"image {number}") for number in range(10)]
    claims = [claim for job in jobs if (claim := store.claim(job.token, 60.0))]

    def worker(_: int) -> list[Any]:
        return [c.job.token for c in claims if store.finish(c.job.token, c.lease, products(c.job))]

    published = [token for mine in race(worker) for token in mine]
    assert sorted(published) == sorted(job.token for job in jobs)


def test_the_same_post_at_once_is_one_job(store: SqlJobStore, race: Race) -> None:
    """Eight clients post the same image and options: one makes the job, seven are told of it."""

    def client(_: int) -> list[Any]:
        accepted = [post(store, f"image {number}") for number in range(10)]
        return [(answer.reused, answer.job.results_id) for answer in accepted]

    for answers in zip(*race(client), strict=True):
        assert Counter(reused for reused, _ in answers) == {False: 1, True: RACERS - 1}
        assert len({results_id for _, results_id in answers}) == 1


def test_the_same_image_at_once_is_one_original(store: SqlJobStore, race: Race) -> None:
    """Eight clients post the same image with different options: one's bytes are recorded, the others look again."""

    def first_try(number: int) -> list[Any]:
        news = [new_job(f"image {image}", width=number + 1) for image in range(10)]
        return [new.original.key if store.accept(new) else None for new in news]

    for image, keys in enumerate(zip(*race(first_try), strict=True)):
        found = store.find_original("ada", new_job(f"image {image}").original.sha256)
        assert found is not None
        assert Counter(keys) == {found.key: 1, None: RACERS - 1}
    race(lambda number: [post(store, f"image {image}", width=number + 1).reused for image in range(10)])
    jobs = store.page("ada", None, 1000).jobs
    assert len(jobs) == 10 * RACERS
    assert len({job.original.key for job in jobs}) == 10


def test_the_same_failed_job_is_replaced_once(store: SqlJobStore, race: Race) -> None:
    """Eight clients post again what failed: one new record stands, and only the old one's outputs are garbage."""
    old = accept(store, "an image")
    claim = store.claim(old.token, 60.0)
    assert claim is not None
    store.fail(old.token, claim.lease, PASSING)

    def client(_: int) -> list[Any]:
        answer = store.accept(new_job("an image", original=old.original))
        return [answer and answer.reused]

    assert Counter(map(tuple, race(client))) == {(False,): 1, (True,): RACERS - 1}
    assert set(store.take_garbage(100)) == {product.key for product in products(old)}
    assert store.find_original("ada", old.original.sha256) == old.original


def test_an_original_is_never_given_up_under_a_new_job(store: SqlJobStore, race: Race) -> None:
    """Some erase an image's last job, or sweep, while others post it again: no accepted job lacks its original."""
    originals = [accept(store, f"image {number}").original for number in range(20)]

    def client(number: int) -> list[Any]:
        if number % 4 == 3:
            return [store.give_up_originals(0, 5) and None for _ in range(20)]
        if number % 2:
            return [store.erase(new_job(f"image {image}").token, "ada") and None for image in range(20)]
        found = [store.accept(new_job(f"image {i}", original=o, width=number + 1)) for i, o in enumerate(originals)]
        return [accepted and accepted.job.token for accepted in found]

    accepted = [token for tokens in race(client) for token in tokens if token]
    garbage = set(store.take_garbage(1000))
    for token in accepted:
        job = store.find(token, "ada")
        assert job is not None
        assert store.find_original("ada", job.original.sha256) == job.original
        assert job.original.key not in garbage


def test_erasing_waits_for_a_job_that_is_being_accepted(postgresql_database: str) -> None:
    """The last job of an image is erased just before another one is committed: the image stays, for that one."""
    faults = CalledFaults()
    store = SqlJobStore(postgresql_database, keep_seconds=3600, faults=faults)
    first = accept(store, "an image", width=1)
    ours = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    waiting = text(f"{ours} AND wait_event_type = 'Lock'")
    engine = create_engine(postgresql_database)

    with ThreadPoolExecutor(1) as threads, engine.connect() as connection:

        def erase_meanwhile() -> None:
            threads.submit(store.erase, first.token, "ada")
            deadline = time.monotonic() + 30
            while not connection.scalar(waiting):
                assert time.monotonic() < deadline
                connection.rollback()

        faults.calls[FaultPoint.ROW_INSERTED] = erase_meanwhile
        second = accept(store, "an image", original=first.original, width=2)

    revoked = store.find(first.token, "ada")
    assert revoked is not None
    assert revoked.status is JobStatus.REVOKED
    assert store.find_original("ada", second.original.sha256) == second.original
    assert second.original.key not in store.take_garbage(100)
    engine.dispose()
    store.close()


def test_accepting_locks_originals_in_their_order(postgresql_database: str) -> None:
    """A job that takes an erased one's place waits for the old original without holding the new one: no deadlock."""
    store = SqlJobStore(postgresql_database, keep_seconds=3600, faults=NoFaults())
    accept(store, "an image", width=1)
    store.erase(new_job("an image", width=1).token, "ada")
    second = accept(store, "an image", width=2)
    engine = create_engine(postgresql_database)
    ids = "SELECT id FROM originals ORDER BY id"
    ours = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"

    with ThreadPoolExecutor(1) as threads, engine.connect() as sweep, engine.connect() as watch:
        old, new = sweep.scalars(text(ids)).all()
        lock = text("SELECT id FROM originals WHERE id = :id FOR UPDATE NOWAIT")
        sweep.execute(lock, {"id": old})
        accepting = threads.submit(accept, store, "an image", second.original, 1)
        deadline = time.monotonic() + 30
        while not watch.scalar(text(f"{ours} AND wait_event_type = 'Lock'")):
            assert time.monotonic() < deadline
            watch.rollback()
        assert sweep.execute(lock, {"id": new}).one()
        sweep.commit()
        assert accepting.result(30).original == second.original
    engine.dispose()
    store.close()


def test_sweeps_share_the_work(store: SqlJobStore, race: Race) -> None:
    """Sweeps at once: each job is sent, released and forgotten by exactly one of them."""
    tokens = [accept(store, f"image {number}").token for number in range(JOBS)]
    due = [token for mine in race(lambda _: store.take_due(15, 10)) for token in mine]
    assert len(due) == len(set(due))
    assert set(due) | set(store.take_due(15, JOBS)) == set(tokens)
    for token in tokens:
        assert store.claim(token, 0.0)
    released = [token for mine in race(lambda _: store.release_expired(1, 10).lost) for token in mine]
    assert len(released) == len(set(released))
    assert set(released) | set(store.release_expired(1, JOBS).lost) == set(tokens)
    assert {job.status for job in store.page("ada", None, JOBS).jobs} == {JobStatus.FAILURE}


def test_a_fork_has_its_own_connections(postgresql_database: str) -> None:
    """A child uses no connection of its parent's, and its end closes none of them."""
    store = SqlJobStore(postgresql_database, keep_seconds=3600, faults=NoFaults())
    job = accept(store, "an image")
    assert in_processes(lambda _: store.find(job.token, "ada")) == [job] * RACERS
    assert store.find(job.token, "ada") == job
    store.close()
