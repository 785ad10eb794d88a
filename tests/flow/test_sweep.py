"""The sweep: every accepted job ends."""

import itertools
import threading
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from uuid import UUID

import pytest

from imagemill.domain.formats import ImageFormat
from imagemill.domain.job import JobStatus
from imagemill.domain.keys import SHARDS, original_key, output_key
from imagemill.domain.recipe import Recipe
from imagemill.errors import RecordUnavailable
from imagemill.flow import sweep
from imagemill.flow.erase import AT_ONCE, GARBAGE_BATCH, POSTPONE_SECONDS
from imagemill.flow.orphans import ORPHAN_SECONDS, PAUSE_SECONDS
from tests.flow.house import LEASE_SECONDS, MAX_ATTEMPTS, OWNER, RESEND_SECONDS, House


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


def test_a_job_that_kills_its_workers_ends(house: House, caplog: pytest.LogCaptureFixture) -> None:
    """After the last attempt the job fails as worker-lost, and who waits is woken; each loss is said, with the job."""
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
    told = [record for record in caplog.records if getattr(record, "token", None) == str(token)]
    assert [record.levelname for record in told] == ["WARNING"] * 3


def test_a_live_lease_is_left_alone(house: House) -> None:
    """A job whose worker is alive is neither returned nor sent again, however long it takes."""
    token = house.accept().token
    attempt = house.attempt(token)
    for _ in range(10):
        house.jobs.now += LEASE_SECONDS - 1
        assert house.jobs.renew(token, attempt.claim.lease, LEASE_SECONDS)
        assert not house.sweep.run()


def accept_many(house: House, number: int) -> set[UUID]:
    """So many jobs of different images, none of which has reached the broker."""
    tokens = {house.accept(data=b"\xff\xd8\xff" + number.to_bytes(2)).token for number in range(number)}
    house.queue.sent.clear()
    return tokens


def test_without_a_broker_what_is_due_stays_due(house: House) -> None:
    """However long the broker is away, the very next sweep sends everything."""
    tokens = accept_many(house, 30)
    house.queue.away = True
    for _ in range(200):
        house.jobs.now += RESEND_SECONDS
        assert house.sweep.run().resent == 0

    house.queue.away = False
    assert house.sweep.run().resent == 30
    assert set(house.queue.sent) == tokens


