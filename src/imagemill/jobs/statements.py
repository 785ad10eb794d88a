"""The statements of the record's hot path, built once: to build one costs more than SQLite needs to run it."""

from sqlalchemy import BigInteger, ColumnElement, bindparam, func, or_, select, update

from imagemill.domain.job import JobStatus
from imagemill.jobs.flush import Unflushed
from imagemill.jobs.rows import select_jobs
from imagemill.jobs.tables import jobs, originals
from imagemill.jobs.turns import OUT_OF_LINE

JOB = select_jobs().where(jobs.c.token == bindparam("token"))
CLAIMED = JOB.where(jobs.c.lease == bindparam("held"))
ORIGINAL = select(originals).where(
    originals.c.owner == bindparam("owner"), originals.c.sha256 == bindparam("sha256"), originals.c.kept
)
CHANGE_JOB = update(jobs).where(jobs.c.token == bindparam("job"))
MADE = select(jobs.c.token).where(
    jobs.c.token == bindparam("job"), jobs.c.lease == bindparam("held"), jobs.c.status == bindparam("made")
)


class Looks:
    """What is asked of the record.

    Args:
        clock: SQL for the present, in milliseconds since the epoch.
        last: the end of a job's keeping in which it does not answer a request again, in milliseconds.
    """

    def __init__(self, clock: ColumnElement[int], *, last: int) -> None:
        self.present = select(clock)
        # PENDING is what has a time to be sent, IN_PROGRESS what has a lease; these columns have an index, and the
        # status none. A comparison, since SQLite takes no index for IS NOT NULL.
        held = select(func.count()).where(jobs.c.lease_ends_at > 0).scalar_subquery()
        self.waiting = select(
            func.count().label("pending"),
            func.min(jobs.c.created_at).label("oldest"),
            clock.label("now"),
            held.label("held"),
        ).where(jobs.c.send_at > 0)
        self.visible = or_(jobs.c.expires_at.is_(None), jobs.c.expires_at > clock)
        self.owned = JOB.where(jobs.c.owner == bindparam("owner"), self.visible)
        long_kept = or_(jobs.c.expires_at.is_(None), jobs.c.expires_at > clock + last)
        self.lasting = self.owned.where(long_kept)


class Changes:
    """What a worker does to a job's row.

    Args:
        clock: SQL for the present, in milliseconds since the epoch.
        keep: how long ended jobs are kept, in milliseconds.
    """

    def __init__(self, clock: ColumnElement[int], *, keep: int) -> None:
        soon: ColumnElement[int] = clock + bindparam("span", type_=BigInteger)
        ended = {"finished_at": clock, "expires_at": clock + keep, "lease_ends_at": None}
        # MySQL sets columns one after the other and would read what it has just set: none may be made of another.
        claiming = CHANGE_JOB.values(
            status=JobStatus.IN_PROGRESS,
            attempts=jobs.c.attempts + 1,
            started_at=func.coalesce(jobs.c.started_at, clock),
            send_at=None,
            lease=bindparam("new_lease"),
            lease_ends_at=soon,
        )
        self.claiming = claiming.where(
            jobs.c.status == JobStatus.PENDING, jobs.c.ready_at <= clock, jobs.c.turn.is_(None), Unflushed()
        )
        # Whoever is in line is PENDING and due.
        self.claiming_next = claiming.values(turn=OUT_OF_LINE)
        held = CHANGE_JOB.where(jobs.c.status == JobStatus.IN_PROGRESS, jobs.c.lease == bindparam("held"))
        self.renewing = held.where(Unflushed()).values(lease_ends_at=soon)
        self.finishing = held.values(status=JobStatus.SUCCESS, products=bindparam("text"), **ended)
        self.failing = held.values(status=JobStatus.FAILURE, failure=bindparam("text"), **ended)
        again = {"ready_at": soon, "send_at": soon, "sends": 0, "lease_ends_at": None}
        self.retrying = held.values(status=JobStatus.PENDING, attempts=jobs.c.attempts - 1, **again)
