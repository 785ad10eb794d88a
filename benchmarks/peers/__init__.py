"""The service beside what others host for the same purpose, each as its project ships it, in one run on one machine.

sources.py    the picture in each format, in endless files of their own
servers.py    ipx and thumbor: where they are installed, how they are started, what they are told
rates.py      images and responsive sets per second, end to end
sizes.py      bytes at equal quality, against imgproxy's documented defaults

`make bench-peers` installs the peers, pinned by package-lock.json and thumbor.txt, outside the project's environment.
"""

from collections.abc import Iterator

from benchmarks.peers import rates, sizes
from benchmarks.plan import Plan
from benchmarks.report import Figure


def measure(plan: Plan) -> Iterator[Figure]:
    """Rates first, then sizes."""
    yield from rates.measure(plan)
    yield from sizes.measure(plan)