def test_a_broker_that_goes_away_loses_nothing(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was taken to be sent and could not be is sent by the very next sweep."""
    tokens = accept_many(house, 30)
    house.jobs.now += RESEND_SECONDS
    send = house.queue.send

    def send_ten(token: UUID) -> None:
        house.queue.away = len(house.queue.sent) == 10
        send(token)

    monkeypatch.setattr(house.queue, "send", send_ten)
    assert house.sweep.run().resent == 10
    monkeypatch.undo()
    house.queue.away = False

    assert house.sweep.run().resent == 20
    assert set(house.queue.sent) == tokens


def test_one_sweep_does_all_there_is(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Steps go on batch after batch, until little is left or it has taken long enough."""
    monkeypatch.setattr(sweep, "BATCH", 5)
    accept_many(house, 23)
    house.jobs.now += RESEND_SECONDS
    impatient = replace(house.sweep, clock=itertools.count(step=sweep.SWEEP_SECONDS).__next__)
    assert impatient.run().resent == 6
    assert house.sweep.run().resent == 17


def test_garbage_of_any_amount_goes(house: House) -> None:
    """Erased faster than one batch for each sweep: one sweep deletes it all, but for a key that cannot be."""
    keys = [output_key(f"{number:032x}", "image", ImageFormat.PNG) for number in range(3 * GARBAGE_BATCH)]
    for key in keys:
        house.store.put(key, b"data")
    house.jobs.discard(*keys)
    house.store.stuck = {keys[0], keys[7]}

    assert house.sweep.run().collected == len(keys) - 2
    assert house.kept == [keys[0], keys[7]]
    house.store.stuck = set()
    assert house.sweep.run().collected == 0, "they are left alone for a while"
    house.jobs.now += POSTPONE_SECONDS
    assert house.sweep.run().collected == 2


def test_a_store_that_is_away_is_not_asked_for_each_key(house: House) -> None:
    """After a few failures in a row a sweep leaves the rest of the garbage to a later one."""
    keys = [output_key(f"{number:032x}", "image", ImageFormat.PNG) for number in range(50)]
    house.jobs.discard(*keys)
    house.store.stuck = set(keys)
    assert house.sweep.run().collected == 0
    house.store.stuck = set()
    assert house.sweep.run().collected == 45


def test_garbage_is_deleted_many_at_a_time(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Or a bucket, to which each is a round trip, would be left behind by the jobs that expire."""
    house.jobs.discard(*(output_key(f"{number:032x}", "image", ImageFormat.PNG) for number in range(AT_ONCE)))
    together = threading.Barrier(AT_ONCE)
    monkeypatch.setattr(house.store, "delete", lambda _: together.wait(10))
    assert house.sweep.run().collected == AT_ONCE


def test_orphans_go(house: House) -> None:
    """An original whose row never came is deleted once it is old; younger ones and those of jobs stay."""
    job = house.accept()
    orphans = [original_key(f"{shard:02x}" + "0" * 62, "0" * 16) for shard in (0, 1, 255)]
    young = original_key("1" * 64, "0" * 16)
    for key in (*orphans, young):
        house.store.put(key, b"data")
    house.store.age(ORPHAN_SECONDS + 1, but=[young])
    sweeping = house.sweep

    swept = sweeping.run()
    assert (swept.orphans, swept.collected) == (1, 1)
    assert sweeping.run().orphans == 0, "one shard at a time"
    for _ in SHARDS:
        house.jobs.now += PAUSE_SECONDS
        sweeping.run()

    assert house.kept == sorted([job.original.key, young])


@pytest.mark.parametrize("broken", ["release_expired", "take_due", "forget_expired", "discard_unnamed", "take_garbage"])
def test_a_step_that_fails_keeps_no_other_from_running(
    house: House, broken: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Whichever step stumbles, the others do their work; the trouble is said, and raised at the end."""
    steps = ["release_expired", "take_due", "forget_expired", "discard_unnamed", "take_garbage"]
    called = []
    house.store.put(original_key("0" * 64, "0" * 16), b"data")
    house.store.age(ORPHAN_SECONDS + 1)

    def watched(name: str, step: Callable[..., object]) -> Callable[..., object]:
        def call(*arguments: object) -> object:
            called.append(name)
            if name == broken:
                raise ZeroDivisionError
            return step(*arguments)

        return call

    for name in steps:
        monkeypatch.setattr(house.jobs, name, watched(name, getattr(house.jobs, name)))
    with pytest.raises(ZeroDivisionError):
        house.sweep.run()
    assert called == steps
    assert "ZeroDivisionError" in caplog.text


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
    """What could not be deleted is tried again a little later."""
    token = house.accept().token
    house.attempt(token).work()
    house.store.away = True
    house.erase.erase(token, OWNER)
    house.store.away = False
    assert len(house.kept) == 2

    house.jobs.now += POSTPONE_SECONDS
    assert house.sweep.run().collected == 2
    assert house.kept == []


def test_a_record_that_is_away_is_said(house: House, caplog: pytest.LogCaptureFixture) -> None:
    """A sweep without a record says so once, and raises, so that the beat can sweep again."""
    house.jobs.away = True
    with pytest.raises(RecordUnavailable):
        house.sweep.run()
    assert caplog.text.count("A step of the sweep failed") == 1


def test_originals_go_first_if_told_to(house: House) -> None:
    """After their own time their bytes go, the results stay; without a setting nothing is looked for."""
    token = house.accept().token
    house.attempt(token).work()
    original = house.job(token).original.key
    house.jobs.now += 1000
    assert house.sweep.run().given_up == 0

    swept = replace(house.sweep, keep_originals_seconds=1000).run()

    assert (swept.given_up, swept.collected) == (1, 1)
    assert original not in house.kept
    assert [product.key for product in house.job(token).products] == house.kept
    assert house.accept().token == token
    assert house.kept == [product.key for product in house.job(token).products], "nothing was stored again"


def test_an_image_whose_original_went_can_be_made_into_others(house: House) -> None:
    """Sent again with other options it is kept anew, and the second job ends as the first one did."""
    first = house.accept().token
    house.attempt(first).work()
    house.jobs.now += 1000
    replace(house.sweep, keep_originals_seconds=1000).run()

    second = house.accept(recipe=Recipe.parse({"width": 20})).token
    assert house.attempt(second).work() is JobStatus.SUCCESS

    assert house.job(second).original.key != house.job(first).original.key
    house.erase.erase(first, OWNER)
    house.erase.erase(second, OWNER)
    assert house.kept == []


def test_lost_workers_and_sweeps_are_counted() -> None:
    """Each lease that ran out, with what became of the job; what was sent; and that there was a sweep."""
    house = House()
    token = house.accept().token
    for _ in range(MAX_ATTEMPTS):
        house.attempt(token)
        house.jobs.now += LEASE_SECONDS + 1
        house.sweep.run()
    told = [told for told in house.metrics.told if told[0] != "accepted"]
    assert told == [
        *[("worker lost", False), ("resent", 1), ("swept", True)] * (MAX_ATTEMPTS - 1),
        ("worker lost", True),
        ("ended", JobStatus.FAILURE, "worker-lost"),
        ("swept", True),
    ]


def test_a_sweep_that_was_cut_short_is_counted_as_such() -> None:
    """One that does nothing but fail is not taken for a beat that works."""
    house = House()
    house.jobs.away = True
    with pytest.raises(RecordUnavailable):
        house.sweep.run()
    assert house.metrics.told == [("swept", False)]
