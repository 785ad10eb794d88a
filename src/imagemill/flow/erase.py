"""Erase: take a job out of the record first, then its bytes out of the store."""

import logging
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from uuid import UUID

from imagemill.domain.job import JobStatus
from imagemill.domain.keys import output_keys
from imagemill.domain.ports import Doorbell, JobStore, Metrics, ObjectStore
from imagemill.errors import RecordUnavailable, StoreUnavailable, UnknownToken

log = logging.getLogger(__name__)

GARBAGE_BATCH = 200
POSTPONE_SECONDS = 300
"""How long a key that cannot be deleted is left alone."""

AT_ONCE = 16
"""Objects that the sweep deletes at a time: each is a round trip to a bucket, and jobs expire as fast as they come."""

_FAILURES = 5  # In a row: by then it is not the keys, but the store.


@dataclass(frozen=True)
class Erase:
    """Erases jobs and what only they needed."""

    jobs: JobStore
    store: ObjectStore
    doorbell: Doorbell
    metrics: Metrics

    def erase(self, token: UUID, owner: str) -> None:
        """Erase the owner's job, its outputs, and its original if no other job needs it.

        Bytes that cannot be deleted now are on the record's garbage list; the sweep deletes them.

        Raises:
            UnknownToken: the owner has no such job.
            RecordUnavailable: it may have been erased; erasing it again makes sure.
        """
        job = self.jobs.erase(token, owner)
        if job is None:
            raise UnknownToken("No job of yours has this token; it may have expired.")
        self.doorbell.ring(token)
        if not job.status.terminal:
            self.metrics.ended(JobStatus.REVOKED)
        try:
            keys = self.jobs.take_garbage(GARBAGE_BATCH, among=[*output_keys(job), job.original.key])
            self._note(keys, map(self._is_deleted, keys))
        except RecordUnavailable:
            log.warning("The record is away; erased objects are deleted later.", extra={"token": str(token)})

    def collect(self) -> int:
        """Delete the bytes of up to GARBAGE_BATCH objects that no record needs. Returns how many."""
        keys = self.jobs.take_garbage(GARBAGE_BATCH)
        batches = (keys[start : start + AT_ONCE] for start in range(0, len(keys), AT_ONCE))
        with ThreadPoolExecutor(AT_ONCE, "collect") as pool:
            return self._note(keys, (gone for batch in batches for gone in pool.map(self._is_deleted, batch)))

    def _note(self, keys: Sequence[str], deletions: Iterable[bool]) -> int:
        gone: list[str] = []
        failed: list[str] = []
        failures = 0
        for key, is_gone in zip(keys, deletions, strict=False):
            (gone if is_gone else failed).append(key)
            failures = 0 if is_gone else failures + 1
            if failures == _FAILURES:
                break
        if gone:
            self.jobs.drop_garbage(gone)
        if failed:
            self.jobs.postpone_garbage(failed, POSTPONE_SECONDS)
        return len(gone)

    def _is_deleted(self, key: str) -> bool:
        try:
            self.store.delete(key)
        except StoreUnavailable as error:
            log.warning("An object cannot be deleted now.", extra={"key": key, "cause": repr(error.__cause__)})
            return False
        return True
