"""The record as the flows see it. Each change is one conditional update; one row changed or none is the answer."""

import re
from collections.abc import Sequence
from contextlib import suppress
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, Connection, Row, Update, or_
from sqlalchemy.exc import IntegrityError

from imagemill.domain.job import Failure, Job, JobStatus, NewJob, Original, Product
from imagemill.domain.ports import LAST_OF_KEEPING, Accepted, Backlog, Claim, Faults, Page, Released
from imagemill.domain.work import Usage
from imagemill.errors import MalformedRequest, NewerRecord, RecordUnavailable
from imagemill.jobs import upkeep
from imagemill.jobs.acceptance import Acceptance
from imagemill.jobs.access import USUAL, Access
from imagemill.jobs.clock import DatabaseClock, milliseconds
from imagemill.jobs.database import Database, repeated
from imagemill.jobs.quotas import read_usage
from imagemill.jobs.removal import delete_jobs, discard_unnamed, give_up_originals, release_originals, revoke_job
from imagemill.jobs.revision import revision, serves
from imagemill.jobs.rows import read_job, read_original, select_jobs, write_failure, write_products
from imagemill.jobs.statements import CLAIMED, MADE, ORIGINAL, Changes, Looks
from imagemill.jobs.tables import jobs
from imagemill.jobs.turns import Turns, count_in_line, next_in_line

_ROUNDS = 5

_NEWER_RETRY_SECONDS = 15
_NEWER_PATIENCE_SECONDS = 3600
"""How long a job waits for a worker of the later release that accepted it. If there is none any more, it has to end."""

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
        self._turns = Turns()
        self._clock = DatabaseClock() if clock is None else clock
        last = milliseconds(keep_seconds * LAST_OF_KEEPING)
        self._looks = Looks(self._clock, last=last)
        self._changes = Changes(self._clock, keep=self._keep)
        self._acceptance = Acceptance(self._clock, keep=self._keep, last=last, faults=faults)

    def close(self) -> None:
        """Close this process's connections."""
        self._database.close()

    @repeated
    def find(self, token: UUID, owner: str) -> Job | None:
        """The owner's job, unless its keeping has run out."""
        with self._database.reading() as connection:
            row = connection.execute(self._looks.owned, {"token": token, "owner": owner}).one_or_none()
        return read_job(row) if row else None

    @repeated
    def find_reusable(self, token: UUID, owner: str) -> Job | None:
        """The owner's job, if it answers the same request again as it is."""
        with self._database.reading() as connection:
            row = connection.execute(self._looks.lasting, {"token": token, "owner": owner}).one_or_none()
        job = read_job(row) if row else None
        return None if job is None or job.replaceable else job

    @repeated
    def find_original(self, owner: str, sha256: str) -> Original | None:
        """The owner's image with this digest, if it is kept."""
        with self._database.reading() as connection:
            row = connection.execute(ORIGINAL, {"owner": owner, "sha256": sha256}).one_or_none()
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
            return self._acceptance.accept(connection, new, turn_of_new)

    def claim(self, token: UUID, lease_seconds: float) -> Claim | None:
        """PENDING → IN_PROGRESS under a new lease: the job, or the one whose turn it is."""
        lease, span = uuid4(), milliseconds(lease_seconds)
        values, wanted = {"new_lease": lease, "span": span}, token

        def run(again: bool) -> Row[Any] | None:
            nonlocal wanted
            with self._database.changing(durable=False) as connection:
                claimed = connection.execute(self._changes.claiming, values | {"job": token}).rowcount == 1
                if claimed or again:
                    # A second run finds its own lease, if the first has claimed. Who lost it by now has no claim.
                    row = connection.execute(CLAIMED, {"token": wanted, "held": lease}).one_or_none()
                    if row:
                        return row
            with self._database.writing(durable=False) as connection:
                following = next_in_line(connection)
                if following is None:
                    return None
                wanted = following
                connection.execute(self._changes.claiming_next, values | {"job": wanted})
                return connection.execute(CLAIMED, {"token": wanted, "held": lease}).one_or_none()

        row = self._database.repeat(run)
        return self._read_claim(row, lease, (row.lease_ends_at - span - row.created_at) / 1000) if row else None

    def _read_claim(self, row: Row[Any], lease: UUID, age_seconds: float) -> Claim:
        try:
            return Claim(read_job(row), lease, age_seconds)
        except NewerRecord as error:
            if age_seconds < _NEWER_PATIENCE_SECONDS:
                self.retry(row.token, lease, _NEWER_RETRY_SECONDS)
            else:
                self.fail(row.token, lease, Failure.of(error))
            raise

    @repeated
    def renew(self, token: UUID, lease: UUID, lease_seconds: float) -> bool:
        """Prolong a lease; False if it is no longer this worker's."""
        # A second run prolongs it again.
        renewal = {"job": token, "held": lease, "span": milliseconds(lease_seconds)}
        with self._database.changing(durable=False) as connection:
            return connection.execute(self._changes.renewing, renewal).rowcount == 1

    def finish(self, token: UUID, lease: UUID, products: Sequence[Product]) -> bool:
        """IN_PROGRESS → SUCCESS; False if the lease is not this worker's."""
        return self._change(self._changes.finishing, token, lease, JobStatus.SUCCESS, text=write_products(products))

    def fail(self, token: UUID, lease: UUID, failure: Failure) -> bool:
        """IN_PROGRESS → FAILURE; False if the lease is not this worker's."""
        return self._change(self._changes.failing, token, lease, JobStatus.FAILURE, text=write_failure(failure))

    def retry(self, token: UUID, lease: UUID, delay_seconds: float) -> bool:
        """IN_PROGRESS → PENDING, due after a delay; False if the lease is not this worker's."""
        return self._change(self._changes.retrying, token, lease, JobStatus.PENDING, span=milliseconds(delay_seconds))

    def _change(self, change: Update, token: UUID, lease: UUID, made: JobStatus, **values: object) -> bool:
        def run(again: bool) -> bool:
            with self._database.changing() as connection:
                held = {"job": token, "held": lease}
                if connection.execute(change, held | values).rowcount == 1:
                    return True
                # A job that a worker gave back or ended keeps the name of its lease: by it a second run knows the
                # change that the first has made, or that its heart has made of the same job.
                return again and connection.scalar(MADE, held | {"made": made}) is not None

        return self._database.repeat(run)

    @repeated
    def erase(self, token: UUID, owner: str) -> Job | None:
        """Take the owner's job out, and list what only it needed as garbage."""
        # A second run finds a job REVOKED that had not ended, and none that had: as the client would who asks again.
        with self._database.writing() as connection:
            now = self._now(connection)
            owned = self._looks.owned.with_for_update(of=jobs)
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
            row = connection.execute(self._looks.waiting).one()
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
        wanted = select_jobs().where(jobs.c.owner == owner, self._looks.visible)
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
            if not serves(revision(connection)):
                raise RecordUnavailable("The database's tables are not of this release.")

    def _now(self, connection: Connection) -> int:
        return connection.execute(self._looks.present).scalar_one()


def _write_cursor(row: Row[Any]) -> str:
    return f"{row.created_at:x}-{row.token.hex}"


def _read_cursor(cursor: str) -> tuple[int, UUID]:
    match = _CURSOR.fullmatch(cursor)
    if not match:
        raise MalformedRequest("The cursor is not one that this service gave.")
    return int(match[1], 16), UUID(match[2])
