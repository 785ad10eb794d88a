"""What the kernel says of a tree of processes: who is whose child, what they used of the cores and of memory."""

import os
import signal
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Process:
    """One process.

    Args:
        id: its number.
        role: `api`, `worker`, `beat`, `broker` or `up`; a child has its parent's.
        child: whether it does the role's work for a process of the same role, such as a worker's child.
    """

    id: int
    role: str
    child: bool

    @property
    def cpu_seconds(self) -> float:
        """Time on a core so far, in user and kernel mode, with that of its ended children."""
        fields = (_PROC / str(self.id) / "stat").read_text().rpartition(")")[2].split()
        return sum(map(int, fields[11:15])) / _TICKS_PER_SECOND

    @property
    def peak_bytes(self) -> int:
        """The most resident memory so far, or since `reset_peak` (VmHWM in proc_pid_status(5))."""
        return self._status_bytes("VmHWM")

    @property
    def resident_bytes(self) -> int:
        """Resident memory now."""
        return self._status_bytes("VmRSS")

    def reset_peak(self) -> None:
        """Let the peak begin anew (proc_pid_clear_refs(5))."""
        (_PROC / str(self.id) / "clear_refs").write_text("5")

    def freeze(self) -> None:
        """Let it do nothing until SIGCONT."""
        os.kill(self.id, signal.SIGSTOP)

    def _status_bytes(self, name: str) -> int:
        status = (_PROC / str(self.id) / "status").read_text()
        return int(status.partition(f"{name}:")[2].split()[0]) * 1024


def tree(root: int) -> list[Process]:
    """A process and all below it."""
    children = defaultdict(list)
    for path in _PROC.iterdir():
        if path.name.isdigit():
            children[_parent(path)].append(int(path.name))
    return list(_walk(children, root, "up", child=False))


def _walk(children: Mapping[int, list[int]], number: int, role: str, *, child: bool) -> Iterator[Process]:
    yield Process(number, role, child)
    for below in children.get(number, ()):
        yield from _walk(children, below, _role(below) if role == "up" else role, child=role != "up")


def _parent(path: Path) -> int:
    try:
        return int((path / "stat").read_text().rpartition(")")[2].split()[1])
    except OSError:  # it has ended meanwhile
        return 0


def _role(number: int) -> str:
    try:
        words = (_PROC / str(number) / "cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return "ended"
    if "-server" in words[0]:
        return "broker"
    return next((word for word in words if word in ("api", "worker", "beat")), "leash")
