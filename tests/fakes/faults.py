"""Fault points that call back into the test."""

from collections.abc import Callable
from uuid import UUID

from imagemill.domain.ports import FaultPoint


class CalledFaults:
    """Faults that note each point and call what the test has put there."""

    def __init__(self) -> None:
        self.reached: list[FaultPoint] = []
        self.calls: dict[FaultPoint, Callable[[], None]] = {}

    def reach(self, point: FaultPoint, token: UUID) -> None:
        """Note the point; call, once, what the test put there."""
        self.reached.append(point)
        self.calls.pop(point, lambda: None)()
