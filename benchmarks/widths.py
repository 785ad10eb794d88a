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
    """The time that a set takes in one job, as a part of what it takes in several."""
    fresh = Fresh(plan.jpeg(6))
    apart = [f"width={width}" for width in WIDTHS]
    jpeg, webp = ([{"width": width, "format": format} for width in WIDTHS] for format in ("jpeg", "webp"))
    pairs = [output for pair in zip(jpeg, webp, strict=True) for output in pair]

    def work(*jobs: str) -> Callable[[Connection], None]:
        def one_set(connection: Connection) -> None:
            image = fresh()
            for options in jobs:
                finish(connection, options, *image)

        return one_set

    with Service(plan.folder) as service:

        def compare(name: str, together: str, apart: list[str], against: str, goal: Goal) -> Figure:
            def sets_per_second(jobs: Callable[[Connection], None]) -> float:
                return drive([service.address] * CONNECTIONS, plan.seconds, jobs).rate

            one, several = work(together), work(*apart)
            sets_per_second(one)
            reached, faster = ratios(plan.few, lambda: sets_per_second(one), lambda: sets_per_second(several))
            return Figure(name, 1000 / median(reached), "ms a set", [1 / ratio for ratio in faster], against, goal)

        yield compare(
            "five widths in one job", _outputs(jpeg), apart, "the time of five jobs", Goal("ratio", most=0.65)
        )
        yield compare(
            "five widths, JPEG and WebP, in one job",
            _outputs(pairs),
            [_outputs(jpeg), _outputs(webp)],
            "the time of a job for each format",
            Goal("ratio", most=0.9),
        )


def _outputs(outputs: list[dict[str, object]]) -> str:
    return "outputs=" + quote(json.dumps(outputs))
