"""Five widths from one job against five jobs of one width each: one decode against five."""

import json
from collections.abc import Callable, Iterator
from statistics import median
from urllib.parse import quote

from benchmarks.client import Connection, drive
from benchmarks.end_to_end import CONNECTIONS
from benchmarks.plan import Fresh, Plan
from benchmarks.reference import ratios
from benchmarks.report import Figure, Goal
from benchmarks.service import Service, finish

WIDTHS = (320, 640, 960, 1280, 1920)


def measure(plan: Plan) -> Iterator[Figure]:
    """The time that a set of five takes in one job, as a part of what it takes in five."""
    fresh = Fresh(plan.jpeg(6))
    together = "outputs=" + quote(json.dumps([{"width": width} for width in WIDTHS]))
    apart = [f"width={width}" for width in WIDTHS]

    def one_job(connection: Connection) -> None:
        finish(connection, together, *fresh())

    def five_jobs(connection: Connection) -> None:
        image = fresh()
        for options in apart:
            finish(connection, options, *image)

    with Service(plan.folder) as service:

        def sets_per_second(work: Callable[[Connection], None]) -> float:
            return drive([service.address] * CONNECTIONS, plan.seconds, work).rate

        sets_per_second(one_job)
        reached, faster = ratios(plan.few, lambda: sets_per_second(one_job), lambda: sets_per_second(five_jobs))
    yield Figure(
        "five widths in one job",
        1000 / median(reached),
        "ms a set",
        [1 / ratio for ratio in faster],
        "the time of five jobs",
        Goal("ratio", most=0.65),
    )
