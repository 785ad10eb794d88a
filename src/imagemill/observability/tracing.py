"""Tracing: one trace for a job, from the request that brought it, through the queue, to the worker's stages.

OpenTelemetry is an extra and imported only where traces are asked for. Its provider has a thread, so each process makes
its own, after the fork. Spans hold ids, templates and numbers: no path, no query, no message of an error.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING

from imagemill import __version__
from imagemill.config import Settings
from imagemill.domain.ports import Stage
from imagemill.errors import ConfigurationError

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter

TRACE_HEADERS = ("traceparent", "tracestate")
"""Headers that name the trace which a request or message belongs to. Source: W3C Trace Context."""

_FLUSH_MILLISECONDS = 1000
_NANOSECONDS = 1_000_000_000


class NoTracing:
    """Traces nothing."""

    def span(self, name: str, carrier: Mapping[str, str], *, inbound: bool = False) -> AbstractContextManager[None]:  # noqa: ARG002
        """A piece of work that others did the first part of.

        Args:
            name: of few values.
            carrier: headers of the request or message that brought it; they may name the trace it belongs to.
            inbound: whether somebody waits for it, as for a request.
        """
        return nullcontext()

    def note(self, **facts: str | int | None) -> None:
        """Put facts on the current span, where there is one. `failed` marks it, with the code of the reason."""

    def stage(self, stage: Stage, seconds: float, ago_seconds: float) -> None:
        """A stage of the current span's work was over `ago_seconds` ago."""

    def carry(self) -> dict[str, str]:
        """Headers that let the next process go on with the current trace."""
        return {}

    def close(self) -> None:
        """Send what has not been sent."""


class OpenTelemetryTracing(NoTracing):
    """Traces to an OpenTelemetry collector.

    Args:
        provider: of this process.
    """

    def __init__(self, provider: "TracerProvider") -> None:
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator  # noqa: PLC0415

        self._provider = provider
        self._tracer = provider.get_tracer("imagemill", __version__)
        self._headers = TraceContextTextMapPropagator()

    @contextmanager
    def span(self, name: str, carrier: Mapping[str, str], *, inbound: bool = False) -> Iterator[None]:
        """A piece of work that others did the first part of."""
        from opentelemetry.trace import SpanKind  # noqa: PLC0415

        kind = SpanKind.SERVER if inbound else SpanKind.CONSUMER
        before = self._headers.extract(carrier)
        # Whatever its message says stays in the log of this machine.
        with self._tracer.start_as_current_span(
            name, before, kind, record_exception=False, set_status_on_exception=False
        ):
            yield

    def note(self, **facts: str | int | None) -> None:
        """Put facts on the current span."""
        from opentelemetry.trace import StatusCode, get_current_span  # noqa: PLC0415

        span = get_current_span()
        if failed := facts.pop("failed", None):
            span.set_status(StatusCode.ERROR, str(failed))
        span.set_attributes({_ATTRIBUTES[name]: value for name, value in facts.items() if value is not None})

    def stage(self, stage: Stage, seconds: float, ago_seconds: float) -> None:
        """A span within the current one, written down when it is over."""
        ended = time.time_ns() - int(ago_seconds * _NANOSECONDS)
        span = self._tracer.start_span(stage, start_time=ended - int(seconds * _NANOSECONDS))
        span.end(ended)

    def carry(self) -> dict[str, str]:
        """Headers that let the next process go on with the current trace."""
        carrier: dict[str, str] = {}
        self._headers.inject(carrier)
        return carrier

    def close(self) -> None:
        """Send what has not been sent, and trace no more."""
        self._provider.shutdown()


_ATTRIBUTES = {
    "method": "http.request.method",
    "route": "http.route",
    "status": "http.response.status_code",
    "token": "imagemill.token",
    "request_id": "imagemill.request_id",
    "attempt": "imagemill.attempt",
    "outcome": "imagemill.outcome",
}
"""Names of attributes. Source: OpenTelemetry's semantic conventions for HTTP; our own are under our own name."""


def tracing(settings: Settings, role: str) -> NoTracing:
    """What the settings ask for. Raises ConfigurationError where the extra is missing."""
    if settings.otlp_endpoint is None:
        return NoTracing()
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
    except ImportError as error:
        raise ConfigurationError("IMAGEMILL_OTLP_ENDPOINT needs the extra: pip install 'imagemill[otel]'") from error
    exporter = OTLPSpanExporter(f"{settings.otlp_endpoint}/v1/traces")
    return OpenTelemetryTracing(provider(exporter, role, settings.trace_ratio))


def provider(exporter: "SpanExporter", role: str, ratio: float) -> "TracerProvider":
    """A provider that sends what it has every second, from a thread.

    Args:
        exporter: takes the spans.
        role: of this process.
        ratio: part of the traces that is recorded, 0…1. It follows from the trace's id, so that all processes agree,
            and a client cannot ask for more.
    """
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
    from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased  # noqa: PLC0415

    chosen = TraceIdRatioBased(ratio)
    resource = Resource.create({"service.name": "imagemill", "service.version": __version__, "imagemill.role": role})
    made = TracerProvider(resource=resource, sampler=ParentBased(chosen, remote_parent_sampled=chosen))
    made.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=_FLUSH_MILLISECONDS))
    return made
