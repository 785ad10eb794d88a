"""A core for each process of a kind."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from uuid import uuid4

import pytest

if not hasattr(os, "sched_getaffinity"):
    pytest.skip("only Linux binds processes to cores", allow_module_level=True)

CHILD = """
import os
from imagemill import worker
worker.prepare_child()
print(*sorted(os.sched_getaffinity(0)))
"""

FREE = """
from imagemill.cores import keep_to_one
import os
print(keep_to_one(len(os.sched_getaffinity(0))))
"""

PROGRAM = """
import os, sys
from imagemill.cores import keep_to_one
cores = sorted(os.sched_getaffinity(0))[:2]
os.sched_setaffinity(0, cores)
kept = keep_to_one(len(cores) + int(sys.argv[2]), sys.argv[1])
print(kept, *sorted(os.sched_getaffinity(0)), flush=True)
sys.stdin.read()
"""
CORES = sorted(os.sched_getaffinity(0))[:2]


@contextmanager
def process(family: str, more: int = 0) -> Iterator[tuple[int | None, list[int]]]:
    """A process of a family that is told of as many as it has cores, or more; which one it keeps to, and may use."""
    command = [sys.executable, "-c", PROGRAM, family, str(more)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        kept, *allowed = running.stdout.readline().split()
        yield None if kept == "None" else int(kept), [*map(int, allowed)]


@pytest.fixture
def family() -> str:
    return f"test-{uuid4()}"


def test_each_has_its_own(family: str) -> None:
    """Each process is bound to another core; who comes when all are taken may use them all."""
    with ExitStack() as stack:
        bound = [stack.enter_context(process(family)) for _ in CORES]
        late = stack.enter_context(process(family))
    assert sorted(bound) == [(core, [core]) for core in CORES]
    assert late == (None, CORES)


def test_a_core_is_free_again_when_its_process_has_ended(family: str) -> None:
    """The next process of the family has it."""
    with process(family) as first:
        pass
    with process(family) as second:
        assert second == first


@pytest.mark.parametrize("more", [-1, 1])
def test_nobody_is_bound_where_the_numbers_differ(family: str, more: int) -> None:
    """With fewer or more processes than cores the kernel chooses."""
    with process(family, more) as free:
        assert free == (None, CORES)


@pytest.mark.parametrize("own", [True, False])
def test_a_workers_child_keeps_to_a_free_core(tmp_path: Path, own: bool) -> None:
    """It is bound as long as a core is free, which another service on this machine may have; and not if that is off."""
    everywhere = sorted(os.sched_getaffinity(0))
    settings = {"DATA": tmp_path, "WORKER_CONCURRENCY": len(everywhere), "WORKER_OWN_CORES": own}
    variables = os.environ | {f"IMAGEMILL_{name}": str(value) for name, value in settings.items()}

    def told(program: str) -> str:
        command = [sys.executable, "-c", program]
        return subprocess.run(command, env=variables, capture_output=True, text=True, check=True).stdout.strip()

    free = told(FREE)
    allowed = [*map(int, told(CHILD).split())]
    assert allowed == ([int(free)] if own and free != "None" else everywhere)


def test_families_do_not_know_each_other(family: str) -> None:
    """Another family takes the same cores."""
    with process(family) as one, process(f"{family}-2") as other:
        assert one == other
