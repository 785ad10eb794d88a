"""Durable jobs from POST to SUCCESS, against libvips alone in as many processes as there are workers."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from statistics import median
from time import process_time
from typing import Protocol

from benchmarks.client import Connection, drive
from benchmarks.plan import Fresh, Plan
from benchmarks.reference import PROCESSES, ratios, resizing
from benchmarks.report import Figure, Goal
from benchmarks.service import Service, finish

CONNECTIONS = 6
"""Jobs under way: enough that no worker waits for the next, few enough that all may wait under the default settings."""


@dataclass(frozen=True)
class Kind:
    """A kind of job.

    Args:
        name: of the figure.
        options: for the service.
        box: the same for the reference.
        goal: of the ratio.
    """

    name: str
    options: str
    box: str
    goal: Goal | None


def measure(plan: Plan) -> Iterator[Figure]:
    """6 MP to 720 pixels wide, and 1 MP to 100 × 100 where the service itself weighs most."""
    yield _jobs(plan, plan.jpeg(6), Kind("jobs, 6 MP to 720 px", "width=720", "720x", Goal("ratio", least=0.80)))
    yield _jobs(plan, plan.jpeg(1), Kind("jobs, 1 MP to 100 × 100", "", "100x100", None))


def _jobs(plan: Plan, jpeg: bytes, kind: Kind) -> Figure:
    work = partial(_finish_fresh, Fresh(jpeg), kind.options)
    with Service(plan.folder, PROCESSES) as service, resizing(plan.folder, jpeg, kind.box) as bare:
        costs = Costs(service)
        drive([service.address] * CONNECTIONS, 1, work)

        def serve() -> float:
            load = drive([service.address] * CONNECTIONS, plan.seconds, work, opened=costs.start, closed=costs.stop)
            costs.jobs += load.requests
            return load.rate

        reached, relative = ratios(plan.rounds, serve, lambda: bare(plan.seconds))
    details = {"source MB": len(jpeg) / 1e6, **costs.per_job()}
    return Figure(kind.name, median(reached), "jobs/s", relative, "bare libvips", kind.goal, details)


class Spender(Protocol):
    """Whatever knows the time on a core that its processes have used so far, by role."""

    def cpu_seconds(self) -> dict[str, float]:
        """That time."""


class Costs:
    """Where the time on the cores goes, by role; `client` is the load generator."""

    def __init__(self, service: Spender) -> None:
        self._service = service
        self.jobs = 0
        self._used: dict[str, float] = defaultdict(float)
        self._before: dict[str, float] = {}

    def start(self) -> None:
        """Begin to count."""
        self._before = self._now()

    def stop(self) -> None:
        """Count no further."""
        for role, seconds in self._now().items():
            self._used[role] += seconds - self._before[role]

    def per_job(self) -> dict[str, float]:
        """Milliseconds on a core for each job, by role."""
        return {f"{role} ms": used * 1000 / self.jobs for role, used in sorted(self._used.items()) if used > 0}

    def _now(self) -> dict[str, float]:
        return self._service.cpu_seconds() | {"client": process_time()}


def _finish_fresh(fresh: Fresh, options: str, connection: Connection) -> None:
    finish(connection, options, *fresh())
