"""How this process gets its memory. By default glibc returns a freed buffer of 128 KiB or more to the kernel at once.

The next request then faults the same pages in again: for an image of 1 MB that is 1.9 ms of kernel time, more than all
else that its reading costs. So what a usual image needs is kept; what a large one needs still goes back.
"""

import ctypes

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8  # malloc.h


def keep_usual_buffers(most_bytes: int, kept_bytes: int, arenas: int | None = None) -> bool:
    """Set the thresholds of this process's allocator.

    Args:
        most_bytes: a buffer of this size or more is the kernel's again when it is freed; 32 MiB at most.
        kept_bytes: free memory that an arena keeps, so a process may keep a few times as much.
        arenas: how many there may be; left out, as many as glibc likes, which is one for each thread.

    Returns:
        False where the C library has no such dials: then everything works as before.

    Source: mallopt(3).
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    dials = [(_M_MMAP_THRESHOLD, most_bytes), (_M_TRIM_THRESHOLD, kept_bytes)]
    if arenas is not None:
        dials.append((_M_ARENA_MAX, arenas))
    return all(mallopt(dial, value) for dial, value in dials)
