"""The task, run synchronously and without a broker: every claimed job ends, whatever happens in it."""

import sys

import pytest
from celery.app.task import Context
from celery.exceptions import SoftTimeLimitExceeded
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from structlog.contextvars import get_contextvars
from structlog.testing import capture_logs

from imagemill import observability, worker
from imagemill.broker import origin_of
from imagemill.config import Settings
from imagemill.domain.job import JobStatus
from imagemill.errors import ConfigurationError, CorruptImage, NewerRecord, StoreUnavailable
from imagemill.observability.instruments import Instruments
from imagemill.observability.tracing import OpenTelemetryTracing, provider
from tests.flow.house import House


@pytest.fixture
def house(monkeypatch: pytest.MonkeyPatch) -> House:
    house = House()
    monkeypatch.setattr(worker, "services", lambda: house.render)
    monkeypatch.setattr(worker, "seen", Instruments)
    return house


@pytest.mark.parametrize(
    ("name", "value"),
    [("database_url", "postgresql://127.0.0.1:54x32/images"), ("otlp_endpoint", "http://127.0.0.1:4318")],
)
def test_a_worker_whose_children_could_not_work_does_not_start(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    """It would answer pings, take messages, and do none of their jobs."""
    monkeypatch.setattr(worker, "create_celery", lambda _: pytest.fail("it has started"))
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)  # as if not there
    with pytest.raises(ConfigurationError, match=f"IMAGEMILL_{name.upper()}"):
        worker.run(Settings(**{name: value}))


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


def test_one_line_for_each_job(house: House) -> None:
    """How it ended, and how long each stage took; no image, no key of an object."""
    job = house.accept()
    with capture_logs() as lines:
        worker.render(str(job.token))
    (line,) = [line for line in lines if line["event"] == "job"]
    assert (line["status"], line["attempt"], line["bytes"]) == ("SUCCESS", 1, job.original.bytes)
    assert all(line[f"{stage}_ms"] >= 0 for stage in ("wait", "fetch", "process", "encode", "store"))
    assert job.original.key not in str(line)


def test_a_line_names_the_request_behind_the_job(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message brings the ids; nothing of them is left for the next job."""
    bound: list[dict[str, object]] = []
    house.engine.before_each = lambda: bound.append(dict(get_contextvars()))
    monkeypatch.setattr(worker, "origin_of", lambda _: {"request_id": "r1", "key": "ada", "traceparent": "00-…"})
    token = str(house.accept().token)
    worker.render(token)
    assert bound == [{"token": token, "request_id": "r1", "key": "ada"}]
    assert get_contextvars() == {}


def test_a_message_may_say_nothing_of_its_request() -> None:
    """As one that the sweep sent, or a release before this one."""
    assert origin_of(Context({"id": "x"})) == {}
    assert origin_of(Context({"id": "x", "imagemill": {"request_id": "r1"}})) == {"request_id": "r1"}


def test_a_failed_job_is_marked_in_its_trace(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """With token, attempt and the code of its reason; the last spans go out when the child ends."""
    exporter = InMemorySpanExporter()
    instruments = Instruments(tracing=OpenTelemetryTracing(provider(exporter, "worker", 1.0)))
    monkeypatch.setattr(worker, "seen", lambda: instruments)
    house.engine.before_each = lambda: 1 / 0  # type: ignore[assignment,return-value]
    token = str(house.accept().token)
    worker.render(token)
    worker.leave()
    (span,) = exporter.get_finished_spans()
    assert (span.name, span.status.description) == ("render", "render-failed")
    assert span.attributes == {"imagemill.token": token, "imagemill.attempt": 1, "imagemill.outcome": "FAILURE"}


def test_ids_that_are_bound_can_be_handed_on() -> None:
    """Those that are asked for and there."""
    observability.bind(request_id="r1", token="t")
    assert observability.bound("request_id", "key") == {"request_id": "r1"}
    observability.unbind("token")
    assert get_contextvars() == {"request_id": "r1"}
    observability.unbind()


def test_a_job_of_a_later_release_ends_no_worker(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """The record has given it back; the log says which token it was, and the next message is worked."""

    def refuse(*_: object) -> None:
        raise NewerRecord

    token = house.accept().token
    with monkeypatch.context() as broken, capture_logs() as lines:
        broken.setattr(house.jobs, "claim", refuse)
        worker.render(str(token))
    assert [line["event"] for line in lines] == ["job of a later release"]
    worker.render(str(token))
    assert house.job(token).status is JobStatus.SUCCESS
