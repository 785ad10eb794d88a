"""The whole service in one process, out of fakes."""

from dataclasses import dataclass, field
from uuid import UUID

from imagemill.domain.caller import Caller, Scope
from imagemill.domain.job import Job, token_namespace
from imagemill.domain.limits import Limits
from imagemill.domain.recipe import Recipe
from imagemill.flow.erase import Erase
from imagemill.flow.follow import Follow
from imagemill.flow.intake import Intake
from imagemill.flow.orphans import Orphans
from imagemill.flow.plan import Plan
from imagemill.flow.pressure import Bounds, Pressure
from imagemill.flow.quota import Quota
from imagemill.flow.render import Attempt, Render
from imagemill.flow.sweep import Sweep
from imagemill.storage.memory import MemoryStore
from tests.fakes.doorbell import MemoryDoorbell
from tests.fakes.engine import PICTURE, TextEngine
from tests.fakes.faults import CalledFaults
from tests.fakes.jobs import MemoryJobStore
from tests.fakes.keys import MemoryKeyStore
from tests.fakes.metrics import NotedMetrics
from tests.fakes.queue import MemoryQueue

OWNER = "ada"
LEASE_SECONDS = 15.0
MAX_ATTEMPTS = 3
SOFT_SECONDS, HARD_SECONDS = 45.0, 60.0
PATIENCE_SECONDS = 3600.0
RESEND_SECONDS = 15
RECIPE = Recipe.parse({"width": 10, "height": 10})


def caller(owner: str = OWNER, megapixels_per_day: int | None = None) -> Caller:
    """Somebody who may do everything."""
    return Caller(owner, owner, frozenset(Scope), megapixels_per_day)


CALLER = caller()


@dataclass
class House:
    """Every flow over one set of fakes."""

    store: MemoryStore = field(default_factory=MemoryStore)
    jobs: MemoryJobStore = field(default_factory=lambda: MemoryJobStore(keep_seconds=3600))
    keys: MemoryKeyStore = field(default_factory=MemoryKeyStore)
    queue: MemoryQueue = field(default_factory=MemoryQueue)
    doorbell: MemoryDoorbell = field(default_factory=MemoryDoorbell)
    engine: TextEngine = field(default_factory=TextEngine)
    faults: CalledFaults = field(default_factory=CalledFaults)
    bounds: Bounds = Bounds(pending=1000, seconds=3600)
    metrics: NotedMetrics = field(default_factory=NotedMetrics)
    limits: Limits = field(
        default_factory=lambda: Limits(image_bytes=1000, pixels=10_000, output_pixels=10_000, frames=1000)
    )

    @property
    def intake(self) -> Intake:
        """The intake."""
        return Intake(
            self.engine,
            self.store,
            self.jobs,
            self.queue,
            self.faults,
            self.metrics,
            self.limits,
            token_namespace("secret"),
            RESEND_SECONDS,
            Pressure(self.jobs, self.bounds, clock=lambda: self.jobs.now),
            self.quota,
        )

    @property
    def plan(self) -> Plan:
        """The dry run."""
        return Plan(self.engine, self.jobs, self.limits, self.quota)

    @property
    def quota(self) -> Quota:
        """The quotas."""
        return Quota(self.jobs)

    @property
    def render(self) -> Render:
        """A worker's flow."""
        return Render(
            self.engine,
            self.store,
            self.jobs,
            self.doorbell,
            self.faults,
            self.metrics,
            LEASE_SECONDS,
            SOFT_SECONDS,
            HARD_SECONDS,
            PATIENCE_SECONDS,
        )

    @property
    def erase(self) -> Erase:
        """The eraser."""
        return Erase(self.jobs, self.store, self.doorbell, self.metrics)

    @property
    def sweep(self) -> Sweep:
        """The sweep."""
        return Sweep(
            self.jobs,
            self.queue,
            self.doorbell,
            self.erase,
            self.orphans,
            self.metrics,
            MAX_ATTEMPTS,
            RESEND_SECONDS,
        )

    @property
    def orphans(self) -> Orphans:
        """The collector of orphans, at the first shard."""
        return Orphans(self.jobs, self.store, clock=lambda: self.jobs.now, shard=-1)

    @property
    def follow(self) -> Follow:
        """The follower, whose clock is the record's."""
        return Follow(self.jobs, self.doorbell, clock=lambda: self.jobs.now)

    @property
    def kept(self) -> list[str]:
        """The keys in the store."""
        return sorted(self.store.objects)

    def accept(self, data: bytes = PICTURE, recipe: Recipe = RECIPE, owner: str = OWNER) -> Job:
        """An accepted job."""
        return self.intake.accept(caller(owner), data, recipe).job

    def attempt(self, token: UUID) -> Attempt:
        """A claimed job."""
        attempt = self.render.claim(token)
        assert attempt is not None
        return attempt

    def job(self, token: UUID, owner: str = OWNER) -> Job:
        """The job as recorded."""
        job = self.jobs.find(token, owner)
        assert job is not None
        return job
