"""Pressure: refuse new work while more is waiting than the service agreed to hold."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from imagemill.domain.ports import Backlog, JobStore
from imagemill.errors import Overloaded, TooManyPending

_LOOK_SECONDS = 1.0
"""How old a count may be: counting for every request would cost more than the request."""

_ASK_AGAIN_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much may wait.

    Args:
        pending: jobs.
        seconds: how long the oldest of them has waited.
        pending_in_turn: jobs of one owner, among owners who take turns; None is no bound.
    """

    pending: int
    seconds: float
    pending_in_turn: int | None = None


class Pressure:
    """Knows, to the second, how much work waits.

    Args:
        bounds: past which there is too much.
        clock: seconds of a clock that never goes back.
    """

    def __init__(self, jobs: JobStore, bounds: Bounds, clock: Callable[[], float] = time.monotonic) -> None:
        self._jobs = jobs
        self._bounds = bounds
        self._clock = clock
        self._looked_at = float("-inf")
        self._backlog = Backlog(0, 0.0)
        self._of_owners: dict[str, int] = {}
        self._looking = threading.Lock()

    def check(self, owner: str) -> None:
        """Refuse work that would be too much.

        Raises:
            Overloaded: too many jobs wait, or one for too long.
            TooManyPending: too many of this owner's.
        """
        # Whoever comes while another looks goes by the last count.
        if self._clock() - self._looked_at >= _LOOK_SECONDS and self._looking.acquire(blocking=False):
            try:
                self._backlog = self._jobs.backlog()
                self._of_owners = {}
                self._looked_at = self._clock()
            finally:
                self._looking.release()
        if self._backlog.pending >= self._bounds.pending:
            raise Overloaded("More jobs are waiting than this service holds; try again later.")
        if self._backlog.oldest_seconds >= self._bounds.seconds:
            raise Overloaded("Jobs have been waiting for too long to take more; try again later.")
        if self._bounds.pending_in_turn is not None:
            self._check_owner(owner, self._bounds.pending_in_turn)

    def _check_owner(self, owner: str, most: int) -> None:
        counts = self._of_owners
        if owner not in counts:
            counts[owner] = self._jobs.pending_in_turn(owner, most)
        if counts[owner] >= most:
            raise TooManyPending(
                f"You may have {most:,} jobs waiting; ask again when some have ended.", _ASK_AGAIN_SECONDS
            )
