"""Metrics: the table of all that is counted, and the counting. Knows nothing of HTTP beyond three labels.

Labels are few and bounded: templates of routes, never paths, tokens, owners or keys.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from imagemill import config
from imagemill.domain.job import JobStatus, Original, Product
from imagemill.domain.ports import Memory, Stage
from imagemill.errors import JobFailure, Unavailable
from imagemill.observability.slots import Slot, reserve
from imagemill.observability.tracing import NoTracing

if TYPE_CHECKING:
    from prometheus_client.metrics import MetricWrapperBase

PREFIX = "imagemill_"

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3600)
"""From what a small image costs to what a job waits on a very bad day."""


@dataclass(frozen=True, slots=True)
class Family:
    """One metric, or the several of a histogram.

    Args:
        kind: counter (its name ends in `_total`), gauge, or histogram (in seconds, over `_SECONDS`).
        sentence: what it is.
        labels: what it is split by.
        mode: how a gauge's values in several processes become one; None where it is asked of the record.
    """

    kind: Literal["counter", "gauge", "histogram"]
    sentence: str
    labels: tuple[str, ...] = ()
    mode: Literal["livesum", "livemax"] | None = None


FAMILIES: dict[str, Family] = {
    "requests_total": Family("counter", "HTTP requests answered.", ("method", "route", "status")),
    "request_seconds": Family(
        "histogram", "Time to an answer's first byte, of requests that were not held to wait.", ("method", "route")
    ),
    "stage_seconds": Family("histogram", "Time that a stage of a job took.", ("stage",)),
    "jobs_accepted_total": Family("counter", "Requests that got a job: a new one, or one reused.", ("reused",)),
    "jobs_unsent_total": Family("counter", "New jobs that the broker did not take; the sweep sends them."),
    "jobs_resent_total": Family("counter", "Jobs that the sweep sent."),
    "jobs_ended_total": Family("counter", "Jobs that ended; failures by the code of their reason.", ("status", "code")),
    "jobs_returned_total": Family("counter", "Jobs put back to wait because a part was away.", ("code",)),
    "worker_losses_total": Family(
        "counter", "Workers that died or hung over a job; whether the job waits again or failed.", ("outcome",)
    ),
    "sweeps_total": Family("counter", "Sweeps of the beat; cut short if a step failed.", ("outcome",)),
    "store_errors_total": Family("counter", "Calls that the object store did not fulfil.", ("operation",)),
    "original_bytes_total": Family("counter", "Bytes of the images that new jobs came with."),
    "original_pixels_total": Family(
        "counter", "Width × height × frames of the images that workers turned into outputs."
    ),
    "output_bytes_total": Family("counter", "Bytes of published outputs."),
    "output_pixels_total": Family("counter", "Width × height of published outputs."),
    "outputs_total": Family("counter", "Published outputs."),
    "processes": Family("gauge", "Living processes that count here.", ("role",), "livesum"),
    "vips_bytes": Family("gauge", "Pixel buffers that libvips still held after a job.", (), "livesum"),
    "vips_peak_bytes": Family("gauge", "The most that libvips held in one living process.", (), "livemax"),
    "jobs": Family("gauge", "Jobs in the record that have not ended.", ("status",)),
    "oldest_pending_seconds": Family("gauge", "For how long the oldest waiting job has waited."),
    "record_up": Family("gauge", "1 if the database answered, else 0."),
}
"""Every metric by its name without the prefix. The documentation's table is checked against this one."""

_FILE_BYTES = {"counter": 2**18, "gauge_livesum": 2**16, "gauge_livemax": 2**16, "histogram": 2**18}
"""What the library's files hold: each series takes some 250 bytes, and a histogram has 19 of them for each route."""

OPERATIONS = ("put", "get", "stat", "open", "link", "delete", "list", "check")
"""What an object store is asked to do."""

_OWN_FAULTS = [*(kind.code for kind in JobFailure.__subclasses__()), Unavailable.code]
"""Why a job fails without its image being to blame."""

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
"""What a client calls its method is up to it; any other counts as `other`."""


class NoMetrics:
    """Counts nothing; the stages of a job still reach its trace, where there is one.

    Args:
        tracing: of this process.
    """

    def __init__(self, tracing: NoTracing | None = None) -> None:
        self._tracing = tracing or NoTracing()

    def took(self, stage: Stage, seconds: float, ago_seconds: float = 0.0) -> None:
        """A stage of a job is over."""
        self._tracing.stage(stage, seconds, ago_seconds)

    def answered(self, method: str, route: str, status: int, seconds: float | None) -> None:
        """A request was answered; `seconds` is None if it was held to wait."""

    def accepted(self, original: Original, *, reused: bool) -> None:
        """A request has got its job."""

    def unsent(self) -> None:
        """A job could not be sent."""

    def ended(self, status: JobStatus, code: str = "") -> None:
        """A job has reached a terminal status."""

    def returned(self, code: str) -> None:
        """A job waits again."""

    def made(self, original: Original, products: Sequence[Product]) -> None:
        """A job's outputs are published."""

    def worker_lost(self, *, failed: bool) -> None:
        """A lease ran out."""

    def swept(self, *, whole: bool) -> None:
        """A sweep is over."""

    def resent(self, jobs: int) -> None:
        """Jobs were sent by the sweep."""

    def store_failed(self, operation: str) -> None:
        """The object store failed."""

    def holds(self, memory: Memory) -> None:
        """What libvips holds between two jobs."""


