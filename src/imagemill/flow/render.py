"""Work one job: claim, fetch, render, store, finish. Safe to run twice, at once or in any order, and to die anywhere.

A claim gives a lease. While the work goes on a heartbeat renews it; the finishing update is conditional on it. Outputs
lie under keys that follow from the job, so a second run writes the same bytes to the same place, and a worker that
lost its lease has published nothing.
"""

import logging
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from uuid import UUID

from imagemill.domain.job import Failure, JobStatus, Product, retry_delay_seconds
from imagemill.domain.keys import output_key
from imagemill.domain.ports import (
    Bytes,
    Claim,
    Doorbell,
    FaultPoint,
    Faults,
    ImageEngine,
    JobStore,
    Metrics,
    ObjectStore,
    Rendered,
    Stage,
)
from imagemill.errors import (
    ImagemillError,
    LeaseLost,
    OriginalMissing,
    StoreUnavailable,
    TimeLimitExceeded,
    Unavailable,
    WatermarkMissing,
)
from imagemill.flow.heartbeat import Heartbeat

log = logging.getLogger(__name__)

LAST_WORDS_SECONDS = 2.0
"""How long before its worker child is killed a job is ended that hangs in a codec: who is left could not say why."""

_TOO_LONG = "The job took longer than this service allows."


@dataclass(frozen=True)
class Render:
    """Works jobs.

    Args:
        lease_seconds: how long a claim lasts without a sign of life.
        soft_seconds: how long a job may take; it is looked at between two outputs, and between two attempts at one.
        hard_seconds: when the child that works it is killed; shortly before, a job that still runs is ended.
        patience_seconds: how old a job may be to be tried again while the store is away.
    """

    engine: ImageEngine
    store: ObjectStore
    jobs: JobStore
    doorbell: Doorbell
    faults: Faults
    metrics: Metrics
    lease_seconds: float
    soft_seconds: float
    hard_seconds: float
    patience_seconds: float

    @cached_property
    def heartbeat(self) -> Heartbeat:
        """What keeps the leases of this worker's jobs."""
        return Heartbeat(self.jobs, self.lease_seconds)

    @property
    def longest_seconds(self) -> float:
        """How long a job may take that cannot be interrupted."""
        return self.hard_seconds - min(LAST_WORDS_SECONDS, (self.hard_seconds - self.soft_seconds) / 2)

    def claim(self, token: UUID) -> "Attempt | None":
        """Claim a job, or the one whose turn it is; None if that has ended, is another worker's, or is not due."""
        began = time.monotonic()
        claim = self.jobs.claim(token, self.lease_seconds)
        if claim is None:
            return None
        self.faults.reach(FaultPoint.JOB_CLAIMED, claim.job.token)
        attempt = Attempt(self, claim, began)
        if claim.job.attempts == 1:
            attempt.took(Stage.WAIT, claim.age_seconds)
        return attempt


