"""Which core this process works on. Where every core has one worker child, each keeps to its own.

A picture passes through several threads, a few rows at a time. They do not gain from a second core, since one waits for
the other; but the kernel spreads them, and then the rows travel from cache to cache.
"""

import os
import socket
import sys
from contextlib import suppress


def keep_to_one(processes: int, family: str = "imagemill") -> int | None:
    """Bind this process, and all threads that it will start, to a core that no other of its family has.

    With fewer processes than cores the kernel does better, and with more it has to share them out. A core is held until
    this process ends, however it ends.

    Args:
        processes: how many there are of this kind.
        family: who shares the cores of this machine or container.

    Returns:
        The core; None if this process may go on to use all.

    Source: sched_setaffinity(2); unix(7) on abstract addresses, which are gone with their socket.
    """
    if sys.platform != "linux":
        return None
    cores = sorted(os.sched_getaffinity(0))
    if processes != len(cores):
        return None
    for core in cores:
        if _claim(f"{family}-core-{core}"):
            with suppress(OSError):  # The machine has just lost it.
                os.sched_setaffinity(0, {core})
                return core
    return None


def _claim(name: str) -> bool:
    # A sandbox may allow no such sockets.
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as claim:
        claim.bind(f"\0{name}")
        claim.detach()  # Open from here on, without anybody who could close it.
        return True
    return False
