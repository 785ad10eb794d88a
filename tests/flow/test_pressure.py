"""Pressure: a count that is a second old at most, and not taken for every request."""

import pytest

from imagemill.domain.ports import Backlog
from imagemill.errors import Overloaded
from imagemill.flow.pressure import Pressure


class CountedBacklog:
    """A record of which only the backlog is asked."""

    def __init__(self) -> None:
        self.pending = 0
        self.asked = 0

    def backlog(self) -> Backlog:
        """How much waits; counts the question."""
        self.asked += 1
        return Backlog(self.pending, 0.0)


def test_the_count_is_taken_once_a_second() -> None:
    """Between two counts the last one holds, whatever has happened since."""
    jobs, clock = CountedBacklog(), [0.0]
    pressure = Pressure(jobs, most_pending=1, clock=lambda: clock[0])  # type: ignore[arg-type]

    pressure.check()
    jobs.pending = 1
    pressure.check()
    assert jobs.asked == 1

    clock[0] = 1.0
    with pytest.raises(Overloaded):
        pressure.check()
    assert jobs.asked == 2
