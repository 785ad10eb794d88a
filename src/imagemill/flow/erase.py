"""Erase: take a job out of the record first, then its bytes out of the store."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from imagemill.domain.ports import Doorbell, JobStore, ObjectStore
from imagemill.errors import StoreUnavailable, UnknownToken

log = logging.getLogger(__name__)

GARBAGE_BATCH = 200


@dataclass(frozen=True)
class Erase:
    """Erases jobs and what only they needed."""

    jobs: JobStore
    store: ObjectStore
    doorbell: Doorbell

    def erase(self, token: UUID, owner: str) -> None:
        """Erase the owner's job, its outputs, and its original if no other job needs it.

        Bytes that cannot be deleted now are on the record's garbage list; the sweep deletes them.

        Raises:
            UnknownToken: the owner has no such job.
            RecordUnavailable: nothing was erased.
        """
        if self.jobs.erase(token, owner) is None:
            raise UnknownToken("No job of yours has this token; it may have expired.")
        self.doorbell.ring(token)
        self.collect()

    def collect(self) -> int:
        """Delete the bytes of up to GARBAGE_BATCH objects that no record needs. Returns how many."""
        keys = self.jobs.take_garbage(GARBAGE_BATCH)
        gone = self._delete(keys)
        if gone:
            self.jobs.drop_garbage(gone)
        return len(gone)

    def _delete(self, keys: Sequence[str]) -> list[str]:
        gone = []
        for key in keys:
            try:
                self.store.delete(key)
            except StoreUnavailable:
                log.warning("The store is away; erased objects are deleted later.")
                break
            gone.append(key)
        return gone
