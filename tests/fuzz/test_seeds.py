"""The seeds of the fuzzer, and all that it has ever found, through the function that it calls."""

from pathlib import Path

import pytest

from tests.fuzz.target import consume

SEEDS = sorted(Path(__file__).with_name("seeds").iterdir())


@pytest.mark.parametrize("seed", SEEDS, ids=lambda path: path.name)
def test_a_seed_is_read_or_refused(seed: Path) -> None:
    """No reader raises anything but a refusal, whatever part of the seed it is given."""
    data = seed.read_bytes()
    for end in {len(data), len(data) // 2, len(data) // 3, 1, 0}:
        consume(data[:end])


def test_there_are_seeds() -> None:
    """Each reader has one; none is large, since a fuzzer is the faster for it."""
    assert len(SEEDS) >= 12
    assert max(path.stat().st_size for path in SEEDS) < 4096
