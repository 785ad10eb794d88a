"""`python -m benchmarks [NAME …]`: run the measurements, print a line each, then a table."""

import argparse
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks import efforts, end_to_end, fairness, memory, peers, requests, soak, widths
from benchmarks.client import UnexpectedAnswer
from benchmarks.machine import others_share, workspace
from benchmarks.plan import Plan
from benchmarks.report import Figure, table

MEASUREMENTS: dict[str, Callable[[Plan], Iterator[Figure]]] = {
    "jobs": end_to_end.measure,
    "requests": requests.measure,
    "widths": widths.measure,
    "fairness": fairness.measure,
    "memory": memory.measure,
}
BY_NAME_ONLY: dict[str, Callable[[Plan], Iterator[Figure]]] = {
    "efforts": efforts.measure,
    "peers": peers.measure,
    "soak": soak.measure,
}
"""Measurements that take minutes, choose a default, or need `make bench-peers` first."""

_QUIET_SHARE = 0.05


def main() -> None:
    """Run what the command line asks for."""
    arguments = _arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))  # so that the service is stopped as well
    began = time.monotonic()
    _introduce(arguments)
    with workspace(arguments.folder) as folder:
        image = arguments.image.read_bytes() if arguments.image else None
        plan = Plan(folder, image, arguments.rounds, arguments.seconds)
        try:
            figures = _run(arguments.names or [*MEASUREMENTS], plan)
        except UnexpectedAnswer as error:
            sys.exit(f"The measurement cannot go on: {error}.")
    print(f"\n{table(figures)}\n\n{time.monotonic() - began:.0f} s")
    if arguments.json:
        arguments.json.write_text(json.dumps([figure.as_json() for figure in figures], indent=2) + "\n")


def _introduce(arguments: argparse.Namespace) -> None:
    cores = len(os.sched_getaffinity(0))
    print(f"{cores} cores; {arguments.rounds} rounds of {arguments.seconds:g} s", flush=True)
    if (share := others_share()) > _QUIET_SHARE:
        print(f"Warning: other programs use {share:.0%} of the cores; the figures will be too low.", flush=True)


def _run(names: list[str], plan: Plan) -> list[Figure]:
    figures = []
    for name in names:
        for figure in (MEASUREMENTS | BY_NAME_ONLY)[name](plan):
            print(figure.line(), flush=True)
            figures.append(figure)
    return figures


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m benchmarks", description="What the service costs, on this machine.")
    parser.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help=f"of {', '.join(MEASUREMENTS)}; left out, all of these; or {', '.join(BY_NAME_ONLY)}",
    )
    parser.add_argument("--image", type=Path, help="a JPEG to measure with in place of the generated photographs")
    parser.add_argument("--folder", type=Path, help="where to put the data; left out, the temporary folder")
    parser.add_argument("--rounds", type=int, default=5, help="turns of service and reference (default 5)")
    parser.add_argument("--seconds", type=float, default=3.0, help="length of a turn (default 3)")
    parser.add_argument("--json", type=Path, help="file to write the figures to")
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(MEASUREMENTS | BY_NAME_ONLY):
        parser.error(f"there is no measurement called {unknown.pop()}")
    return arguments


if __name__ == "__main__":
    main()
