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
    update,
)
from sqlalchemy.exc import IntegrityError

from imagemill.domain.job import Failure, Job, JobStatus, NewJob, Original, Product
from imagemill.domain.ports import LAST_OF_KEEPING, Accepted, Backlog, Claim, FaultPoint, Faults, Page, Released
from imagemill.domain.work import Usage
from imagemill.errors import MalformedRequest, RecordUnavailable
from imagemill.jobs import upkeep
from imagemill.jobs.access import USUAL, Access
from imagemill.jobs.clock import DatabaseClock, milliseconds, moment
from imagemill.jobs.database import Database, repeated
from imagemill.jobs.flush import Unflushed
from imagemill.jobs.quotas import charge_quota, read_usage
from imagemill.jobs.removal import (
    IS_DISCARDED,
    delete_jobs,
    discard_unnamed,
    give_up_originals,
    lock_originals,
    release_originals,
    revoke_job,
)
from imagemill.jobs.revision import REVISION, revision
from imagemill.jobs.rows import (
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
from imagemill.jobs.turns import OUT_OF_LINE, Turns, count_in_line, next_in_line

_ROUNDS = 5

# Built once: to build a statement costs more than SQLite needs to run it.
_JOB = select_jobs().where(jobs.c.token == bindparam("token"))
_CLAIMED = _JOB.where(jobs.c.lease == bindparam("held"))
_ORIGINAL = select(originals).where(
    originals.c.owner == bindparam("owner"), originals.c.sha256 == bindparam("sha256"), originals.c.kept
)

_USED_ORIGINAL = update(originals).where(originals.c.id == bindparam("original")).values(used_at=bindparam("now"))
_NEW_JOB, _NEW_ORIGINAL = insert(jobs), insert(originals)
_OF_JOB = update(jobs).where(jobs.c.token == bindparam("job"))
_MADE = select(jobs.c.token).where(
    jobs.c.token == bindparam("job"), jobs.c.lease == bindparam("held"), jobs.c.status == bindparam("made")
)

_CURSOR = re.compile(r"([0-9a-f]{1,12})-([0-9a-f]{32})")


class SqlJobStore:
    """A `JobStore` on SQLite, PostgreSQL or MySQL. What its methods promise is written at the port.

    Every method may run twice, the first time with its answer lost on the way (see `repeating`). Those that only look
    are harmless. So are the sweep's: they take what is due, and what the lost run took is either done or due again
    later. At the others stands why.

    Args:
        url: of the database; opened on first use, in each process anew.
        keep_seconds: how long ended jobs are kept.
        faults: reached within the transaction that records a job.
        access: how the database is used.
        clock: SQL for the present in milliseconds since the epoch; left out, the database's clock.
    """

    def __init__(
        self,
        url: str,
        *,
        keep_seconds: float,
        faults: Faults,
        access: Access = USUAL,
        clock: ColumnElement[int] | None = None,
    ) -> None:
        self._database = Database(url, access)
        self._keep = milliseconds(keep_seconds)
        self._faults = faults
        self._turns = Turns()
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
        self._prepare_acceptance()
        self._prepare_changes()

    def _prepare_acceptance(self) -> None:
        # Each tells the time too, which would cost a round trip of its own.
        now = self._clock.label("now")
        self._standing = _JOB.add_columns(now).with_for_update(of=jobs)
        self._kept_original = _ORIGINAL.add_columns(now).with_for_update()
        self._discarded = select(IS_DISCARDED.label("discarded"), now)

    def _prepare_changes(self) -> None:
        soon: ColumnElement[int] = self._clock + bindparam("span", type_=BigInteger)
        ended = {"finished_at": self._clock, "expires_at": self._clock + self._keep, "lease_ends_at": None}
        # MySQL sets columns one after the other and would read what it has just set: none may be made of another.
        claiming = _OF_JOB.values(
            status=JobStatus.IN_PROGRESS,
            attempts=jobs.c.attempts + 1,
            started_at=func.coalesce(jobs.c.started_at, self._clock),
            send_at=None,
            lease=bindparam("new_lease"),
            lease_ends_at=soon,
        )
        self._claiming = claiming.where(
            jobs.c.status == JobStatus.PENDING, jobs.c.ready_at <= self._clock, jobs.c.turn.is_(None), Unflushed()
        )
        # Whoever is in line is PENDING and due.
        self._claiming_next = claiming.values(turn=OUT_OF_LINE)
        held = _OF_JOB.where(jobs.c.status == JobStatus.IN_PROGRESS, jobs.c.lease == bindparam("held"))
        self._renewing = held.where(Unflushed()).values(lease_ends_at=soon)
        self._finishing = held.values(status=JobStatus.SUCCESS, products=bindparam("text"), **ended)
        self._failing = held.values(status=JobStatus.FAILURE, failure=bindparam("text"), **ended)
        again = {"ready_at": soon, "send_at": soon, "sends": 0, "lease_ends_at": None}
        self._retrying = held.values(status=JobStatus.PENDING, attempts=jobs.c.attempts - 1, **again)

    def close(self) -> None:
        """Close this process's connections."""
        self._database.close()

    @repeated
    def find(self, token: UUID, owner: str) -> Job | None:
        """The owner's job, unless its keeping has run out."""
        with self._database.reading() as connection:
            row = connection.execute(self._owned, {"token": token, "owner": owner}).one_or_none()
        return read_job(row) if row else None

    @repeated
    def find_reusable(self, token: UUID, owner: str) -> Job | None:
        """The owner's job, if it answers the same request again as it is."""
        with self._database.reading() as connection:
            row = connection.execute(self._lasting, {"token": token, "owner": owner}).one_or_none()
        job = read_job(row) if row else None
        return None if job is None or job.replaceable else job

    @repeated
    def find_original(self, owner: str, sha256: str) -> Original | None:
        """The owner's image with this digest, if it is kept."""
        with self._database.reading() as connection:
            row = connection.execute(_ORIGINAL, {"owner": owner, "sha256": sha256}).one_or_none()
        return read_original(row) if row else None

    @repeated
    def accept(self, new: NewJob) -> Accepted | None:
        """Commit a job and its original, or say what stands in their place."""
        # A second run finds what the first has committed, and knows it by its results_id.
        #
        # A unique key that is taken means that another request recorded the same job or image since this one looked;
        # SQLite alone does not let them look at the same time.
        for _ in range(_ROUNDS):
            with suppress(IntegrityError):
                return self._accept(new)
        return self._accept(new)

    def _accept(self, new: NewJob) -> Accepted | None:
        with self._turns.joining(new) as turn_of_new, self._database.writing() as connection:
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

    def claim(self, token: UUID, lease_seconds: float) -> Claim | None:
        """PENDING → IN_PROGRESS under a new lease: the job, or the one whose turn it is."""
        lease, span = uuid4(), milliseconds(lease_seconds)
        values, wanted = {"new_lease": lease, "span": span}, token

        def run(again: bool) -> Row[Any] | None:
            nonlocal wanted
            with self._database.changing(durable=False) as connection:
                claimed = connection.execute(self._claiming, values | {"job": token}).rowcount == 1
                if claimed or again:
                    # A second run finds its own lease, if the first has claimed. Who lost it by now has no claim.
                    row = connection.execute(_CLAIMED, {"token": wanted, "held": lease}).one_or_none()
                    if row:
                        return row
            with self._database.writing(durable=False) as connection:
                following = next_in_line(connection)
                if following is None:
                    return None
                wanted = following
                connection.execute(self._claiming_next, values | {"job": wanted})
                return connection.execute(_CLAIMED, {"token": wanted, "held": lease}).one_or_none()

        row = self._database.repeat(run)
        return Claim(read_job(row), lease, (row.lease_ends_at - span - row.created_at) / 1000) if row else None

    @repeated
    def renew(self, token: UUID, lease: UUID, lease_seconds: float) -> bool:
        """Prolong a lease; False if it is no longer this worker's."""
        # A second run prolongs it again.
        renewal = {"job": token, "held": lease, "span": milliseconds(lease_seconds)}
        with self._database.changing(durable=False) as connection:
            return connection.execute(self._renewing, renewal).rowcount == 1

    def finish(self, token: UUID, lease: UUID, products: Sequence[Product]) -> bool:
        """IN_PROGRESS → SUCCESS; False if the lease is not this worker's."""
        return self._change(self._finishing, token, lease, JobStatus.SUCCESS, text=write_products(products))

    def fail(self, token: UUID, lease: UUID, failure: Failure) -> bool:
        """IN_PROGRESS → FAILURE; False if the lease is not this worker's."""
        return self._change(self._failing, token, lease, JobStatus.FAILURE, text=write_failure(failure))

    def retry(self, token: UUID, lease: UUID, delay_seconds: float) -> bool:
        """IN_PROGRESS → PENDING, due after a delay; False if the lease is not this worker's."""
        return self._change(self._retrying, token, lease, JobStatus.PENDING, span=milliseconds(delay_seconds))

    def _change(self, change: Update, token: UUID, lease: UUID, made: JobStatus, **values: object) -> bool:
        def run(again: bool) -> bool:
            with self._database.changing() as connection:
                held = {"job": token, "held": lease}
                if connection.execute(change, held | values).rowcount == 1:
                    return True
                # A job that a worker gave back or ended keeps the name of its lease: by it a second run knows the
                # change that the first has made.
                return again and connection.scalar(_MADE, held | {"made": made}) is not None

        return self._database.repeat(run)

    @repeated
    def erase(self, token: UUID, owner: str) -> Job | None:
        """Take the owner's job out, and list what only it needed as garbage."""
        # A second run finds a job REVOKED that had not ended, and none that had: as the client would who asks again.
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

    @repeated
    def backlog(self) -> Backlog:
        """How much work waits, of all owners."""
        with self._database.reading() as connection:
            row = connection.execute(self._waiting).one()
        return Backlog(row.pending, (row.now - row.oldest) / 1000 if row.pending else 0.0, row.held)

    @repeated
    def pending_in_turn(self, owner: str, limit: int) -> int:
        """How many of an owner's jobs wait for their turn, counted up to a limit."""
        with self._database.reading() as connection:
            return count_in_line(connection, owner, limit)

    @repeated
    def usage(self, name: str) -> Usage:
        """What a caller has used of his quota today."""
        with self._database.reading() as connection:
            return read_usage(connection, name, self._now(connection))

    @repeated
    def page(self, owner: str, cursor: str | None, limit: int) -> Page:
        """The owner's jobs, newest first. Raises MalformedRequest for a cursor that is not one."""
        wanted = select_jobs().where(jobs.c.owner == owner, self._visible)
        if cursor is not None:
            created_at, token = _read_cursor(cursor)
            # The first condition is all that an index is used for; of a pair (a, b) < (c, d) MySQL would use nothing.
            wanted = wanted.where(jobs.c.created_at <= created_at)
            wanted = wanted.where(or_(jobs.c.created_at < created_at, jobs.c.token < token))
        newest = wanted.order_by(jobs.c.created_at.desc(), jobs.c.token.desc())
        with self._database.reading() as connection:
            rows = connection.execute(newest.limit(limit + 1)).all()
        more = len(rows) > limit
        return Page(tuple(map(read_job, rows[:limit])), _write_cursor(rows[limit - 1]) if more else None)

    @repeated
    def release_expired(self, max_attempts: int, limit: int) -> Released:
        """End the leases that have run out."""
        with self._database.writing() as connection:
            now = self._now(connection)
            return upkeep.release_expired(connection, now, max_attempts=max_attempts, keep=self._keep, limit=limit)

    @repeated
    def take_due(self, first_seconds: int, limit: int) -> list[UUID]:
        """PENDING jobs whose time to be sent (again) has come."""
        with self._database.writing() as connection:
            return upkeep.take_due(connection, self._now(connection), first_seconds=first_seconds, limit=limit)

    @repeated
    def give_back(self, tokens: Sequence[UUID]) -> None:
        """Make jobs that could not be sent due again."""
        with self._database.writing() as connection:
            upkeep.give_back(connection, self._now(connection), tokens)

    @repeated
    def forget_expired(self, limit: int) -> int:
        """Remove ended jobs whose keeping has run out. Returns how many."""
        with self._database.writing() as connection:
            return upkeep.forget_expired(connection, self._now(connection), limit=limit)

    @repeated
    def take_garbage(self, limit: int, among: Sequence[str] | None = None) -> list[str]:
        """Keys of objects that no record needs any more."""
        with self._database.reading() as connection:
            return upkeep.take_garbage(connection, self._clock, limit=limit, among=among)

    @repeated
    def postpone_garbage(self, keys: Sequence[str], delay_seconds: float) -> None:
        """List keys for later, because their objects cannot be deleted now."""
        with self._database.writing() as connection:
            upkeep.postpone_garbage(connection, self._clock, keys, delay=milliseconds(delay_seconds))

    @repeated
    def drop_garbage(self, keys: Sequence[str]) -> None:
        """Strike out keys whose objects are gone."""
        with self._database.writing() as connection:
            upkeep.drop_garbage(connection, self._clock, keys)

    @repeated
    def give_up_originals(self, unused_seconds: float, limit: int) -> int:
        """Let go of originals that have not been used for so long. Returns how many."""
        with self._database.writing() as connection:
            now = self._now(connection)
            return give_up_originals(connection, now, unused=milliseconds(unused_seconds), limit=limit)

    @repeated
    def discard_unnamed(self, keys: Sequence[str]) -> int:
        """List those of the keys that no original has as garbage. Returns how many."""
        with self._database.writing() as connection:
            return discard_unnamed(connection, keys, self._now(connection))

    @repeated
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


def _is_over(job: Job, now: int) -> bool:
    return job.replaceable or (job.expires_at is not None and job.expires_at <= moment(now))


def _write_cursor(row: Row[Any]) -> str:
    return f"{row.created_at:x}-{row.token.hex}"


def _read_cursor(cursor: str) -> tuple[int, UUID]:
    match = _CURSOR.fullmatch(cursor)
    if not match:
        raise MalformedRequest("The cursor is not one that this service gave.")
    return int(match[1], 16), UUID(match[2])
