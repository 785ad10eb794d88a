"""The port of the bell that ends a wait."""

from contextlib import AbstractContextManager
from typing import Protocol
from uuid import UUID


class Doorbell(Protocol):
    """Tells those who wait that a job has ended. It may fail to ring: who waits also looks at the record."""

    def ring(self, token: UUID) -> None:
        """Wake everyone who listens for this token. Never raises."""
        ...

    def listen(self, token: UUID) -> AbstractContextManager["Ear"]:
        """Listen from now on, until the context ends. Never raises."""
        ...


class Ear(Protocol):
    """One who waits.

    Args:
        missed: whether the bell may have rung just before it was listened to, so that the record has to tell.
    """

    missed: bool

    def wait(self, timeout_seconds: float) -> bool:
        """Sleep until the bell has rung or the time is over; True if it rang."""
        ...
