"""The leash: kills all that a supervisor has started when the supervisor is gone, however it went.

A small process holds the reading end of a pipe whose writing end only the supervisor has; each child writes its own
process group into it before it becomes its program. When the pipe closes, the groups that are still tied are killed,
grandchildren included. It knows nothing but numbers, and imports nothing beyond the standard library.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import suppress

_GONE_SECONDS = 2.0


class Leash:
    """Holds process groups for as long as this process lives.

    Args:
        held: file descriptors, such as a lock's, that must stay open until the groups are dead.
    """

    def __init__(self, held: tuple[int, ...] = ()) -> None:
        reading, self._pipe = os.pipe()
        # Isolated and without site-packages: it is there for the bad day and must not depend on anything.
        self._process = subprocess.Popen(  # noqa: S603 - our own file
            [sys.executable, "-I", "-S", __file__],
            stdin=reading,
            stdout=subprocess.DEVNULL,
            pass_fds=held,
            start_new_session=True,
        )
        os.close(reading)

    @property
    def torn(self) -> bool:
        """Whether the process that holds the leash is dead itself."""
        return self._process.poll() is not None

    def tie(self, group: int | None = None) -> None:
        """Add a process group; left out, the one that the calling process leads.

        Called in the child between fork and exec: until then the child has the pipe too, so that no child can be
        forgotten between its birth and its registration.
        """
        self._write(f"+{os.getpid() if group is None else group}\n")

    def untie(self, group: int) -> None:
        """Let go of a process group that has ended, before its number is used again."""
        self._write(f"-{group}\n")

    def close(self) -> None:
        """End the leash; what is still tied dies."""
        os.close(self._pipe)
        self._process.wait()

    def _write(self, line: str) -> None:
        # A torn leash is replaced by the supervisor, which then ties every group again.
        with suppress(BrokenPipeError):
            os.write(self._pipe, line.encode())


def hold(lines: Iterable[str], kill: Callable[[int, int], None] = os.killpg) -> None:
    """Keep account of groups until the lines end, then kill those that are left.

    Args:
        lines: `+` or `-` and a process group each.
        kill: sends a signal to a group; raises OSError if there is no such group.
    """
    groups: set[int] = set()
    for line in lines:
        (groups.add if line[0] == "+" else groups.discard)(int(line[1:]))
    for group in groups:
        with suppress(OSError):
            kill(group, signal.SIGKILL)
    # Whoever waits for the held descriptors may rely on it that the dead have let go of their files.
    deadline = time.monotonic() + _GONE_SECONDS
    while groups and time.monotonic() < deadline:
        groups = {group for group in groups if _lives(group, kill)}
        time.sleep(0.01)


def _lives(group: int, kill: Callable[[int, int], None]) -> bool:
    try:
        kill(group, 0)
    except OSError:
        return False
    return True


if __name__ == "__main__":
    hold(sys.stdin)
