"""Intake: nothing is kept of what is refused, nothing is lost of what is accepted."""

from dataclasses import replace

import pytest

from imagemill.domain.caller import ANYBODY, Caller
from imagemill.domain.formats import ImageFormat
from imagemill.domain.geometry import Size
from imagemill.domain.header import Header
from imagemill.domain.job import ANONYMOUS, JobStatus, NewJob
from imagemill.domain.ports import FaultPoint, Stage
from imagemill.domain.recipe import Recipe
from imagemill.errors import (
    CorruptImage,
    EmptyImage,
    ImageTooLarge,
    InvalidOptions,
    OriginalMissing,
    Overloaded,
    RecordUnavailable,
    StoreUnavailable,
    TooManyPixels,
)
from imagemill.flow.pressure import Bounds
from tests.fakes.engine import PICTURE
from tests.flow.house import CALLER, OWNER, RECIPE, RESEND_SECONDS, House, caller

OTHER_RECIPE = Recipe.parse({"width": 20})


@pytest.fixture
def house() -> House:
    return House()


def assert_nothing_kept(house: House) -> None:
    assert house.kept == []
    assert house.jobs.page(OWNER, None, 10).jobs == ()
    assert house.queue.sent == []


def test_an_image_becomes_a_pending_job_that_is_sent(house: House) -> None:
    """What is accepted is stored, recorded and sent, in this order."""
    accepted = house.intake.accept(CALLER, PICTURE, RECIPE)

    assert not accepted.reused
    assert accepted.job.status is JobStatus.PENDING
    assert house.store.get(accepted.job.original.key) == PICTURE
    assert house.queue.sent == [accepted.job.token]
    assert house.faults.reached == [FaultPoint.ORIGINAL_PUT, FaultPoint.ROW_COMMITTED, FaultPoint.MESSAGE_PUBLISHED]


@pytest.mark.parametrize(("who", "counted"), [(ANYBODY, 0), (caller(ANONYMOUS), 1), (CALLER, 1)])
def test_who_has_a_key_takes_turns(house: House, who: Caller, counted: int) -> None:
    """Also with the jobs that nobody owned; only while keys are not asked for is there nobody to take turns with."""
    house.intake.accept(who, PICTURE, RECIPE)
    assert house.jobs.pending_in_turn(who.owner, 10) == counted


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", EmptyImage),
        (PICTURE + bytes(1000), ImageTooLarge),
    ],
)
def test_what_is_no_image_is_refused_and_leaves_nothing(house: House, data: bytes, error: type[Exception]) -> None:
    """Empty, too large and unknown bytes are refused before anything is stored."""
    with pytest.raises(error):
        house.intake.accept(CALLER, data, RECIPE)

    assert_nothing_kept(house)


def test_a_box_that_is_too_large_is_refused(house: House) -> None:
    """The limit on outputs is checked before the image is looked at."""
    with pytest.raises(InvalidOptions):
        house.intake.accept(CALLER, PICTURE, Recipe.parse({"width": 101, "height": 100}))

    assert_nothing_kept(house)


def test_too_much_waiting_work_refuses_more(house: House) -> None:
    """Past the bound a new job is refused and leaves nothing; a job that stands already is still found."""
    house.bounds = Bounds(pending=2, seconds=3600)
    first, _ = house.accept(), house.accept(recipe=OTHER_RECIPE)
    intake = house.intake

    with pytest.raises(Overloaded):
        intake.accept(caller("bob"), PICTURE, RECIPE)
    assert intake.accept(CALLER, PICTURE, RECIPE).reused
    assert house.kept == [first.original.key]

    house.attempt(first.token).work()
    house.jobs.now += 1
    assert not intake.accept(caller("bob"), PICTURE, RECIPE).reused


def test_too_many_pixels_are_refused_by_the_header(house: House) -> None:
    """The pixel limit is checked before the image is stored."""
    house.limits = replace(house.limits, pixels=40 * 30 - 1)

    with pytest.raises(TooManyPixels):
        house.intake.accept(CALLER, PICTURE, RECIPE)

    assert_nothing_kept(house)


def test_an_unreadable_header_is_refused(house: House) -> None:
    """What the engine cannot read is not stored."""

    def refuse(_: object) -> None:
        raise CorruptImage

    house.engine.probe = refuse  # type: ignore[assignment]

    with pytest.raises(CorruptImage):
        house.intake.accept(CALLER, PICTURE, RECIPE)

    assert_nothing_kept(house)


