"""The record as the flows see it. Each change is one conditional update; one row changed or none is the answer."""

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Row,
    Update,
    bindparam,
    func,
    insert,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.exc import IntegrityError

from imagemill.domain.job import Failure, Job, JobStatus, NewJob, Original, Product
from imagemill.domain.ports import LAST_OF_KEEPING, Accepted, Backlog, Claim, FaultPoint, Faults, Page, Released
from imagemill.errors import MalformedRequest, RecordUnavailable
from imagemill.jobs import upkeep
from imagemill.jobs.clock import DatabaseClock, milliseconds, moment
from imagemill.jobs.database import Database
from imagemill.jobs.removal import (
    delete_jobs,
    discard_unnamed,
    is_discarded,
    lock_originals,
    release_originals,
    revoke_job,
)
from imagemill.jobs.revision import REVISION, revision
from imagemill.jobs.rows import (
    NO_LEASE,
    accepted_job,
    read_job,
    read_original,
    select_jobs,
    write_failure,
    write_new_job,
    write_original,
    write_products,
)
from imagemill.jobs.tables import jobs, originals

_ROUNDS = 5

# Built once: to build a statement costs more than SQLite needs to run it.
_JOB = select_jobs().where(jobs.c.token == bindparam("token"))
_LOCKED_JOB = _JOB.with_for_update(of=jobs)
_ORIGINAL = select(originals).where(
    originals.c.owner == bindparam("owner"), originals.c.sha256 == bindparam("sha256"), originals.c.kept
)
_LOCKED_ORIGINAL = _ORIGINAL.with_for_update()

_NEW_JOB, _NEW_ORIGINAL = insert(jobs), insert(originals)
_OF_JOB = update(jobs).where(jobs.c.token == bindparam("job"))

_CURSOR = re.compile(r"([0-9a-f]{1,12})-([0-9a-f]{32})")


