"""Turns among owners, on every record: whoever comes with little waits little, whoever has much shares."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID, uuid4

import pytest
from sqlalchemy import create_engine, update

from imagemill.domain.geometry import Size
from imagemill.domain.job import Job
from imagemill.faults import NoFaults
from imagemill.jobs.dialects import read_url
from imagemill.jobs.store import SqlJobStore
from imagemill.jobs.tables import jobs
from tests.contract.record import LEASE_SECONDS, Record
from tests.fakes.jobs import new_job, products

RESEND_SECONDS = 15
SMALL, LARGE = Size(100, 100), Size(3000, 2000)


def accept(record: Record, owner: str, count: int = 1, size: Size = SMALL) -> list[Job]:
    """So many new jobs of an owner, in turn."""
    return [record.accept(new_job(f"image {uuid4()}", owner=owner, size=size, in_turn=True)) for _ in range(count)]


def work(record: Record, count: int) -> list[Job]:
    """So many jobs, claimed and finished, in the order in which they were claimed. The token says nothing."""
    done = []
    for _ in range(count):
        claim = record.store.claim(uuid4(), LEASE_SECONDS)
        assert claim is not None
        assert record.store.finish(claim.job.token, claim.lease, products(claim.job))
        done.append(claim.job)
    return done


def owners(jobs: list[Job]) -> str:
    """First letters of their owners."""
    return "".join(job.owner[0] for job in jobs)


def test_an_owner_alone_is_served_in_order(record: Record) -> None:
    """One owner's jobs are claimed as they came."""
    accepted = accept(record, "ada", 5)
    assert [job.token for job in work(record, 5)] == [job.token for job in accepted]


def test_a_single_job_waits_for_one_other(record: Record) -> None:
    """Behind a hundred of another owner's jobs, whatever was done of them, a newcomer is second at the latest."""
    accept(record, "heavy", 100)
    work(record, 30)
    accept(record, "light")
    assert "l" in owners(work(record, 2))


def test_one_job_after_the_other_is_no_worse_than_the_first(record: Record) -> None:
    """Who sends the next job when the last one is done is second at the latest each time."""
    accept(record, "heavy", 100)
    for _ in range(10):
        accept(record, "light")
        assert "l" in owners(work(record, 2))


def test_owners_with_much_share(record: Record) -> None:
    """Who comes second with much has half of the work from then on; who was first does not wait until that is done."""
    accept(record, "ada", 60)
    work(record, 20)
    accept(record, "bob", 60)
    assert Counter(owners(work(record, 20))) == {"a": 10, "b": 10}
    assert Counter(owners(work(record, 20))) == {"a": 10, "b": 10}


def test_shares_are_of_work_not_of_jobs(record: Record) -> None:
    """Six megapixels weigh 7, a small image 1: in the time of each large job there are about seven small ones."""
    accept(record, "large", 10, LARGE)
    accept(record, "small", 70, SMALL)
    seen = Counter(owners(work(record, 40)))
    assert seen["l"] == 5


def test_what_was_done_while_nobody_waited_is_not_held_against_anyone(record: Record) -> None:
    """The line begins anew once it is empty: who has had much done is not behind a newcomer with much."""
    accept(record, "ada", 50)
    work(record, 50)
    accept(record, "bob", 10)
    accept(record, "ada", 10)
    assert Counter(owners(work(record, 10))) == {"a": 5, "b": 5}


def test_a_job_that_came_back_goes_first(record: Record) -> None:
    """A job whose worker was lost, or that was given back, has had its turn; the sweep puts it at the head."""
    (lost,) = accept(record, "ada")
    assert record.store.claim(uuid4(), LEASE_SECONDS)
    accept(record, "bob", 3)
    record.advance(LEASE_SECONDS + 1)
    assert record.store.release_expired(3, 10).returned == (lost.token,)
    assert lost.token in record.store.take_due(RESEND_SECONDS, 10)
    assert owners(work(record, 4)) == "abbb"


def test_a_job_that_came_back_does_not_set_the_line_back(record: Record) -> None:
    """Newcomers line up behind those who wait for their first turn, not behind one who is done waiting."""
    accept(record, "ada", 50)
    work(record, 30)
    claim = record.store.claim(uuid4(), LEASE_SECONDS)
    assert claim is not None
    assert record.store.retry(claim.job.token, claim.lease, 0)
    assert claim.job.token in record.store.take_due(RESEND_SECONDS, 100)
    accept(record, "bob", 20)
    assert Counter(owners(work(record, 21))) == {"a": 11, "b": 10}


