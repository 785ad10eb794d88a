"""The sweep: every accepted job ends."""

from itertools import pairwise

import pytest

from imagemill.domain.job import JobStatus
from imagemill.errors import RecordUnavailable
from tests.flow.house import LEASE_SECONDS, OWNER, RESEND_SECONDS, House


@pytest.fixture
def house() -> House:
    return House()


def test_a_quiet_house_needs_no_sweeping(house: House) -> None:
    """A sweep that finds nothing does nothing and says so."""
    assert not house.sweep.run()


def test_a_message_that_was_lost_is_sent_again(house: House) -> None:
    """A job that nobody claims is sent again after a while, and then ever less often."""
    token = house.accept().token
    sends = []
    for _ in range(8 * RESEND_SECONDS):
        house.jobs.now += 1
        if house.sweep.run().resent:
            sends.append(house.jobs.now)

    assert house.queue.sent == [token] * (1 + len(sends))
    pauses = [later - earlier for earlier, later in pairwise(sends)]
    assert len(pauses) >= 2
    assert all(later >= 2 * earlier for earlier, later in pairwise(pauses))


def test_a_dead_workers_job_waits_again_and_is_sent_at_once(house: House) -> None:
    """When a lease runs out, the same sweep returns the job and sends it."""
    token = house.accept().token
    house.attempt(token)
    house.jobs.now += LEASE_SECONDS + 0.1

    swept = house.sweep.run()

    assert (swept.released, swept.resent) == (1, 1)
    assert house.job(token).status is JobStatus.PENDING
    assert house.queue.sent == [token, token]


def test_a_job_that_kills_its_workers_ends(house: House) -> None:
    """After the last attempt the job fails as worker-lost, and who waits is woken."""
    token = house.accept().token
    for _ in range(3):
        house.attempt(token)
        house.jobs.now += LEASE_SECONDS + 0.1
        swept = house.sweep.run()

    job = house.job(token)
    assert swept.lost == 1
    assert job.status is JobStatus.FAILURE
    assert job.failure is not None
    assert (job.failure.code, job.failure.retryable) == ("worker-lost", True)
    assert house.doorbell.rung == [token]


def test_a_live_lease_is_left_alone(house: House) -> None:
    """A job whose worker is alive is neither returned nor sent again, however long it takes."""
    token = house.accept().token
    attempt = house.attempt(token)
    for _ in range(10):
        house.jobs.now += LEASE_SECONDS - 1
        assert house.jobs.renew(token, attempt.claim.lease, LEASE_SECONDS)
        assert not house.sweep.run()


def test_without_a_broker_what_is_due_stays_due(house: House) -> None:
    """A sweep that cannot send loses nothing: a later one sends."""
    tokens = {house.accept(data=b"\xff\xd8\xff" + bytes([number])).token for number in range(3)}
    house.queue.sent.clear()
    house.queue.away = True
    house.jobs.now += RESEND_SECONDS + 1
    assert house.sweep.run().resent == 0

    house.queue.away = False
    house.jobs.now += 2 * RESEND_SECONDS + 1
    house.sweep.run()

    assert set(house.queue.sent) == tokens


def test_ended_jobs_are_forgotten_with_their_bytes(house: House) -> None:
    """Past its keeping a job is gone, and so are its outputs and its original; until then nothing is."""
    token = house.accept().token
    house.attempt(token).work()
    house.jobs.now += 3599
    assert not house.sweep.run()
    house.jobs.now += 2

    assert house.jobs.find(token, OWNER) is None
    swept = house.sweep.run()

    assert (swept.forgotten, swept.collected) == (1, 2)
    assert house.kept == []


def test_bytes_are_deleted_later_if_the_store_is_away(house: House) -> None:
    """What could not be deleted is tried again by the next sweep."""
    token = house.accept().token
    house.attempt(token).work()
    house.store.away = True
    house.erase.erase(token, OWNER)
    house.store.away = False
    assert len(house.kept) == 2

    assert house.sweep.run().collected == 2
    assert house.kept == []


def test_a_record_that_is_away_is_said(house: House) -> None:
    """A sweep without a record raises, so that the beat can say so and sweep again."""
    house.jobs.away = True
    with pytest.raises(RecordUnavailable):
        house.sweep.run()
