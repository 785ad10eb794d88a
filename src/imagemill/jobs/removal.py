"""Taking jobs out of the record. What then lies in the object store for nobody is listed as garbage, by key.

Every key is listed twice: due at once, and again when no one can use it any more. In between, a worker that lost its
job may still write an output, and a request that found an original before it was given up must learn that it was:
`IS_DISCARDED` says so. Each function runs within the caller's transaction, which locked the jobs already.

Locks are taken in this order, so that no two transactions wait for each other: one job, or several where locked ones
are passed over; then originals, by ascending id.
"""

import json
import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, bindparam, delete, exists, insert, select, update

from imagemill.domain.job import JobStatus
from imagemill.domain.keys import output_keys
from imagemill.errors import ImagemillError
from imagemill.jobs.clock import milliseconds
from imagemill.jobs.rows import NO_LEASE, read_job
from imagemill.jobs.tables import garbage, jobs, originals
from imagemill.jobs.turns import OUT_OF_LINE

log = logging.getLogger(__name__)

IS_DISCARDED = exists().where(garbage.c.key == bindparam("key"))
"""Whether a key has been given up."""

_UNENDED = jobs.c.status.in_([status for status in JobStatus if not status.terminal])

LATE_SECONDS = 3600
"""How long after its end someone may still act on a job as it was: far beyond any time limit of worker or request."""


def delete_jobs(connection: Connection, rows: Sequence[Row[Any]], now: int) -> None:
    """Delete jobs; their outputs become garbage. Call `release_originals` after it.

    Args:
        rows: of `select_jobs`, locked.
        now: the present, in milliseconds.
    """
    connection.execute(delete(jobs).where(jobs.c.token.in_([row.token for row in rows])))
    _discard_outputs(connection, rows, now)


def revoke_job(connection: Connection, row: Row[Any], now: int) -> None:
    """Make a job that has not ended REVOKED; its outputs become garbage. Call `release_originals` after it.

    The row stays for a while, so that who follows the job learns what became of it.
    """
    times = {"send_at": None, "turn": OUT_OF_LINE, "finished_at": now, "expires_at": now + milliseconds(LATE_SECONDS)}
    values = {"status": JobStatus.REVOKED} | times | NO_LEASE
    connection.execute(update(jobs).where(jobs.c.token == row.token).values(values))
    _discard_outputs(connection, [row], now)


def lock_originals(connection: Connection, ids: Collection[int]) -> None:
    """Lock originals in their order."""
    these = originals.c.id.in_(sorted(set(ids)))
    connection.execute(select(originals.c.id).where(these).order_by(originals.c.id).with_for_update())


def release_originals(connection: Connection, ids: Collection[int], now: int) -> None:
    """Give up those originals that no job needs any more; they become garbage.

    An erased job needs no bytes, but its row needs the original's row.
    """
    these = originals.c.id.in_(sorted(set(ids)))
    # Locked first and looked at afterwards: a request that just recorded a job with one of them held the same lock.
    lock_originals(connection, ids)
    unneeded = connection.execute(
        select(originals.c.id, originals.c.key).where(
            these, originals.c.kept, ~_has_jobs(jobs.c.status != JobStatus.REVOKED)
        )
    ).all()
    _give_up(connection, {row.id: row.key for row in unneeded}, now)
    connection.execute(delete(originals).where(these, originals.c.kept.is_(None), ~_has_jobs()))


def give_up_originals(connection: Connection, now: int, *, unused: int, limit: int) -> int:
    """Give up originals whose last job was accepted so many milliseconds ago; they become garbage. Returns how many.

    Those that a job still needs to end are passed over, and so are those that somebody is using just now.
    """
    old = select(originals.c.id).where(originals.c.used_at <= now - unused, originals.c.kept, ~_has_jobs(_UNENDED))
    old = old.order_by(originals.c.used_at).limit(limit).with_for_update(of=originals, skip_locked=True)
    # Locked first and looked at once more: a request may have recorded a job with one of them in between.
    ids = connection.scalars(old).all()
    still = select(originals.c.id, originals.c.key).where(originals.c.id.in_(ids), originals.c.kept)
    unneeded = connection.execute(still.where(~_has_jobs(_UNENDED))).all()
    _give_up(connection, {row.id: row.key for row in unneeded}, now)
    return len(unneeded)


def discard_unnamed(connection: Connection, keys: Collection[str], now: int) -> int:
    """Make garbage of those keys that no original has. Returns how many are new on the list."""
    named = connection.scalars(select(originals.c.key).where(originals.c.key.in_(keys)))
    listed = connection.scalars(select(garbage.c.key).where(garbage.c.key.in_(keys)))
    unnamed = set(keys).difference(named, listed)
    _discard(connection, sorted(unnamed), now)
    return len(unnamed)


def _discard_outputs(connection: Connection, rows: Sequence[Row[Any]], now: int) -> None:
    # Whatever they can make, made or not: the record does not know what an attempt that died has left.
    _discard(connection, [key for row in rows for key in _read_output_keys(row)], now)


def _read_output_keys(row: Row[Any]) -> Iterable[str]:
    try:
        return list(output_keys(read_job(row)))
    except (ImagemillError, ValueError, LookupError, TypeError, AttributeError):
        # Written by a later release that was taken back. One such job must not keep all others from going.
        log.warning("A job that this release cannot read is removed.", extra={"token": str(row.token)}, exc_info=True)
        return [product["key"] for product in json.loads(row.products or "[]")]


def _give_up(connection: Connection, keys: Mapping[int, str], now: int) -> None:
    if keys:
        connection.execute(update(originals).where(originals.c.id.in_(keys)).values(kept=None))
        _discard(connection, list(keys.values()), now)


def _has_jobs(*conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists().where(jobs.c.original_id == originals.c.id, *conditions)


def _discard(connection: Connection, keys: Sequence[str], now: int) -> None:
    if keys:
        dues = (now, now + milliseconds(LATE_SECONDS))
        connection.execute(insert(garbage), [{"key": key, "due_at": due} for key in keys for due in dues])
