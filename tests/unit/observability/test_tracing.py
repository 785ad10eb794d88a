"""Traces: what spans hold, and how one process goes on where another left off."""

from collections.abc import Iterator

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from imagemill.domain.ports import Stage
from imagemill.observability.metrics import NoMetrics
from imagemill.observability.tracing import NoTracing, OpenTelemetryTracing, provider

UPSTREAM = {"traceparent": f"00-{'ab' * 16}-{'cd' * 8}-01"}


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    """Keeps the spans."""
    return InMemorySpanExporter()


@pytest.fixture
def traces(exporter: InMemorySpanExporter) -> Iterator[OpenTelemetryTracing]:
    """Traces every request."""
    tracing = OpenTelemetryTracing(provider(exporter, "api", 1.0))
    yield tracing
    tracing.close()


def test_a_trace_goes_through_the_queue(traces: OpenTelemetryTracing, exporter: InMemorySpanExporter) -> None:
    """The client's trace, the request in it, the job below the request, its stages below the job."""
    with traces.span("POST /api/v1/resize", UPSTREAM, inbound=True):
        carried = traces.carry()
    with traces.span("render", carried):
        traces.stage(Stage.FETCH, 0.25, 0.0)
    traces.close()

    spans = {span.name: span for span in exporter.get_finished_spans()}
    assert {f"{span.context.trace_id:032x}" for span in spans.values()} == {"ab" * 16}
    assert spans["render"].parent.span_id == spans["POST /api/v1/resize"].context.span_id
    assert spans["fetch"].parent.span_id == spans["render"].context.span_id
    assert spans["fetch"].end_time - spans["fetch"].start_time == 250_000_000
    assert (spans["render"].kind.name, spans["POST /api/v1/resize"].kind.name) == ("CONSUMER", "SERVER")


def test_stages_lie_one_after_the_other(traces: OpenTelemetryTracing, exporter: InMemorySpanExporter) -> None:
    """What is told together, once both are over, does not overlap."""
    metrics = NoMetrics(traces)
    with traces.span("render", {}):
        metrics.took(Stage.PROCESS, 0.5, 0.2)
        metrics.took(Stage.ENCODE, 0.2)
    traces.close()
    spans = {span.name: span for span in exporter.get_finished_spans()}
    assert spans["process"].end_time <= spans["encode"].start_time + 50_000_000


def test_a_span_holds_facts_and_no_messages(traces: OpenTelemetryTracing, exporter: InMemorySpanExporter) -> None:
    """An error's sentence may hold what is nobody's business; its code may be told."""

    def fail() -> None:
        with traces.span("render", {}):
            traces.note(token="t", attempt=2, route=None, failed="render-failed")
            raise KeyError("secret")

    with pytest.raises(KeyError):
        fail()
    traces.close()
    (span,) = exporter.get_finished_spans()
    assert dict(span.attributes) == {"imagemill.token": "t", "imagemill.attempt": 2}
    assert span.status.description == "render-failed"
    assert "secret" not in span.to_json()


def test_a_client_cannot_ask_for_more_traces(exporter: InMemorySpanExporter) -> None:
    """The ratio decides, also where the client says that its own trace is recorded."""
    tracing = OpenTelemetryTracing(provider(exporter, "api", 0.0))
    with tracing.span("render", UPSTREAM):
        pass
    tracing.close()
    assert exporter.get_finished_spans() == ()


def test_without_traces_nothing_is_carried() -> None:
    """Every call is there and does nothing."""
    tracing = NoTracing()
    with tracing.span("render", UPSTREAM, inbound=True):
        tracing.note(status=200)
        tracing.stage(Stage.WAIT, 1.0, 0.0)
    assert tracing.carry() == {}
    tracing.close()
