"""Acceptance: a new job and its original become rows, in one transaction that the caller commits."""

from collections.abc import Callable
from dataclasses import replace

from sqlalchemy import ColumnElement, Connection, bindparam, insert, select, update

from imagemill.domain.job import Job, NewJob, Original
from imagemill.domain.ports import Accepted, FaultPoint, Faults
from imagemill.jobs.clock import moment
from imagemill.jobs.quotas import charge_quota
from imagemill.jobs.removal import IS_DISCARDED, delete_jobs, lock_originals, release_originals
from imagemill.jobs.rows import accepted_job, read_job, write_new_job, write_original
from imagemill.jobs.statements import CHANGE_JOB, JOB, ORIGINAL
from imagemill.jobs.tables import jobs, originals

# Built once, as are those of the class: see `statements`.
_USED_ORIGINAL = update(originals).where(originals.c.id == bindparam("original")).values(used_at=bindparam("now"))
_NEW_JOB, _NEW_ORIGINAL = insert(jobs), insert(originals)
_PROLONGING = CHANGE_JOB.values(expires_at=bindparam("until"))


class Acceptance:
    """Records new jobs.

    Args:
        clock: SQL for the present, in milliseconds since the epoch.
        keep: how long ended jobs are kept, in milliseconds.
        last: the end of that time in which a request prolongs it, in milliseconds.
        faults: reached when the job's row is written, and not committed.
    """

    def __init__(self, clock: ColumnElement[int], *, keep: int, last: int, faults: Faults) -> None:
        self._faults = faults
        self._keep = keep
        self._last = last
        # Each tells the time too, which would cost a round trip of its own.
        now = clock.label("now")
        self._standing = JOB.add_columns(now).with_for_update(of=jobs)
        self._kept_original = ORIGINAL.add_columns(now).with_for_update()
        self._discarded = select(IS_DISCARDED.label("discarded"), now)

    def accept(
        self, connection: Connection, new: NewJob, turn_of_new: Callable[[Connection], int | None]
    ) -> Accepted | None:
        """Record the job, or say what stands in its place, as the port promises of `accept`.

        Args:
            connection: in a transaction that writes.
            new: the job.
            turn_of_new: gives it its turn.
        """
        old = connection.execute(self._standing, {"token": new.token}).one_or_none()
        if old and not _is_over(job := read_job(old), old.now):
            return Accepted(self._prolonged(connection, job, old.now), reused=job.results_id != new.results_id)
        if old:
            # Before the new one, which may be another: that has the higher id.
            lock_originals(connection, [old.original_id])
        recorded = self._record_original(connection, new.original)
        if recorded is None:
            return None
        original_id, now = recorded
        if old:
            delete_jobs(connection, [old], now)
        if new.charge:
            charge_quota(connection, new.charge, now)
        connection.execute(_NEW_JOB, write_new_job(new, original_id, turn_of_new(connection), now))
        if old:
            # Last, when the new job already holds the original if it is the same one.
            release_originals(connection, [old.original_id], now)
        self._faults.reach(FaultPoint.ROW_INSERTED, new.token)
        return Accepted(accepted_job(new, now), reused=False)

    def _record_original(self, connection: Connection, original: Original) -> tuple[int, int] | None:
        """Its id, and the present; None if another is kept in its place, or its key was given up."""
        # Locked, so that it cannot be given up before the job that needs it is committed.
        kept = {"owner": original.owner, "sha256": original.sha256}
        if row := connection.execute(self._kept_original, kept).one_or_none():
            if row.key != original.key:
                return None
            connection.execute(_USED_ORIGINAL, {"original": row.id, "now": row.now})
            return row.id, row.now
        look = connection.execute(self._discarded, {"key": original.key}).one()
        if look.discarded:
            return None
        inserted = connection.execute(_NEW_ORIGINAL, write_original(original, look.now))
        return inserted.inserted_primary_key[0], look.now  # type: ignore[index]  # None where no row is inserted

    def _prolonged(self, connection: Connection, job: Job, now: int) -> Job:
        if job.expires_at is None or job.expires_at > moment(now + self._last):
            return job
        connection.execute(_PROLONGING, {"job": job.token, "until": now + self._keep})
        return replace(job, expires_at=moment(now + self._keep))


def _is_over(job: Job, now: int) -> bool:
    return job.replaceable or (job.expires_at is not None and job.expires_at <= moment(now))
