"""Memory over 2,000 mixed jobs: what a worker keeps, under each way to allocate that the field's servers use.

A worker's child is replaced now and then, which would hide growth: here it may live for ever and keep what it likes.
"""

import json
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from ctypes.util import find_library
from itertools import cycle, islice
from time import perf_counter
from urllib.parse import quote

from benchmarks.client import Connection
from benchmarks.end_to_end import CONNECTIONS
from benchmarks.plan import Fresh, Plan
from benchmarks.processes import Process
from benchmarks.report import Figure
from benchmarks.service import Service, finish

JOBS = 2000
_MEGABYTE = 1e6
_WORDS = [{"width": width, "format": format} for width in (320, 640, 960) for format in ("jpeg", "webp")]
_MIX = (
    (1, "width=100&height=100"),
    (6, "width=720"),
    (1, "width=512&format=webp"),
    (1, "width=512&format=png"),
    (6, "width=1280&format=webp"),
    (1, "width=320&format=avif"),
    (6, "outputs=" + quote(json.dumps(_WORDS))),
    (1, "width=300&height=300&fit=contain&background=%23ffffff"),
    (24, "width=1024"),
    (1, "width=640&quality=90"),
)
"""Megapixels of the source, and options: taken in turn, each as often as the others."""


def measure(plan: Plan) -> Iterator[Figure]:
    """A line for each allocator: what the larger of two workers' children keeps after all jobs."""
    fresh = {megapixels: Fresh(plan.jpeg(megapixels)) for megapixels in {megapixels for megapixels, _ in _MIX}}
    for name, variables in _allocators().items():
        yield _soak(plan, name, variables, fresh)


def _allocators() -> dict[str, dict[str, str]]:
    allocators: dict[str, dict[str, str]] = {"as shipped": {}}
    if jemalloc := find_library("jemalloc"):
        allocators["jemalloc"] = {"LD_PRELOAD": jemalloc}
    return allocators


def _soak(plan: Plan, name: str, variables: Mapping[str, str], fresh: Mapping[int, Fresh]) -> Figure:
    unbounded = {"worker_max_jobs": str(10**6), "worker_max_resident_bytes": str(2**40)}
    with Service(plan.folder, variables=variables, **unbounded) as service:
        _work(service, fresh, len(_MIX) * CONNECTIONS)  # so that every code path has been loaded
        children = _children(service)
        begun, early = perf_counter(), _most(children)
        _work(service, fresh, JOBS // 2)
        half = _most(children)
        _work(service, fresh, JOBS - JOBS // 2)
        took = perf_counter() - begun
        peak = max(child.peak_bytes for child in children) / _MEGABYTE
        details = {"after 60 MB": early, f"after {JOBS // 2} MB": half, "peak MB": peak, "jobs/s": JOBS / took}
        return Figure(f"a worker's child after {JOBS} jobs, {name}", _most(children), "MB", details=details)


def _work(service: Service, fresh: Mapping[int, Fresh], jobs: int) -> None:
    mix = list(islice(cycle(_MIX), jobs))

    def share(first: int) -> None:
        with Connection(service.address) as connection:
            for megapixels, options in mix[first::CONNECTIONS]:
                finish(connection, options, *fresh[megapixels]())

    with ThreadPoolExecutor(CONNECTIONS) as pool:
        list(pool.map(share, range(CONNECTIONS)))


def _children(service: Service) -> list[Process]:
    """Those that resize; beside them is one that only keeps semaphores."""
    children = [process for process in service.processes("worker") if process.child]
    return sorted(children, key=lambda process: process.resident_bytes)[-2:]


def _most(children: list[Process]) -> float:
    return max(child.resident_bytes for child in children) / _MEGABYTE