@dataclass(frozen=True)
class Attempt:
    """One claimed run of one job. `work` it; if that raises, `give_up` with the reason.

    Args:
        began: when, by a clock that never goes back: before the claim, as who kills the child counts.
        lost: set by the heartbeat once the lease is known to be gone.
        rendering: set while the engine works, and not the store or the record.
        seconds: how long each stage has taken so far, over all outputs.
    """

    render: Render
    claim: Claim
    began: float = field(default_factory=time.monotonic)
    lost: threading.Event = field(default_factory=threading.Event)
    rendering: threading.Event = field(default_factory=threading.Event)
    seconds: dict[Stage, float] = field(default_factory=lambda: defaultdict(float))

    @property
    def token(self) -> UUID:
        """The job's token."""
        return self.claim.job.token

    def took(self, stage: Stage, seconds: float, ago_seconds: float = 0.0) -> None:
        """Note the end of a stage, as `Metrics.took` says."""
        self.seconds[stage] += seconds
        self.render.metrics.took(stage, seconds, ago_seconds)

    def work(self) -> JobStatus | None:
        """Make the outputs and finish the job.

        Returns:
            The status that the job has now; None if the lease was lost and nothing was published.

        Raises:
            ImagemillError: what went wrong; the job is still claimed.
        """
        left = self.render.longest_seconds - (time.monotonic() - self.began)
        with self.render.heartbeat.keep(self.token, self.claim.lease, self.lost, left, self._end_overdue):
            products = [self._put(rendered) for rendered in self._outputs()]
        self.render.metrics.holds(self.render.engine.memory())
        if not self.render.jobs.finish(self.token, self.claim.lease, products):
            self._stand_down(products)
            return None
        self.render.faults.reach(FaultPoint.JOB_FINISHED, self.token)
        self.render.doorbell.ring(self.token)
        self.render.metrics.ended(JobStatus.SUCCESS)
        self.render.metrics.made(self.claim.job.original, products)
        return JobStatus.SUCCESS

    def give_up(self, error: ImagemillError) -> JobStatus | None:
        """Fail the job, or return it to the queue where the trouble may pass and there is time left.

        Returns:
            The status that the job has now; None if the lease was lost.
        """
        if isinstance(error, LeaseLost):
            return None
        jobs, lease, age = self.render.jobs, self.claim.lease, self.claim.age_seconds
        if isinstance(error, Unavailable) and age < self.render.patience_seconds:
            if not jobs.retry(self.token, lease, retry_delay_seconds(age)):
                return None
            self.render.metrics.returned(error.code)
            return JobStatus.PENDING
        if not jobs.fail(self.token, lease, Failure.of(error)):
            return None
        self.render.doorbell.ring(self.token)
        self.render.metrics.ended(JobStatus.FAILURE, error.code)
        return JobStatus.FAILURE

    def _outputs(self) -> Iterator[Rendered]:
        job = self.claim.job
        started = time.perf_counter()
        data = self.render.store.get(job.original.key)
        if data is None:
            raise OriginalMissing("The stored image is gone; send it again.")
        marks = {token: self._mark(token) for token in job.recipe.marks}
        self.took(Stage.FETCH, time.perf_counter() - started)
        return self._measured(self.render.engine.render(data, job.recipe, self._go_on, marks))

    def _mark(self, token: UUID) -> Bytes:
        job = self.render.jobs.find(token, self.claim.job.owner)
        data = self.render.store.get(job.products[0].key) if job and job.products else None
        if data is None:
            raise WatermarkMissing("The job of the watermark was erased or has expired; make it again, then this one.")
        return data

    def _measured(self, outputs: Iterator[Rendered]) -> Iterator[Rendered]:
        started = time.perf_counter()
        self.rendering.set()
        for rendered in outputs:
            self.rendering.clear()
            encoding = rendered.encode_seconds
            self.took(Stage.PROCESS, time.perf_counter() - started - encoding, encoding)
            self.took(Stage.ENCODE, encoding)
            yield rendered
            started = time.perf_counter()
            self.rendering.set()
        self.rendering.clear()

    def _go_on(self) -> None:
        if self.lost.is_set():
            raise LeaseLost
        if time.monotonic() - self.began > self.render.soft_seconds:
            raise TimeLimitExceeded(_TOO_LONG)

    def _end_overdue(self) -> None:
        # By the heart's thread. A codec cannot be interrupted, and would take as long at the next attempt. Where store
        # or record hang, the next attempt may fare better: that lease runs out.
        if self.rendering.is_set():
            self.give_up(TimeLimitExceeded(_TOO_LONG))
            said = {"token": str(self.token), "code": TimeLimitExceeded.code}
            log.warning("A job took too long and was ended; if it goes on, its worker child is killed.", extra=said)
            self.lost.set()

    def _put(self, rendered: Rendered) -> Product:
        self._go_on()
        key = output_key(self.claim.job.results_id, rendered.name, rendered.format)
        started = time.perf_counter()
        self.render.store.put(key, rendered.data)
        self.took(Stage.STORE, time.perf_counter() - started)
        self.render.faults.reach(FaultPoint.OUTPUT_PUT, self.token)
        return Product(
            rendered.name,
            key,
            rendered.format,
            rendered.size,
            len(rendered.data),
            rendered.quality,
            rendered.score,
            rendered.frames,
            rendered.placeholder,
            rendered.dominant_color,
        )

    def _stand_down(self, products: list[Product]) -> None:
        # If the job was erased meanwhile, its bytes must go too. The keys carry the record's own results_id, so they
        # cannot be those of a record that came after it.
        job = self.claim.job
        found = self.render.jobs.find(self.token, job.owner)
        if found is None or found.status is JobStatus.REVOKED or found.results_id != job.results_id:
            for product in products:
                self._delete(product.key)

    def _delete(self, key: str) -> None:
        try:
            self.render.store.delete(key)
        except StoreUnavailable:
            log.warning("An erased job's output stays until its record is forgotten.", extra={"key": key})