def test_a_store_that_is_away_refuses_the_image(house: House) -> None:
    """Without a store there is no row."""
    house.store.away = True

    with pytest.raises(StoreUnavailable):
        house.intake.accept(CALLER, PICTURE, RECIPE)

    house.store.away = False
    assert_nothing_kept(house)


def test_when_the_record_goes_away_the_bytes_stay(house: House) -> None:
    """A commit whose answer was lost is a commit: its job must find its image. Sending again makes one job of it."""
    house.faults.calls[FaultPoint.ORIGINAL_PUT] = lambda: setattr(house.jobs, "away", True)

    with pytest.raises(RecordUnavailable):
        house.intake.accept(CALLER, PICTURE, RECIPE)

    house.jobs.away = False
    assert len(house.kept) == 1
    assert house.attempt(house.accept().token).work() is JobStatus.SUCCESS


def test_a_commit_whose_answer_was_lost_is_a_job(house: House) -> None:
    """The client hears 503, the job is there and ends, and the repeated request finds it."""
    accept = house.jobs.accept

    def lose_the_answer(new: NewJob) -> None:
        accept(new)
        house.jobs.accept = accept  # type: ignore[method-assign]
        raise RecordUnavailable

    house.jobs.accept = lose_the_answer  # type: ignore[assignment,method-assign]
    with pytest.raises(RecordUnavailable):
        house.intake.accept(CALLER, PICTURE, RECIPE)

    again = house.intake.accept(CALLER, PICTURE, RECIPE)
    assert again.reused
    assert house.attempt(again.job.token).work() is JobStatus.SUCCESS


def test_an_original_that_the_store_has_lost_is_stored_again(house: House) -> None:
    """When the same image is sent once more, it mends what is missing under the recorded key."""
    first = house.accept()
    house.store.delete(first.original.key)

    second = house.accept(recipe=OTHER_RECIPE)

    assert second.original.key == first.original.key
    assert house.attempt(second.token).work() is JobStatus.SUCCESS


def test_the_sweep_leaves_the_first_sending_to_the_intake(house: House) -> None:
    """A job that was just sent is not sent again by the next sweep; a longer queue does not grow by itself."""
    token = house.accept().token
    house.jobs.now += RESEND_SECONDS - 1
    house.sweep.run()
    assert house.queue.sent == [token]


def test_without_a_broker_the_job_is_accepted(house: House) -> None:
    """The broker is no condition: the sweep sends what was not sent."""
    house.queue.away = True
    job = house.accept()
    house.queue.away = False

    house.jobs.now += 16
    house.sweep.run()

    assert house.queue.sent == [job.token]


def test_the_same_work_is_the_same_job(house: House) -> None:
    """A repeated POST stores nothing, probes nothing and sends nothing, whatever the job's state."""
    job = house.accept()
    for expected in (JobStatus.PENDING, JobStatus.IN_PROGRESS, JobStatus.SUCCESS):
        accepted = house.intake.accept(CALLER, PICTURE, RECIPE)
        assert (accepted.reused, accepted.job.token, accepted.job.status) == (True, job.token, expected)
        if expected is JobStatus.PENDING:
            attempt = house.attempt(job.token)
        elif expected is JobStatus.IN_PROGRESS:
            attempt.work()

    assert house.engine.probed == 1
    assert house.queue.sent == [job.token]


def test_another_recipe_shares_the_original(house: House) -> None:
    """One image of one owner is stored and probed once, however many jobs use it."""
    first, second = house.accept(), house.accept(recipe=OTHER_RECIPE)

    assert first.token != second.token
    assert first.original == second.original
    assert house.engine.probed == 1
    assert house.kept == [first.original.key]


def test_owners_share_nothing(house: House) -> None:
    """The same image and recipe of two owners are two jobs with an original each."""
    mine, theirs = house.accept(), house.accept(owner="bob")

    assert mine.token != theirs.token
    assert mine.original.key != theirs.original.key


def test_a_job_that_failed_for_a_passing_reason_runs_again(house: House) -> None:
    """A retryable failure is replaced by a new record under the same token."""
    job = house.accept()
    house.store.delete(job.original.key)
    house.attempt(job.token).give_up(OriginalMissing())
    again = house.intake.accept(CALLER, PICTURE, RECIPE)

    assert (again.reused, again.job.token, again.job.status) == (False, job.token, JobStatus.PENDING)
    assert again.job.results_id != job.results_id


