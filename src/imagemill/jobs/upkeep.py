"""The record's part of the sweep. Each function takes a bounded batch within the caller's transaction.

Rows are locked as they are selected and locked ones are passed over, so that sweeps at the same time take different
rows. SQLite needs neither: there the whole transaction is alone.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Row, Select, bindparam, delete, select, update

from imagemill.domain.job import Failure, JobStatus, resend_delay_seconds
from imagemill.domain.ports import Released
from imagemill.errors import WorkerLost
from imagemill.jobs.clock import milliseconds
from imagemill.jobs.removal import delete_jobs, release_originals
from imagemill.jobs.rows import NO_LEASE, select_jobs, write_failure
from imagemill.jobs.tables import garbage, jobs
from imagemill.jobs.turns import BACK_IN_LINE


def release_expired(connection: Connection, now: int, *, max_attempts: int, keep: int, limit: int) -> Released:
    """End the leases that have run out.

    Args:
        now: the present, in milliseconds, as everywhere in this module.
        max_attempts: claims after which a job fails.
        keep: milliseconds that a failed job is kept.
        limit: jobs at most.
    """
    rows = _take(connection, select(jobs.c.token, jobs.c.attempts), jobs.c.lease_ends_at, now, limit)
    returned = tuple(row.token for row in rows if row.attempts < max_attempts)
    lost = tuple(row.token for row in rows if row.attempts >= max_attempts)
    _update(connection, returned, status=JobStatus.PENDING, ready_at=now, send_at=now, sends=0)
    failure = write_failure(Failure.of(WorkerLost()))
    _update(connection, lost, status=JobStatus.FAILURE, failure=failure, finished_at=now, expires_at=now + keep)
    return Released(returned, lost)


def take_due(connection: Connection, now: int, *, first_seconds: int, limit: int) -> list[UUID]:
    """Choose waiting jobs that have to be sent (again), and set the next time."""
    rows = _take(connection, select(jobs.c.token, jobs.c.sends), jobs.c.send_at, now, limit)
    if rows:
        statement = update(jobs).where(jobs.c.token == bindparam("job"))
        statement = statement.values(sends=jobs.c.sends + 1, turn=BACK_IN_LINE)
        delays = ((row.token, milliseconds(resend_delay_seconds(row.sends, first_seconds))) for row in rows)
        connection.execute(statement, [{"job": token, "send_at": now + delay} for token, delay in delays])
    return [row.token for row in rows]


def give_back(connection: Connection, now: int, tokens: Sequence[UUID]) -> None:
    """Undo `take_due` for jobs that could not be sent. What has become of them meanwhile stays: then `sends` is 0."""
    waiting = (jobs.c.status == JobStatus.PENDING) & (jobs.c.sends > 0)
    statement = update(jobs).where(jobs.c.token.in_(tokens), waiting)
    connection.execute(statement.values(sends=jobs.c.sends - 1, send_at=now))


def forget_expired(connection: Connection, now: int, *, limit: int) -> int:
    """Remove jobs whose keeping has run out."""
    rows = _take(connection, select_jobs(), jobs.c.expires_at, now, limit)
    if rows:
        delete_jobs(connection, rows, now)
        release_originals(connection, [row.original_id for row in rows], now)
    return len(rows)


def take_garbage(
    connection: Connection, now: ColumnElement[int], *, limit: int, among: Sequence[str] | None
) -> list[str]:
    """Keys that are due to be deleted from the object store, each once."""
    due = select(garbage.c.key).where(garbage.c.due_at <= now).order_by(garbage.c.due_at).limit(limit)
    if among is not None:
        due = due.where(garbage.c.key.in_(among))
    return list(dict.fromkeys(connection.scalars(due)))


def drop_garbage(connection: Connection, now: ColumnElement[int], keys: Sequence[str]) -> None:
    """Strike out keys; where they are listed for later they stay."""
    connection.execute(delete(garbage).where(garbage.c.key.in_(keys), garbage.c.due_at <= now))


def postpone_garbage(connection: Connection, now: ColumnElement[int], keys: Sequence[str], *, delay: int) -> None:
    """Make due keys due again after a delay, in milliseconds."""
    due = update(garbage).where(garbage.c.key.in_(keys), garbage.c.due_at <= now)
    connection.execute(due.values(due_at=now + delay))


def _take(
    connection: Connection, columns: Select[Any], time: ColumnElement[int], now: int, limit: int
) -> Sequence[Row[Any]]:
    due = columns.where(time <= now).order_by(time).limit(limit)
    return connection.execute(due.with_for_update(of=jobs, skip_locked=True)).all()


def _update(connection: Connection, tokens: Sequence[UUID], **values: object) -> None:
    if tokens:
        connection.execute(update(jobs).where(jobs.c.token.in_(tokens)).values(values | NO_LEASE))
