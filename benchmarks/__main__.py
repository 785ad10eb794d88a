"""`python -m benchmarks [NAME …]`: run the measurements, print a line each, then a table."""

import argparse
import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks import end_to_end, memory, requests, widths
from benchmarks.plan import Plan
from benchmarks.report import Figure, table

MEASUREMENTS: dict[str, Callable[[Plan], Iterator[Figure]]] = {
    "jobs": end_to_end.measure,
    "requests": requests.measure,
    "widths": widths.measure,
    "memory": memory.measure,
}


def main() -> None:
    """Run what the command line asks for."""
    arguments = _arguments()
    plan = Plan(
        image=arguments.image.read_bytes() if arguments.image else None,
        rounds=arguments.rounds,
        seconds=arguments.seconds,
    )
    print(f"{len(os.sched_getaffinity(0))} cores, {plan.rounds} rounds of {plan.seconds:g} s", flush=True)
    began = time.monotonic()
    figures = []
    for name in arguments.names or MEASUREMENTS:
        for figure in MEASUREMENTS[name](plan):
            print(figure.line(), flush=True)
            figures.append(figure)
    print(f"\n{table(figures)}\n\n{time.monotonic() - began:.0f} s")
    if arguments.json:
        arguments.json.write_text(json.dumps([figure.as_json() for figure in figures], indent=2) + "\n")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m benchmarks", description="What the service costs, on this machine.")
    parser.add_argument("names", nargs="*", choices=[*MEASUREMENTS, []], help="what to measure; left out, everything")
    parser.add_argument("--image", type=Path, help="a JPEG to measure with in place of the generated photographs")
    parser.add_argument("--rounds", type=int, default=5, help="turns of service and reference (default 5)")
    parser.add_argument("--seconds", type=float, default=3.0, help="length of a turn (default 3)")
    parser.add_argument("--json", type=Path, help="file to write the figures to")
    return parser.parse_args()


if __name__ == "__main__":
    main()
