"""What libvips holds."""

import subprocess
import sys

import pytest

from imagemill.domain.ports import Memory
from imagemill.engine.memory import _library, memory

MEMORY = """
import sys
from imagemill.engine import vips
from imagemill.engine.memory import memory
before = memory()
picture = vips.in_memory(vips.pyvips.Image.black(1000, 1000))
held = memory()
del picture
after = memory()
assert before.bytes < held.bytes, (before, held)
assert held.bytes >= 10**6, held
assert after.bytes < held.bytes, (held, after)
assert after.peak_bytes >= held.bytes, (held, after)
"""


def test_memory_that_libvips_holds_is_known() -> None:
    """A picture of a million pixels is seen while it is held, and remembered as the peak."""
    subprocess.run([sys.executable, "-c", MEMORY], check=True)


def test_a_libvips_that_does_not_tell_holds_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """As one that pyvips opened without its compiled module."""
    monkeypatch.delitem(sys.modules, "_libvips")
    _library.cache_clear()
    assert memory() == Memory(0, 0)
    _library.cache_clear()