class SqlJobStore:
    """A `JobStore` on SQLite or PostgreSQL. What its methods promise is written at the port.

    Args:
        url: of the database, `sqlite:///…` or `postgresql://…`; opened on first use, in each process anew.
        keep_seconds: how long ended jobs are kept.
        faults: reached within the transaction that records a job.
        clock: SQL for the present in milliseconds since the epoch; left out, the database's clock.
    """

    def __init__(
        self, url: str, *, keep_seconds: float, faults: Faults, clock: ColumnElement[int] | None = None
    ) -> None:
        self._database = Database(url)
        self._keep = milliseconds(keep_seconds)
        self._faults = faults
        self._clock = DatabaseClock() if clock is None else clock
        self._present = select(self._clock)
        # PENDING is what has a time to be sent, IN_PROGRESS what has a lease; these columns have an index, and the
        # status none. A comparison, since SQLite takes no index for IS NOT NULL.
        held = select(func.count()).where(jobs.c.lease_ends_at > 0).scalar_subquery()
        self._waiting = select(
            func.count().label("pending"),
            func.min(jobs.c.created_at).label("oldest"),
            self._clock.label("now"),
            held.label("held"),
        ).where(jobs.c.send_at > 0)
        self._visible = or_(jobs.c.expires_at.is_(None), jobs.c.expires_at > self._clock)
        self._owned = _JOB.where(jobs.c.owner == bindparam("owner"), self._visible)
        self._last = milliseconds(keep_seconds * LAST_OF_KEEPING)
        long_kept = or_(jobs.c.expires_at.is_(None), jobs.c.expires_at > self._clock + self._last)
        self._lasting = self._owned.where(long_kept)
        self._prepare_changes()

    def _prepare_changes(self) -> None:
        soon: ColumnElement[int] = self._clock + bindparam("span", type_=BigInteger)
        ended = {"finished_at": self._clock, "expires_at": self._clock + self._keep} | NO_LEASE
        self._claiming = _OF_JOB.where(jobs.c.status == JobStatus.PENDING, jobs.c.ready_at <= self._clock).values(
            status=JobStatus.IN_PROGRESS,
            attempts=jobs.c.attempts + 1,
            started_at=func.coalesce(jobs.c.started_at, self._clock),
            send_at=None,
            lease=bindparam("new_lease"),
            lease_ends_at=soon,
        )
        held = _OF_JOB.where(jobs.c.status == JobStatus.IN_PROGRESS, jobs.c.lease == bindparam("held"))
        self._renewing = held.values(lease_ends_at=soon)
        self._finishing = held.values(status=JobStatus.SUCCESS, products=bindparam("made"), **ended)
        self._failing = held.values(status=JobStatus.FAILURE, failure=bindparam("reason"), **ended)
        self._retrying = held.values(
            status=JobStatus.PENDING, ready_at=soon, send_at=soon, sends=0, attempts=jobs.c.attempts - 1, **NO_LEASE
        )

    def close(self) -> None:
        """Close this process's connections."""
        self._database.close()

    def find(self, token: UUID, owner: str) -> Job | None:
        """The owner's job, unless its keeping has run out."""
        with self._database.reading() as connection:
            row = connection.execute(self._owned, {"token": token, "owner": owner}).one_or_none()
        return read_job(row) if row else None

    def find_reusable(self, token: UUID, owner: str) -> Job | None:
        """The owner's job, if it answers the same request again as it is."""
        with self._database.reading() as connection:
            row = connection.execute(self._lasting, {"token": token, "owner": owner}).one_or_none()
        job = read_job(row) if row else None
        return None if job is None or job.replaceable else job

    def find_original(self, owner: str, sha256: str) -> Original | None:
        """The owner's image with this digest, if it is kept."""
        with self._database.reading() as connection:
            row = connection.execute(_ORIGINAL, {"owner": owner, "sha256": sha256}).one_or_none()
        return read_original(row) if row else None

    def accept(self, new: NewJob) -> Accepted | None:
        """Commit a job and its original, or say what stands in their place."""
        # A unique key that is taken means that another request recorded the same job or image since this one looked;
        # PostgreSQL alone lets them look at the same time.
        for _ in range(_ROUNDS):
            with suppress(IntegrityError):
                return self._accept(new)
        return self._accept(new)

    def _accept(self, new: NewJob) -> Accepted | None:
        with self._database.writing() as connection:
            now = self._now(connection)
            old = connection.execute(_LOCKED_JOB, {"token": new.token}).one_or_none()
            if old and not _is_over(job := read_job(old), now):
                return Accepted(self._prolonged(connection, job, now), reused=True)
            if old:
                # Before the new one, which may be another: that has the higher id.
                lock_originals(connection, [old.original_id])
            original_id = _record_original(connection, new.original)
            if original_id is None:
                return None
            if old:
                delete_jobs(connection, [old], now)
            connection.execute(_NEW_JOB, write_new_job(new, original_id, now))
            if old:
                # Last, when the new job already holds the original if it is the same one.
                release_originals(connection, [old.original_id], now)
            self._faults.reach(FaultPoint.ROW_INSERTED, new.token)
        return Accepted(accepted_job(new, now), reused=False)

    def claim(self, token: UUID, lease_seconds: float) -> Claim | None:
        """PENDING → IN_PROGRESS under a new lease; None if the job is not PENDING and due."""
        lease, span = uuid4(), milliseconds(lease_seconds)
        with self._database.writing(durable=False) as connection:
            if connection.execute(self._claiming, {"job": token, "new_lease": lease, "span": span}).rowcount == 0:
                return None
            row = connection.execute(_JOB, {"token": token}).one()
        return Claim(read_job(row), lease, (row.lease_ends_at - span - row.created_at) / 1000)

    def renew(self, token: UUID, lease: UUID, lease_seconds: float) -> bool:
        """Prolong a lease; False if it is no longer this worker's."""
        return self._change(self._renewing, token, lease, durable=False, span=milliseconds(lease_seconds))

    def finish(self, token: UUID, lease: UUID, products: Sequence[Product]) -> bool:
        """IN_PROGRESS → SUCCESS; False if the lease is not this worker's."""
        return self._change(self._finishing, token, lease, made=write_products(products))

    def fail(self, token: UUID, lease: UUID, failure: Failure) -> bool:
        """IN_PROGRESS → FAILURE; False if the lease is not this worker's."""
        return self._change(self._failing, token, lease, reason=write_failure(failure))

    def retry(self, token: UUID, lease: UUID, delay_seconds: float) -> bool:
        """IN_PROGRESS → PENDING, due after a delay; False if the lease is not this worker's."""
        return self._change(self._retrying, token, lease, span=milliseconds(delay_seconds))

    def erase(self, token: UUID, owner: str) -> Job | None:
        """Take the owner's job out, and list what only it needed as garbage."""
        with self._database.writing() as connection:
            now = self._now(connection)
            owned = self._owned.with_for_update(of=jobs)
            row = connection.execute(owned, {"token": token, "owner": owner}).one_or_none()
            job = read_job(row) if row else None
            if row is None or job is None or job.status is JobStatus.REVOKED:
                return job
            if job.status.terminal:
                delete_jobs(connection, [row], now)
            else:
                revoke_job(connection, row, now)
            release_originals(connection, [row.original_id], now)
        return job

    def backlog(self) -> Backlog:
        """How much work waits, of all owners."""
        with self._database.reading() as connection:
            row = connection.execute(self._waiting).one()
        return Backlog(row.pending, (row.now - row.oldest) / 1000 if row.pending else 0.0, row.held)

    def page(self, owner: str, cursor: str | None, limit: int) -> Page:
        """The owner's jobs, newest first. Raises MalformedRequest for a cursor that is not one."""
        place = tuple_(jobs.c.created_at, jobs.c.token)
        wanted = select_jobs().where(jobs.c.owner == owner, self._visible)
        if cursor is not None:
            wanted = wanted.where(place < tuple_(*_read_cursor(cursor)))
        newest = wanted.order_by(jobs.c.created_at.desc(), jobs.c.token.desc())
        with self._database.reading() as connection:
            rows = connection.execute(newest.limit(limit + 1)).all()
        more = len(rows) > limit
        return Page(tuple(map(read_job, rows[:limit])), _write_cursor(rows[limit - 1]) if more else None)

    def release_expired(self, max_attempts: int, limit: int) -> Released:
        """End the leases that have run out."""
        with self._database.writing() as connection:
            now = self._now(connection)
            return upkeep.release_expired(connection, now, max_attempts=max_attempts, keep=self._keep, limit=limit)

    def take_due(self, first_seconds: int, limit: int) -> list[UUID]:
        """PENDING jobs whose time to be sent (again) has come."""
        with self._database.writing() as connection:
            return upkeep.take_due(connection, self._now(connection), first_seconds=first_seconds, limit=limit)

    def give_back(self, tokens: Sequence[UUID]) -> None:
        """Make jobs that could not be sent due again."""
        with self._database.writing() as connection:
            upkeep.give_back(connection, self._now(connection), tokens)

    def forget_expired(self, limit: int) -> int:
        """Remove ended jobs whose keeping has run out. Returns how many."""
        with self._database.writing() as connection:
            return upkeep.forget_expired(connection, self._now(connection), limit=limit)

    def take_garbage(self, limit: int, among: Sequence[str] | None = None) -> list[str]:
        """Keys of objects that no record needs any more."""
        with self._database.reading() as connection:
            return upkeep.take_garbage(connection, self._clock, limit=limit, among=among)

    def postpone_garbage(self, keys: Sequence[str], delay_seconds: float) -> None:
        """List keys for later, because their objects cannot be deleted now."""
        with self._database.writing() as connection:
            upkeep.postpone_garbage(connection, self._clock, keys, delay=milliseconds(delay_seconds))

    def drop_garbage(self, keys: Sequence[str]) -> None:
        """Strike out keys whose objects are gone."""
        with self._database.writing() as connection:
            upkeep.drop_garbage(connection, self._clock, keys)

    def discard_unnamed(self, keys: Sequence[str]) -> int:
        """List those of the keys that no original has as garbage. Returns how many."""
        with self._database.writing() as connection:
            return discard_unnamed(connection, keys, self._now(connection))

    def check(self) -> None:
        """Raise RecordUnavailable unless the database answers and its tables are of this release."""
        with self._database.reading() as connection:
            if revision(connection) != REVISION:
                raise RecordUnavailable("The database's tables are not of this release.")

    def _now(self, connection: Connection) -> int:
        return connection.execute(self._present).scalar_one()

    def _prolonged(self, connection: Connection, job: Job, now: int) -> Job:
        if job.expires_at is None or job.expires_at > moment(now + self._last):
            return job
        connection.execute(_OF_JOB.values(expires_at=now + self._keep), {"job": job.token})
        return replace(job, expires_at=moment(now + self._keep))

    def _change(self, change: Update, token: UUID, lease: UUID, *, durable: bool = True, **values: object) -> bool:
        with self._database.writing(durable=durable) as connection:
            return connection.execute(change, {"job": token, "held": lease, **values}).rowcount == 1


def _is_over(job: Job, now: int) -> bool:
    return job.replaceable or (job.expires_at is not None and job.expires_at <= moment(now))


def _record_original(connection: Connection, original: Original) -> int | None:
    # Locked, so that it cannot be given up before the job that needs it is committed.
    row = connection.execute(_LOCKED_ORIGINAL, {"owner": original.owner, "sha256": original.sha256}).one_or_none()
    if row:
        return int(row.id) if row.key == original.key else None
    if is_discarded(connection, original.key):
        return None
    inserted = connection.execute(_NEW_ORIGINAL, write_original(original))
    return int(inserted.inserted_primary_key[0])  # type: ignore[index]  # None is for statements that insert no row


def _write_cursor(row: Row[Any]) -> str:
    return f"{row.created_at:x}-{row.token.hex}"


def _read_cursor(cursor: str) -> tuple[int, UUID]:
    match = _CURSOR.fullmatch(cursor)
    if not match:
        raise MalformedRequest("The cursor is not one that this service gave.")
    return int(match[1], 16), UUID(match[2])
