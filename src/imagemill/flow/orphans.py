"""Orphans: originals that no record names. A process that dies between its put and its commit leaves one.

They are looked for in one shard of the store at a time, so that a sweep stays cheap, and deleted as garbage.
"""

import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import islice

from imagemill.domain.keys import SHARDS
from imagemill.domain.ports import JobStore, ObjectStore
from imagemill.errors import StoreUnavailable

log = logging.getLogger(__name__)

ORPHAN_SECONDS = 3600
"""How old an orphan is at least: far older than any request that may still be about to commit it."""

PAUSE_SECONDS = 60
_BATCH = 500


@dataclass
class Orphans:
    """Finds orphans.

    Args:
        clock: seconds of a clock that never goes back.
        shard: where to begin; drawn, because a process that is restarted often would never come to the last ones.
    """

    jobs: JobStore
    store: ObjectStore
    clock: Callable[[], float] = time.monotonic
    shard: int = field(default_factory=lambda: random.randrange(len(SHARDS)))
    _next_at: float = field(default=float("-inf"), init=False)

    def discard(self) -> int:
        """Put the orphans of the next shard on the garbage list, unless it is less than PAUSE_SECONDS since the last.

        Returns:
            How many are new on the list.

        Raises:
            RecordUnavailable: the shard is looked at again in the next round.
        """
        if self.clock() < self._next_at:
            return 0
        self._next_at = self.clock() + PAUSE_SECONDS
        self.shard = (self.shard + 1) % len(SHARDS)
        discarded = 0
        try:
            old = self.store.list_originals(SHARDS[self.shard], ORPHAN_SECONDS)
            while keys := list(islice(old, _BATCH)):
                discarded += self.jobs.discard_unnamed(keys)
        except StoreUnavailable:
            log.warning("The store is away; orphans are looked for later.")
        return discarded
