"""A queue that keeps what it was sent in a list."""

from uuid import UUID

from imagemill.errors import BrokerUnavailable


class MemoryQueue:
    """A JobQueue. `away = True` makes it a broker that does not answer."""

    def __init__(self) -> None:
        self.sent: list[UUID] = []
        self.away = False

    def send(self, token: UUID) -> None:
        """Note the token."""
        self.check()
        self.sent.append(token)

    def check(self) -> None:
        """Raise if away."""
        if self.away:
            raise BrokerUnavailable("The broker does not answer.")