def test_a_job_that_is_not_due_is_not_in_line(record: Record) -> None:
    """One that was given back with a delay is claimed by nobody's message until the sweep has sent it."""
    (job,) = accept(record, "ada")
    claim = record.store.claim(uuid4(), LEASE_SECONDS)
    assert claim is not None
    assert record.store.retry(job.token, claim.lease, 60)
    assert record.store.claim(job.token, LEASE_SECONDS) is None
    record.advance(61)
    assert record.store.take_due(RESEND_SECONDS, 10) == [job.token]
    assert owners(work(record, 1)) == "a"


def test_resending_keeps_the_order(record: Record) -> None:
    """A job that has not been claimed keeps its place when the sweep sends it again."""
    accept(record, "heavy", 20)
    accept(record, "light")
    record.advance(RESEND_SECONDS + 1)
    assert len(record.store.take_due(RESEND_SECONDS, 100)) == 21
    assert owners(work(record, 3)).count("l") == 1


def test_an_erased_job_leaves_the_line(record: Record) -> None:
    """What its owner has erased while it waited is not claimed, and does not count as waiting."""
    first, second = accept(record, "ada", 2)
    record.store.erase(first.token, "ada")
    assert record.store.pending_in_turn("ada", 10) == 1
    assert work(record, 1)[0].token == second.token
    assert record.store.claim(first.token, LEASE_SECONDS) is None


def test_jobs_without_a_turn_are_found_by_their_own_message(record: Record) -> None:
    """A job that was accepted while authentication was off is claimed by its token, whoever else is in line."""
    accept(record, "ada", 3)
    alone = record.accept(new_job("alone"))
    claim = record.store.claim(alone.token, LEASE_SECONDS)
    assert claim is not None
    assert claim.job.token == alone.token
    assert owners(work(record, 3)) == "aaa"
    assert record.store.claim(alone.token, LEASE_SECONDS) is None


def test_waiting_jobs_are_counted_by_owner(record: Record) -> None:
    """The count is of one owner's jobs in line, and ends at the limit."""
    accept(record, "ada", 5)
    record.advance(1)  # of equal turns the older one is first
    accept(record, "bob", 2)
    work(record, 1)
    assert record.store.pending_in_turn("ada", 100) == 4
    assert record.store.pending_in_turn("ada", 3) == 3
    assert record.store.pending_in_turn("bob", 100) == 2
    assert record.store.pending_in_turn("eve", 100) == 0


@pytest.fixture
def store(database: str) -> Iterator[SqlJobStore]:
    """A record that many threads use."""
    store = SqlJobStore(database, keep_seconds=3600, faults=NoFaults())
    yield store
    store.close()


def test_jobs_that_are_recorded_at_once_get_turns_of_their_own(store: SqlJobStore) -> None:
    """Eight threads of a process record jobs of an owner who waits already: haste gives nobody more than his share."""

    def record_some(thread: int) -> None:
        for number in range(10):
            assert store.accept(new_job(f"{thread}/{number}", owner="heavy", size=SMALL, in_turn=True))

    record_some(0)
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(record_some, range(1, 9)))
    assert store.accept(new_job("one", owner="light", size=SMALL, in_turn=True))
    first = [claim.job.owner for _ in range(2) if (claim := store.claim(uuid4(), LEASE_SECONDS))]
    assert "light" in first


def test_a_worker_of_the_release_before_claims_past_the_line(store: SqlJobStore, database: str) -> None:
    """During an upgrade a worker that knows no turns leaves its job in line; nobody claims the job a second time."""
    first, second = (store.accept(new_job(image, in_turn=True)) for image in ("first", "second"))
    assert first
    assert second
    engine = create_engine(read_url(database))
    with engine.begin() as connection:
        connection.execute(
            update(jobs).where(jobs.c.token == first.job.token).values(status="IN_PROGRESS", send_at=None)
        )
    engine.dispose()
    claim = store.claim(first.job.token, LEASE_SECONDS)
    assert claim
    assert claim.job.token == second.job.token
    assert store.claim(first.job.token, LEASE_SECONDS) is None
    assert store.pending_in_turn("ada", 10) == 0


def test_each_job_in_line_is_claimed_once(store: SqlJobStore) -> None:
    """Eight workers that all reach for the first in line get each job exactly once between them, and none is left."""
    tokens = set()
    for number in range(80):
        accepted = store.accept(new_job(str(number), owner=f"owner {number % 3}", in_turn=True))
        assert accepted is not None
        tokens.add(accepted.job.token)

    def worker(_: int) -> list[UUID]:
        return [claim.job.token for _ in range(10) if (claim := store.claim(uuid4(), LEASE_SECONDS))]

    with ThreadPoolExecutor(8) as threads:
        claimed = [token for mine in threads.map(worker, range(8)) for token in mine]
    assert len(claimed) == 80
    assert set(claimed) == tokens