def test_a_job_that_failed_for_good_is_reused(house: House) -> None:
    """A damaged image does not get better by being sent again."""
    job = house.accept()
    house.attempt(job.token).give_up(CorruptImage())

    accepted = house.intake.accept(CALLER, PICTURE, RECIPE)

    assert (accepted.reused, accepted.job.status) == (True, JobStatus.FAILURE)


def test_two_requests_with_the_same_image_leave_one_original(house: House) -> None:
    """Who stores an image second takes back its own bytes and uses the first one's."""
    rival: list[object] = []
    house.faults.calls[FaultPoint.ORIGINAL_PUT] = lambda: rival.append(house.accept(recipe=OTHER_RECIPE))

    job = house.accept()

    assert len(house.kept) == 1
    assert [job.original] == [other.original for other in rival]  # type: ignore[attr-defined]


def test_bytes_that_cannot_be_taken_back_cost_a_line_in_the_log(house: House, caplog: pytest.LogCaptureFixture) -> None:
    """A store that goes away after the race does not fail the request."""

    def race() -> None:
        house.accept(recipe=OTHER_RECIPE)
        house.store.delete = _lose_store  # type: ignore[assignment,method-assign]

    house.faults.calls[FaultPoint.ORIGINAL_PUT] = race
    assert house.accept().status is JobStatus.PENDING
    assert "left in the store" in caplog.text


def test_two_requests_for_the_same_job_make_one(house: House) -> None:
    """Who records a job second reuses the first one's, and its bytes are taken back."""
    rival = []
    house.faults.calls[FaultPoint.ORIGINAL_PUT] = lambda: rival.append(house.intake.accept(CALLER, PICTURE, RECIPE))

    accepted = house.intake.accept(CALLER, PICTURE, RECIPE)

    assert accepted.reused
    assert house.kept == [rival[0].job.original.key]
    assert house.queue.sent == [accepted.job.token]


def test_an_original_erased_in_between_is_stored_again(house: House) -> None:
    """A job never points at bytes that another request's DELETE has taken away."""
    first = house.accept()
    find_original = house.jobs.find_original

    def erase_after_looking(owner: str, sha256: str) -> object:
        found = find_original(owner, sha256)
        house.jobs.find_original = find_original  # type: ignore[method-assign]
        house.erase.erase(first.token, OWNER)
        return found

    house.jobs.find_original = erase_after_looking  # type: ignore[assignment,method-assign]
    job = house.accept(recipe=OTHER_RECIPE)

    assert house.store.get(job.original.key) == PICTURE
    assert job.original.key != first.original.key


def test_endless_rivalry_ends_in_a_clear_answer(house: House) -> None:
    """A request that loses every race says so and leaves no bytes of its own."""
    house.jobs.accept = lambda _: None  # type: ignore[assignment,method-assign]

    with pytest.raises(RecordUnavailable):
        house.intake.accept(CALLER, PICTURE, RECIPE)

    assert_nothing_kept(house)


def _lose_store(_: str) -> None:
    raise StoreUnavailable


def test_what_is_accepted_is_counted() -> None:
    """A new job, the same one again, and one that the broker did not take."""
    house = House()
    size = house.accept().original.bytes
    house.accept()
    house.queue.away = True
    house.accept(PICTURE + b" more")
    assert house.metrics.told == [
        ("accepted", size, False),
        ("accepted", size, True),
        ("unsent",),
        ("accepted", size + 5, False),
    ]
    assert [stage for stage, _ in house.metrics.stages] == [Stage.ACCEPT] * 3


def test_what_is_refused_is_not_counted_as_accepted() -> None:
    """Nor does its time mix with that of those that are."""
    house = House()
    with pytest.raises(EmptyImage):
        house.accept(b"")
    assert (house.metrics.told, house.metrics.stages) == ([], [])


def test_a_box_of_too_many_frames_is_refused(house: House) -> None:
    """All frames of an animation count, whether its bytes are new or known; nothing is kept of the refused."""
    house.engine.header = Header(ImageFormat.GIF, Size(10, 10), frames=11, alpha=False)
    moving = Recipe.parse({"width": 30, "height": 31, "animated": True})

    with pytest.raises(InvalidOptions, match="11 frames"):
        house.intake.accept(CALLER, PICTURE, moving)
    assert_nothing_kept(house)

    house.intake.accept(CALLER, PICTURE, RECIPE)
    with pytest.raises(InvalidOptions, match="11 frames"):
        house.intake.accept(CALLER, PICTURE, moving)
