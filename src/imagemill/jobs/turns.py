"""Turns: the order in which owners' jobs are worked, as columns of the record. Knows no broker and no worker.

Each job gets its turn when it is accepted: as far behind its owner's last one in line as it weighs, or behind the
first in line of all if its owner has none there. Workers take the lowest turn. So owners who have much waiting go
forward side by side, megapixel for megapixel, and who comes with little is next.

Source: self-clocked fair queueing (S. J. Golestani, INFOCOM 1994), with the first in line as the clock.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, bindparam, case, func, literal_column, select, update

from imagemill.domain.job import JobStatus, NewJob, Original
from imagemill.domain.work import weight
from imagemill.jobs.tables import jobs

_IN_LINE = jobs.c.turn >= literal_column("0")  # No parameter: the database must see that its index serves.
_OF_OWNER = jobs.c.owner == bindparam("owner")

_LAST = select(func.max(jobs.c.turn)).where(_OF_OWNER, _IN_LINE)
# Not those that go on at once because they had their turn before: they say nothing of where the line stands.
_FIRST = select(func.min(jobs.c.turn)).where(_IN_LINE, jobs.c.turn > 0)
_PLACES = select(_LAST.scalar_subquery().label("last"), _FIRST.scalar_subquery().label("first"))

_NEXT = (
    select(jobs.c.token, jobs.c.status)
    .where(_IN_LINE)
    .order_by(jobs.c.turn, jobs.c.created_at)
    .limit(1)
    .with_for_update(of=jobs, skip_locked=True)
)

_FEW = select(jobs.c.turn).where(_OF_OWNER, _IN_LINE).limit(bindparam("limit")).subquery()
_PENDING = select(func.count()).select_from(_FEW)

OUT_OF_LINE: ColumnElement[int | None] = case((jobs.c.turn >= 0, -1), else_=jobs.c.turn)
"""The turn of a job that leaves the line."""

_LEAVING = update(jobs).where(jobs.c.token == bindparam("job")).values(turn=OUT_OF_LINE)

BACK_IN_LINE: ColumnElement[int | None] = case((jobs.c.turn < 0, 0), else_=jobs.c.turn)
"""The turn of a job that is sent: one that had left the line and came back goes first."""


class Turns:
    """Gives jobs their turns.

    The jobs that other threads of this process are just recording are not seen in the database yet, but count.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lines: dict[str, _Line] = {}

    @contextmanager
    def joining(self, new: NewJob) -> Iterator[Callable[[Connection], int | None]]:
        """While a job is recorded: a function that reads which turn it gets; None where there is one owner only."""
        if not new.in_turn:
            yield lambda _: None
            return
        owner = new.original.owner
        with self._lock:
            line = self._lines.setdefault(owner, _Line())
            line.joining += 1
        try:
            yield lambda connection: self._join(connection, line, new.original)
        finally:
            with self._lock:
                line.joining -= 1
                if not line.joining:
                    del self._lines[owner]

    def _join(self, connection: Connection, line: "_Line", original: Original) -> int:
        last, first = connection.execute(_PLACES, {"owner": original.owner}).one()
        with self._lock:
            # Once none of the owner's is in line, what this process remembers of him is of the past.
            own = max(last, line.latest) if last else 0
            # The first in line weighs one at least, and goes ahead of whoever comes later and has the same turn.
            line.latest = max(own, (first or 1) - 1) + weight(original.header)
            return line.latest


@dataclass
class _Line:
    """One owner's jobs that are being recorded: how many, and the latest turn that one got."""

    joining: int = 0
    latest: int = 0


def next_in_line(connection: Connection) -> UUID | None:
    """The token of the job whose turn it is, locked; None if there is none."""
    while row := connection.execute(_NEXT).one_or_none():
        if row.status == JobStatus.PENDING:
            token: UUID = row.token
            return token
        # A worker of the release that knew no turns has claimed it, and left it in line.
        connection.execute(_LEAVING, {"job": row.token})
    return None


def count_in_line(connection: Connection, owner: str, limit: int) -> int:
    """How many of an owner's jobs are in line, counted up to a limit."""
    return connection.scalar(_PENDING, {"owner": owner, "limit": limit}) or 0