class PrometheusMetrics(NoMetrics):
    """Counts in the files of this process's slot. One for each process: the library keeps the files in a global.

    Args:
        slot: of this process.
        role: that the process plays.
        tracing: of this process.

    Raises:
        OSError: there is no room to count in.
    """

    def __init__(self, slot: Slot, role: str, tracing: NoTracing | None = None) -> None:
        super().__init__(tracing)
        self._slot = slot
        reserve(slot, _FILE_BYTES)
        families = _create(slot)
        self._requests, self._latency = families["requests_total"], families["request_seconds"]
        self._stages = {stage: families["stage_seconds"].labels(stage) for stage in Stage}
        accepted = families["jobs_accepted_total"]
        self._accepted = {reused: accepted.labels(str(reused).lower()) for reused in (True, False)}
        self._unsent, self._resent = families["jobs_unsent_total"], families["jobs_resent_total"]
        self._ended, self._returned = families["jobs_ended_total"], families["jobs_returned_total"]
        self._losses, self._sweeps = families["worker_losses_total"], families["sweeps_total"]
        self._store_errors = families["store_errors_total"]
        self._bytes_in, self._pixels_in = families["original_bytes_total"], families["original_pixels_total"]
        self._outputs = families["outputs_total"]
        self._bytes_out, self._pixels_out = families["output_bytes_total"], families["output_pixels_total"]
        self._vips, self._vips_peak = families["vips_bytes"], families["vips_peak_bytes"]
        self._begin(families["processes"].labels(role))

    def _begin(self, processes: Any) -> None:
        processes.set(1)
        # A rate can only be seen between two values, so what alerts look for is there, at zero, before it happens.
        for family, labels in (
            (self._losses, [("returned",), ("failed",)]),
            (self._sweeps, [("whole",), ("cut-short",)]),
            (self._store_errors, [(operation,) for operation in OPERATIONS]),
            (self._ended, [(JobStatus.SUCCESS, ""), *((JobStatus.FAILURE, code) for code in _OWN_FAULTS)]),
        ):
            for values in labels:
                family.labels(*values)

    def took(self, stage: Stage, seconds: float, ago_seconds: float = 0.0) -> None:
        """A stage of a job is over."""
        super().took(stage, seconds, ago_seconds)
        self._stages[stage].observe(seconds)

    def answered(self, method: str, route: str, status: int, seconds: float | None) -> None:
        """A request was answered; `seconds` is None if it was held to wait."""
        method = method if method in METHODS else "other"
        self._requests.labels(method, route, status).inc()
        if seconds is not None:
            self._latency.labels(method, route).observe(seconds)

    def accepted(self, original: Original, *, reused: bool) -> None:
        """A request has got its job."""
        self._accepted[reused].inc()
        if not reused:
            self._bytes_in.inc(original.bytes)

    def unsent(self) -> None:
        """A job could not be sent."""
        self._unsent.inc()

    def ended(self, status: JobStatus, code: str = "") -> None:
        """A job has reached a terminal status."""
        self._ended.labels(status, code).inc()

    def returned(self, code: str) -> None:
        """A job waits again."""
        self._returned.labels(code).inc()

    def made(self, original: Original, products: Sequence[Product]) -> None:
        """A job's outputs are published."""
        self._pixels_in.inc(original.header.pixels)
        self._outputs.inc(len(products))
        self._bytes_out.inc(sum(product.bytes for product in products))
        self._pixels_out.inc(sum(product.size.pixels for product in products))

    def worker_lost(self, *, failed: bool) -> None:
        """A lease ran out."""
        self._losses.labels("failed" if failed else "returned").inc()

    def swept(self, *, whole: bool) -> None:
        """A sweep is over."""
        self._sweeps.labels("whole" if whole else "cut-short").inc()

    def resent(self, jobs: int) -> None:
        """Jobs were sent by the sweep."""
        self._resent.inc(jobs)

    def store_failed(self, operation: str) -> None:
        """The object store failed."""
        self._store_errors.labels(operation).inc()

    def holds(self, memory: Memory) -> None:
        """What libvips holds between two jobs."""
        self._vips.set(memory.bytes)
        self._vips_peak.set(memory.peak_bytes)


def _create(slot: Slot) -> dict[str, Any]:
    # The library is told by an environment variable where its files are, and is slow to import.
    config.tell_library("PROMETHEUS_MULTIPROC_DIR", str(slot.folder))
    from prometheus_client import Counter, Gauge, Histogram, values  # noqa: PLC0415

    # By default a file is named after the process id, and a new one is begun for every child that a worker ever had.
    values.ValueClass = values.MultiProcessValue(lambda: slot.number)  # type: ignore[no-untyped-call]
    kinds: dict[str, type[MetricWrapperBase]] = {"counter": Counter, "gauge": Gauge, "histogram": Histogram}
    families: dict[str, Any] = {}
    for name, family in FAMILIES.items():
        more: dict[str, Any] = {"buckets": _SECONDS} if family.kind == "histogram" else {}
        if family.kind == "gauge":
            if family.mode is None:
                continue
            more = {"multiprocess_mode": family.mode}
        families[name] = kinds[family.kind](PREFIX + name, family.sentence, family.labels, registry=None, **more)
    return families
