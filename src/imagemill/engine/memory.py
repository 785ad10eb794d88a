"""How much memory libvips holds, which pyvips does not tell. Knows no picture."""

import ctypes
import sys
from functools import cache

from imagemill.domain.ports import Memory


def memory() -> Memory:
    """The pixel buffers that libvips holds in this process, now and at most so far; zeros where it does not say.

    What codecs allocate for themselves is not in it.

    Source: vips_tracked_get_mem(), vips_tracked_get_mem_highwater().
    """
    library = _library()
    if library is None:
        return Memory(0, 0)
    return Memory(library.vips_tracked_get_mem(), library.vips_tracked_get_mem_highwater())


@cache
def _library() -> ctypes.CDLL | None:
    # pyvips does not offer these two, but the module that it comes with is linked to them.
    binary = sys.modules.get("_libvips")
    if binary is None or binary.__file__ is None:
        return None
    library = ctypes.CDLL(binary.__file__)
    for name in ("vips_tracked_get_mem", "vips_tracked_get_mem_highwater"):
        getattr(library, name).restype = ctypes.c_size_t
    return library
