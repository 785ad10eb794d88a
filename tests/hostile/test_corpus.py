"""Odd files from the wild, where a folder of them lies beside the checkout; elsewhere there is nothing to test."""

from pathlib import Path

import pytest

from tests.hostile.child import LIMITS, outcomes

CORPUS = Path(__file__).parents[3] / "shared" / "corpus"
FILES = sorted(path for path in CORPUS.glob("*") if path.is_file() and path.suffix != ".md")


@pytest.mark.skipif(not FILES, reason="no folder ../shared/corpus beside the checkout; nothing depends on it")
def test_each_gives_a_picture_or_a_refusal() -> None:
    """Bounded as in a worker, each within its time; none ends the process, and most are pictures."""
    found = dict(zip(FILES, outcomes([path.read_bytes() for path in FILES]), strict=True))
    assert {path.name: outcome.code for path, outcome in found.items() if not outcome.planned} == {}
    for path, outcome in found.items():
        assert outcome.size is None or max(outcome.size) <= 24, path.name
        assert outcome.growth_bytes < LIMITS.pixels * 4, path.name
    assert sum(outcome.size is not None for outcome in found.values()) > len(found) * 3 / 4
