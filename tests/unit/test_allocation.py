"""The allocator's dials."""

import ctypes
import platform
import subprocess
import sys

import pytest

from imagemill.allocation import keep_usual_buffers

PROGRAM = """
import resource, sys
if sys.argv[1] == "kept":
    from imagemill.allocation import keep_usual_buffers
    assert keep_usual_buffers(4 * 2**20, 16 * 2**20)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(200):
    one, two = bytearray(b"x") * 2**20, bytearray(b"y") * 2**20
    del one, two
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def page_faults(mode: str) -> int:
    """Pages that a process has to ask the kernel for while it makes and drops buffers of 1 MiB, 400 in all."""
    run = subprocess.run([sys.executable, "-c", PROGRAM, mode], capture_output=True, text=True, check=True)
    return int(run.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has these dials")
def test_usual_buffers_are_kept() -> None:
    """The memory of one image serves the next: pages are asked for once, not for each buffer."""
    assert page_faults("kept") < 2_000


ARENAS = """
import ctypes, sys, threading
from imagemill.allocation import keep_usual_buffers
if sys.argv[1] == "few":
    assert keep_usual_buffers(4 * 2**20, 16 * 2**20, arenas=2)
start = threading.Barrier(9)
def work():
    start.wait()
    kept = [bytearray(3000) for _ in range(100)]
    start.wait()
threads = [threading.Thread(target=work) for _ in range(8)]
for thread in threads: thread.start()
start.wait(), start.wait()
libc = ctypes.CDLL(None)
libc.malloc_stats()
"""


def arenas(mode: str) -> int:
    """How many arenas eight threads at once have been given, as glibc tells it."""
    run = subprocess.run([sys.executable, "-c", ARENAS, mode], capture_output=True, text=True, check=True)
    return run.stderr.count("Arena ")


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has these dials")
def test_threads_share_a_few_arenas() -> None:
    """Each arena keeps memory of its own, so a worker with many threads is told to have few."""
    assert arenas("few") == 2 < arenas("many")


def test_another_c_library_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there are no such dials nothing happens."""
    monkeypatch.setattr(ctypes, "CDLL", lambda _: object())
    assert not keep_usual_buffers(2**20, 2**20)
