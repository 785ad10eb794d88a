"""How a database is used: what a process may ask of it, and how long it waits. Knows no database and no setting."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Access:
    """How a database is used by one process.

    Args:
        timeout_seconds: to connect, to be granted a lock or a place in the pool, to run a statement. At least 1.
        pool_size: connections at most; no more are opened than are in use at once.
        recycle_seconds: age at which a connection is replaced.
        patience_seconds: how long a call goes on trying while the database is away; 0 asks a second time at most.
        unhurried: whether a statement may take as long as it takes, as a migration of large tables does.
    """

    timeout_seconds: int = 5
    pool_size: int = 8
    recycle_seconds: int = 1800
    patience_seconds: float = 0.0
    unhurried: bool = False

    @property
    def answer_seconds(self) -> float:
        """The longest wait for an answer.

        The server itself ends a statement sooner, so this is for one that is frozen, or for a network that is gone.
        """
        return self.timeout_seconds + 2.0


USUAL = Access()
"""Where nothing else is asked for."""
