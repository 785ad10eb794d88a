"""Pressure: refuse new work while more is waiting than the service agreed to hold."""

import threading
import time
from collections.abc import Callable

from imagemill.domain.ports import JobStore
from imagemill.errors import Overloaded

_LOOK_SECONDS = 1.0
"""How old the count may be: counting for every request would cost more than the request."""


class Pressure:
    """Knows, to the second, how much work waits.

    Args:
        most_pending: jobs that may wait.
        clock: seconds of a clock that never goes back.
    """

    def __init__(self, jobs: JobStore, most_pending: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._jobs = jobs
        self._most = most_pending
        self._clock = clock
        self._looked_at = float("-inf")
        self._pending = 0
        self._looking = threading.Lock()

    def check(self) -> None:
        """Raise Overloaded if too many jobs wait."""
        # Whoever comes while another looks goes by the last count.
        if self._clock() - self._looked_at >= _LOOK_SECONDS and self._looking.acquire(blocking=False):
            try:
                self._pending = self._jobs.backlog().pending
                self._looked_at = self._clock()
            finally:
                self._looking.release()
        if self._pending >= self._most:
            raise Overloaded("More jobs are waiting than this service holds; try again later.")
