"""Pressure: counts that are a second old at most, and not taken for every request."""

import pytest

from imagemill.domain.ports import Backlog
from imagemill.errors import Overloaded, TooManyPending
from imagemill.flow.pressure import Bounds, Pressure


class CountedBacklog:
    """A record of which only the backlog is asked."""

    def __init__(self) -> None:
        self.backlog_now = Backlog(0, 0.0)
        self.of_owners = {"ada": 0, "bob": 0}
        self.asked: list[str] = []

    def backlog(self) -> Backlog:
        """How much waits; notes the question."""
        self.asked.append("all")
        return self.backlog_now

    def pending_in_turn(self, owner: str, limit: int) -> int:
        """How much waits of an owner; notes the question."""
        self.asked.append(owner)
        return min(limit, self.of_owners[owner])


class Scene:
    """Pressure, what it looks at, and its clock."""

    def __init__(self, bounds: Bounds) -> None:
        self.jobs = CountedBacklog()
        self.now = 0.0
        self.pressure = Pressure(self.jobs, bounds, clock=lambda: self.now)  # type: ignore[arg-type]


def test_the_count_is_taken_once_a_second() -> None:
    """Between two counts the last one holds, whatever has happened since."""
    scene = Scene(Bounds(pending=1, seconds=10))
    scene.pressure.check("ada")
    scene.jobs.backlog_now = Backlog(1, 0.0)
    scene.pressure.check("ada")
    assert scene.jobs.asked == ["all"]

    scene.now = 1.0
    with pytest.raises(Overloaded):
        scene.pressure.check("ada")
    assert scene.jobs.asked == ["all", "all"]


def test_work_that_waits_for_too_long_refuses_more() -> None:
    """However few jobs wait: if one has waited that long, workers are missing."""
    scene = Scene(Bounds(pending=100, seconds=10))
    scene.jobs.backlog_now = Backlog(1, 9.9)
    scene.pressure.check("ada")
    scene.now = 1.0
    scene.jobs.backlog_now = Backlog(1, 10.0)
    with pytest.raises(Overloaded):
        scene.pressure.check("ada")


def test_one_owner_may_not_fill_the_queue() -> None:
    """Past an owner's own bound he is refused and others are not; his count, too, is taken once a second."""
    scene = Scene(Bounds(pending=100, seconds=10, pending_in_turn=5))
    scene.jobs.of_owners["ada"] = 5
    for _ in range(3):
        with pytest.raises(TooManyPending):
            scene.pressure.check("ada")
    scene.pressure.check("bob")
    assert scene.jobs.asked == ["all", "ada", "bob"]

    scene.now = 1.0
    scene.jobs.of_owners["ada"] = 4
    scene.pressure.check("ada")


def test_without_a_bound_no_owner_is_counted() -> None:
    """What is not set costs nothing."""
    scene = Scene(Bounds(pending=100, seconds=10))
    scene.pressure.check("ada")
    assert scene.jobs.asked == ["all"]
