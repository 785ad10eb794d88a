"""The task, run synchronously and without a broker: every claimed job ends, whatever happens in it."""

import pytest
from celery.exceptions import SoftTimeLimitExceeded
from structlog.testing import capture_logs

from imagemill import worker
from imagemill.domain.job import JobStatus
from imagemill.errors import CorruptImage, StoreUnavailable
from tests.flow.house import House


@pytest.fixture
def house(monkeypatch: pytest.MonkeyPatch) -> House:
    house = House()
    monkeypatch.setattr(worker, "services", lambda: house.render)
    return house


def test_the_task_works_the_job_of_its_token(house: House) -> None:
    """A token in, a finished job in the record."""
    token = house.accept().token
    worker.render(str(token))
    assert house.job(token).status is JobStatus.SUCCESS


def test_a_message_twice_is_one_run(house: House) -> None:
    """A second delivery finds nothing to do."""
    token = house.accept().token
    worker.render(str(token))
    worker.render(str(token))
    assert house.engine.rendered == 1


@pytest.mark.parametrize(
    ("error", "code", "retryable"),
    [
        (CorruptImage("It is cut short."), "corrupt-image", False),
        (SoftTimeLimitExceeded(), "time-limit-exceeded", True),
        (MemoryError(), "memory-limit-exceeded", True),
        (KeyError("a bug"), "render-failed", True),
    ],
)
def test_whatever_stops_a_job_is_its_recorded_reason(
    house: House, error: Exception, code: str, retryable: bool
) -> None:
    """Faults of the image, limits and bugs each end the job with a reason of their own."""

    def fail() -> None:
        raise error

    token = house.accept().token
    house.engine.before_each = fail
    worker.render(str(token))

    failure = house.job(token).failure
    assert failure is not None
    assert (failure.code, failure.retryable) == (code, retryable)
    assert "bug" not in failure.detail


def test_a_bug_leaves_its_traceback_in_the_log_only(house: House, caplog: pytest.LogCaptureFixture) -> None:
    """The operator finds the cause, the client does not."""
    house.engine.before_each = lambda: 1 / 0  # type: ignore[assignment,return-value]
    token = house.accept().token
    worker.render(str(token))
    assert "ZeroDivisionError" in caplog.text
    assert "Zero" not in str(house.job(token).failure)


def test_passing_trouble_returns_the_job(house: House) -> None:
    """A store that is away for a moment costs a retry, not the job."""

    def fail() -> None:
        raise StoreUnavailable

    token = house.accept().token
    house.engine.before_each = fail
    worker.render(str(token))
    assert house.job(token).status is JobStatus.PENDING


def test_a_record_that_is_away_is_one_line(house: House) -> None:
    """The sweep sees to the job later; the operator finds one line, not a traceback for each message."""
    token = house.accept().token
    house.jobs.away = True
    with capture_logs() as lines:
        worker.render(str(token))
    assert [line["event"] for line in lines] == ["record away"]
    house.jobs.away = False
    assert house.job(token).status is JobStatus.PENDING
