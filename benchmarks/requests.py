"""What the API alone can take: new jobs, known jobs, questions. Each against a bare HTTP server that does the least."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import cycle, islice
from statistics import median

from benchmarks.client import Address, Connection, Load, drive
from benchmarks.plan import Fresh, Plan
from benchmarks.reference import ratios, serving
from benchmarks.report import Figure, Goal
from benchmarks.service import Service, ask, finish, resubmit, submit


@dataclass(frozen=True)
class Trial:
    """One kind of request.

    Args:
        name: of the figure.
        request: sends one and reads the answer.
        bare: how far the reference takes it, as `bare.py` calls it.
        body: what the reference is sent.
        connections: open at a time.
        goal: requests per second.
    """

    name: str
    request: Callable[[Connection], object]
    bare: str
    body: bytes
    connections: int
    goal: Goal | None = None

    def least(self, connection: Connection) -> None:
        """The same request to the reference."""
        if self.body:
            connection.post(b"/", self.body)
        else:
            connection.get(b"/")


def measure(plan: Plan) -> Iterator[Figure]:
    """Accepted POSTs at 4 and 16 connections, repeated POSTs, status GETs; no worker runs meanwhile."""
    jpeg = plan.jpeg(6)
    with Service(plan.folder) as service:
        with Connection(service.address) as connection:
            finish(connection, "width=100", jpeg)
            token = submit(connection, "width=100", jpeg)
        service.freeze_worker()
        for trial in _trials(jpeg, token):
            yield _run(trial, plan, service.address)


def _trials(jpeg: bytes, token: str) -> Iterator[Trial]:
    fresh = Fresh(jpeg)
    for connections in (4, 16):
        yield Trial(
            f"accepted POSTs, {connections} connections",
            lambda connection: submit(connection, "width=720", *fresh()),
            "store",
            jpeg,
            connections,
            Goal("figure", least=200),
        )
    yield Trial(
        "reused POSTs",
        lambda connection: resubmit(connection, "width=100", jpeg),
        "hash",
        jpeg,
        4,
        Goal("figure", least=500),
    )
    yield Trial("status GETs", lambda connection: ask(connection, token), "answer", b"", 4)


def _run(trial: Trial, plan: Plan, address: Address) -> Figure:
    loads: list[Load] = []

    def serve() -> float:
        loads.append(drive([address] * trial.connections, plan.seconds, trial.request))
        return loads[-1].rate

    with serving(plan.folder, trial.bare) as servers:
        spread = list(islice(cycle(servers), trial.connections))
        reached, relative = ratios(plan.few, serve, lambda: drive(spread, plan.seconds / 2, trial.least).rate)
    details = {f"p{percent} ms": median(load.percentile_ms(percent) for load in loads) for percent in (50, 99)}
    if trial.body:
        details["body MB"] = len(trial.body) / 1e6
    against = f"a bare server that can only {trial.bare}"
    return Figure(trial.name, median(reached), "/s", relative, against, trial.goal, details)
