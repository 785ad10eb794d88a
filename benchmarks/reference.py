"""The references of `bare.py` as processes, and the rounds in which they take turns with the service."""

import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks.client import Address

PROCESSES = 2


@contextmanager
def resizing(folder: Path, jpeg: bytes, box: str) -> Iterator[Callable[[float], float]]:
    """Two processes that resize one JPEG over and over.

    Args:
        folder: for the source.
        jpeg: the source.
        box: as `bare.resize` takes it.

    Yields:
        A function that lets them run for so many seconds and returns images per second of both together.
    """
    with ExitStack() as stack:
        path = folder / "source.jpg"
        path.write_bytes(jpeg)
        loops = [stack.enter_context(_bare("resize", str(path), box)) for _ in range(PROCESSES)]

        def rate(seconds: float) -> float:
            for loop in loops:
                _say(loop, f"{seconds}\n")
            return sum(float(_hear(loop)) for loop in loops)

        rate(0.3)
        yield rate


@contextmanager
def serving(folder: Path, work: str) -> Iterator[list[Address]]:
    """Two bare HTTP servers that take each request as far as `work` says.

    Yields:
        Their addresses; clients are to be spread over them.
    """
    place = tempfile.mkdtemp(prefix="bare-", dir=folder)
    with ExitStack() as stack:
        servers = [stack.enter_context(_bare("serve", work, place)) for _ in range(PROCESSES)]
        yield [("127.0.0.1", int(_hear(server))) for server in servers]


def ratios(
    rounds: int, service: Callable[[], float], reference: Callable[[], float]
) -> tuple[list[float], list[float]]:
    """Let service and reference take turns, so that what disturbs the machine disturbs both.

    Returns:
        What the service reached in each round, and its ratio to the mean of the reference's runs before and after.
    """
    before = reference()
    reached, relative = [], []
    for _ in range(rounds):
        value = service()
        after = reference()
        reached.append(value)
        relative.append(value / ((before + after) / 2))
        before = after
    return reached, relative


@contextmanager
def _bare(*words: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.bare", *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={"VIPS_CONCURRENCY": "1"},
        cwd=Path(__file__).parents[1],
    )
    try:
        yield process
    finally:
        process.terminate()
        process.communicate()


def _say(process: subprocess.Popen[str], line: str) -> None:
    assert process.stdin is not None
    process.stdin.write(line)
    process.stdin.flush()


def _hear(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()
