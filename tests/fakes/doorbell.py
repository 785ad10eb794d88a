"""A doorbell within one process."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID


class MemoryDoorbell:
    """A Doorbell that notes who rang.

    Args:
        while_waiting: called at each wait with its seconds, in the place of time that passes.
    """

    def __init__(self, while_waiting: Callable[[float], None] = lambda _: None) -> None:
        self.rung: list[UUID] = []
        self.listening: list[UUID] = []
        self.while_waiting = while_waiting

    def ring(self, token: UUID) -> None:
        """Note the ring."""
        self.rung.append(token)

    @contextmanager
    def listen(self, token: UUID) -> Iterator["MemoryEar"]:
        """Note the listener."""
        self.listening.append(token)
        try:
            yield MemoryEar(self, missed=token in self.rung)
        finally:
            self.listening.remove(token)


@dataclass
class MemoryEar:
    """An Ear at a `MemoryDoorbell`."""

    doorbell: MemoryDoorbell
    missed: bool

    def wait(self, timeout_seconds: float) -> bool:
        """Let time pass; True if the bell has rung."""
        rings = len(self.doorbell.rung)
        self.doorbell.while_waiting(timeout_seconds)
        return len(self.doorbell.rung) > rings
