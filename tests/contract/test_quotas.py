"""Quotas of work, on every record: what is accepted is charged once, in the same transaction, and never too much."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from imagemill.domain.geometry import Size
from imagemill.domain.job import Failure
from imagemill.domain.work import Charge
from imagemill.errors import QuotaExceeded, WorkerLost
from imagemill.faults import NoFaults
from imagemill.jobs.store import SqlJobStore
from tests.contract.record import Record
from tests.fakes.jobs import new_job

DAY_SECONDS = 86_400
SIZE = Size(1000, 1000)
MOST = 3 * SIZE.pixels
CHARGE = Charge("ada's key", SIZE.pixels, MOST)


def test_each_new_job_is_charged(record: Record) -> None:
    """What jobs have cost adds up by name, and nobody else's changes."""
    assert record.store.usage("ada's key").pixels == 0
    for image in ("one", "two"):
        record.accept(new_job(image, charge=CHARGE))
    record.accept(new_job("three", charge=Charge("another key", 5, MOST)))
    record.accept(new_job("four"))
    assert record.store.usage("ada's key").pixels == 2 * SIZE.pixels
    assert record.store.usage("another key").pixels == 5


def test_a_job_that_stands_already_costs_nothing(record: Record) -> None:
    """The same request again is answered with the same job, also when nothing is left."""
    new = new_job("one", charge=CHARGE)
    record.accept(new)
    for image in ("two", "three"):
        record.accept(new_job(image, charge=CHARGE))
    accepted = record.store.accept(replace(new, results_id="another"))
    assert accepted is not None
    assert accepted.reused
    assert record.store.usage("ada's key").pixels == MOST


def test_a_job_that_replaces_another_is_charged(record: Record) -> None:
    """What failed and is made again is decoded again."""
    new = new_job("one", charge=CHARGE)
    record.fail(record.accept(new), Failure.of(WorkerLost()))
    record.accept(new)
    assert record.store.usage("ada's key").pixels == 2 * SIZE.pixels


def test_what_is_over_the_quota_is_refused_and_leaves_nothing(record: Record) -> None:
    """A job that costs more than is left is not recorded, nor is its image, and costs nothing; a smaller one may be."""
    record.accept(new_job("one", charge=Charge("ada's key", MOST - 1, MOST)))
    large = new_job("two", charge=Charge("ada's key", 2, MOST))
    with pytest.raises(QuotaExceeded):
        record.store.accept(large)
    assert record.store.find(large.token, "ada") is None
    assert record.store.find_original("ada", large.original.sha256) is None
    record.accept(new_job("three", charge=Charge("ada's key", 1, MOST)))
    assert record.store.usage("ada's key").pixels == MOST


def test_more_than_a_whole_day_is_refused_on_a_new_day_too(record: Record) -> None:
    """A charge above the bound itself is never taken."""
    record.accept(new_job("one", charge=CHARGE))
    record.advance(DAY_SECONDS)
    with pytest.raises(QuotaExceeded):
        record.store.accept(new_job("two", charge=Charge("ada's key", MOST + 1, MOST)))


def test_a_new_day_begins_with_nothing(record: Record) -> None:
    """Days are UTC. The refusal says how long the present one lasts, and then the whole quota is there again."""
    record.accept(new_job("one", charge=Charge("ada's key", MOST, MOST)))
    usage = record.store.usage("ada's key")
    with pytest.raises(QuotaExceeded) as refused:
        record.store.accept(new_job("two", charge=CHARGE))
    assert refused.value.retry_after_seconds == usage.resets_seconds
    assert (usage.resets_at.hour, usage.resets_at.minute, usage.resets_at.second) == (0, 0, 0)

    record.advance(usage.resets_seconds - 1)
    with pytest.raises(QuotaExceeded):
        record.store.accept(new_job("two", charge=CHARGE))
    record.advance(1)
    record.accept(new_job("two", charge=CHARGE))
    tomorrow = record.store.usage("ada's key")
    assert tomorrow.pixels == SIZE.pixels
    assert tomorrow.resets_at - usage.resets_at == timedelta(days=1)


def test_requests_at_once_do_not_take_more_than_there_is(database: str) -> None:
    """Eight threads with ten images each, a quota for seven: seven are accepted, also while it is the first charge."""
    store = SqlJobStore(database, keep_seconds=3600, faults=NoFaults())
    most = 7 * SIZE.pixels + 1

    def client(thread: int) -> int:
        accepted = 0
        for number in range(10):
            try:
                new = new_job(f"{thread}/{number}", charge=Charge("ada's key", SIZE.pixels, most), in_turn=True)
                accepted += store.accept(new) is not None
            except QuotaExceeded:
                pass
        return accepted

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(client, range(8))) == 7
    assert store.usage("ada's key").pixels == 7 * SIZE.pixels
    store.close()
