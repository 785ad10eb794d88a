"""The port of the queue that tokens take to the workers."""

from typing import Protocol
from uuid import UUID


class JobQueue(Protocol):
    """Carries tokens to workers, at least once, sometimes never: the record is the truth."""

    def send(self, token: UUID) -> None:
        """Send a token, within about two seconds. Raises BrokerUnavailable."""
        ...

    def check(self) -> None:
        """Raise BrokerUnavailable unless the broker answers."""
        ...
