"""The record in memory: the port's rules in the plainest form, for flow tests and as the model of the real stores."""

import hashlib
import math
import secrets
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from imagemill.domain.formats import ImageFormat
from imagemill.domain.geometry import Size
from imagemill.domain.header import Header
from imagemill.domain.job import (
    Failure,
    Job,
    JobStatus,
    NewJob,
    Original,
    Product,
    make_token,
    resend_delay_seconds,
    token_namespace,
)
from imagemill.domain.keys import original_key, output_keys
from imagemill.domain.ports import LAST_OF_KEEPING, Accepted, Backlog, Claim, Page, Released
from imagemill.domain.recipe import Recipe
from imagemill.domain.work import Charge, Usage, weight
from imagemill.errors import MalformedRequest, RecordUnavailable, WorkerLost

LATE_SECONDS = 3600
SIZE = Size(640, 480)


def new_job(
    image: str = "an image",
    *,
    owner: str = "ada",
    width: int = 100,
    original: Original | None = None,
    size: Size = SIZE,
    charge: Charge | None = None,
    in_turn: bool = False,
) -> NewJob:
    """A job as intake makes it: a fresh key for the original, unless one was found, and a fresh results_id."""
    sha256 = hashlib.sha256(image.encode()).hexdigest()
    header = Header(ImageFormat.PNG, size, frames=1, alpha=True)
    stored = Original(owner, sha256, original_key(sha256, secrets.token_hex(8)), len(image), header)
    recipe = Recipe.parse({"outputs": [{"name": "small", "width": width}, {"name": "large", "width": 2 * width}]})
    token = make_token(token_namespace("secret"), owner, sha256, recipe)
    return NewJob(token, recipe, original or stored, secrets.token_hex(16), charge=charge, in_turn=in_turn)


def products(job: Job) -> list[Product]:
    """What a worker makes of a job."""
    names = [output.name for output in job.recipe.outputs]
    keys = output_keys(job)
    return [Product(name, key, ImageFormat.PNG, Size(10, 20), 300) for name, key in zip(names, keys, strict=True)]


@dataclass
class _Row:
    job: Job
    order: int
    ready_at: float
    send_at: float
    sends: int = 0
    turn: int | None = None
    lease: UUID | None = None
    lease_until: float = 0.0


class MemoryJobStore:
    """A `JobStore` whose clock stands still until a test moves `now` (seconds since the epoch).

    While `away` is set every call raises RecordUnavailable.
    """

    def __init__(self, *, keep_seconds: float = 30 * 86_400.0) -> None:
        self.now = 1_800_000_000.0
        self.away = False
        self._keep_seconds = keep_seconds
        self._rows: dict[UUID, _Row] = {}
        self._originals: dict[tuple[str, str], Original] = {}
        self._garbage: list[tuple[float, str]] = []
        self._used: dict[str, float] = {}
        self._charges: dict[tuple[str, int], int] = {}
        self._accepted = 0
        self._lock = threading.RLock()

    def find(self, token: UUID, owner: str) -> Job | None:
        with self._answering():
            row = self._rows.get(token)
            return row.job if row and row.job.owner == owner and not self._expired(row) else None

    def find_reusable(self, token: UUID, owner: str) -> Job | None:
        job = self.find(token, owner)
        return None if job is None or job.replaceable or self._nearly_expired(job) else job

    def find_original(self, owner: str, sha256: str) -> Original | None:
        with self._answering():
            return self._originals.get((owner, sha256))

    def accept(self, new: NewJob) -> Accepted | None:
        with self._answering():
            row = self._rows.get(new.token)
            if row and not row.job.replaceable and not self._expired(row):
                if self._nearly_expired(row.job):
                    row.job = replace(row.job, expires_at=self._moment(later_seconds=self._keep_seconds))
                return Accepted(row.job, reused=True)
            place = (new.original.owner, new.original.sha256)
            recorded = self._originals.get(place)
            if recorded and recorded.key != new.original.key:
                return None
            if not recorded and any(key == new.original.key for _, key in self._garbage):
                return None
            if new.charge:
                new.charge.check(self.usage(new.charge.name))
                used = (new.charge.name, self._today)
                self._charges[used] = self._charges.get(used, 0) + new.charge.pixels
            self._originals[place] = recorded or new.original
            self._used[new.original.key] = self.now
            if row:
                del self._rows[new.token]
                self._discard(*output_keys(row.job))
            job = Job(
                token=new.token,
                owner=new.original.owner,
                status=JobStatus.PENDING,
                recipe=new.recipe,
                original=self._originals[place],
                results_id=new.results_id,
                attempts=0,
                products=(),
                failure=None,
                created_at=self._moment(),
                started_at=None,
                finished_at=None,
                expires_at=None,
            )
            self._accepted += 1
            row = _Row(job, self._accepted, self.now, self.now + new.send_after_seconds)
            if new.in_turn:
                own = [other.turn for other in self._line() if other.job.owner == job.owner]
                all_turns = [other.turn for other in self._line() if other.turn]
                row.turn = max(max(own, default=0), min(all_turns, default=1) - 1) + weight(job.original.header)
            self._rows[new.token] = row
            return Accepted(job, reused=False)

    def claim(self, token: UUID, lease_seconds: float) -> Claim | None:
        with self._answering():
            row = self._rows.get(token)
            if not row or row.turn is not None or not self._due(row):
                row = next(iter(self._line()), None)
            if not row:
                return None
            row.turn = None if row.turn is None else -1
            row.lease, row.lease_until = uuid4(), self.now + lease_seconds
            row.job = replace(
                row.job,
                status=JobStatus.IN_PROGRESS,
                attempts=row.job.attempts + 1,
                started_at=row.job.started_at or self._moment(),
            )
            return Claim(row.job, row.lease, self.now - row.job.created_at.timestamp())

    def renew(self, token: UUID, lease: UUID, lease_seconds: float) -> bool:
        with self._answering():
            row = self._held(token, lease)
            if row:
                row.lease_until = self.now + lease_seconds
            return row is not None

    def finish(self, token: UUID, lease: UUID, products: Sequence[Product]) -> bool:
        with self._answering():
            row = self._held(token, lease)
            if row:
                row.job = replace(row.job, products=tuple(products))
                self._end(row, JobStatus.SUCCESS, self._keep_seconds)
            return row is not None

    def fail(self, token: UUID, lease: UUID, failure: Failure) -> bool:
        with self._answering():
            row = self._held(token, lease)
            if row:
                row.job = replace(row.job, failure=failure)
                self._end(row, JobStatus.FAILURE, self._keep_seconds)
            return row is not None

    def retry(self, token: UUID, lease: UUID, delay_seconds: float) -> bool:
        with self._answering():
            row = self._held(token, lease)
            if row:
                row.job = replace(row.job, attempts=row.job.attempts - 1)
                self._return(row, delay_seconds)
            return row is not None

    def backlog(self) -> Backlog:
        with self._answering():
            waiting = [row.job for row in self._rows.values() if row.job.status is JobStatus.PENDING]
            oldest = min((job.created_at.timestamp() for job in waiting), default=self.now)
            held = sum(row.job.status is JobStatus.IN_PROGRESS for row in self._rows.values())
            return Backlog(len(waiting), self.now - oldest, held)

    def pending_in_turn(self, owner: str, limit: int) -> int:
        with self._answering():
            return min(limit, sum(row.job.owner == owner for row in self._line()))

    def usage(self, name: str) -> Usage:
        with self._answering():
            ends = (self._today + 1) * 86_400
            used = self._charges.get((name, self._today), 0)
            return Usage(used, datetime.fromtimestamp(ends, UTC), math.ceil(ends - self.now))

    def erase(self, token: UUID, owner: str) -> Job | None:
        with self._answering():
            before = self.find(token, owner)
            if before is None or before.status is JobStatus.REVOKED:
                return before
            self._discard(*output_keys(before))
            if before.status.terminal:
                del self._rows[token]
            else:
                self._rows[token].turn = None if self._rows[token].turn is None else -1
                self._end(self._rows[token], JobStatus.REVOKED, LATE_SECONDS)
            self._release(before.original)
            return before

    def page(self, owner: str, cursor: str | None, limit: int) -> Page:
        if cursor is not None and not cursor.isdecimal():
            raise MalformedRequest("The cursor is not one that this service gave.")
        with self._answering():
            last = int(cursor) if cursor else self._accepted + 1
            rows = [row for row in self._rows.values() if row.job.owner == owner and not self._expired(row)]
            rows = sorted((row for row in rows if row.order < last), key=lambda row: -row.order)
            more = len(rows) > limit
            return Page(tuple(row.job for row in rows[:limit]), str(rows[limit - 1].order) if more else None)

    def release_expired(self, max_attempts: int, limit: int) -> Released:
        with self._answering():
            rows = [row for row in self._rows.values() if row.lease and row.lease_until <= self.now]
            rows = sorted(rows, key=lambda row: row.lease_until)[:limit]
            lost = [row for row in rows if row.job.attempts >= max_attempts]
            returned = [row for row in rows if row.job.attempts < max_attempts]
            for row in returned:
                self._return(row, 0)
            for row in lost:
                row.job = replace(row.job, failure=Failure.of(WorkerLost()))
                self._end(row, JobStatus.FAILURE, self._keep_seconds)
            return Released(tuple(row.job.token for row in returned), tuple(row.job.token for row in lost))

    def take_due(self, first_seconds: int, limit: int) -> list[UUID]:
        with self._answering():
            rows = [row for row in self._rows.values() if row.job.status is JobStatus.PENDING]
            due = sorted((row for row in rows if row.send_at <= self.now), key=lambda row: row.send_at)[:limit]
            for row in due:
                row.send_at = self.now + resend_delay_seconds(row.sends, first_seconds)
                row.sends += 1
                row.turn = 0 if row.turn == -1 else row.turn
            return [row.job.token for row in due]

    def give_back(self, tokens: Sequence[UUID]) -> None:
        with self._answering():
            for row in filter(None, map(self._rows.get, tokens)):
                if row.job.status is JobStatus.PENDING and row.sends > 0:
                    row.sends -= 1
                    row.send_at = self.now

    def forget_expired(self, limit: int) -> int:
        with self._answering():
            gone = [row.job for row in self._rows.values() if self._expired(row)][:limit]
            for job in gone:
                del self._rows[job.token]
                self._discard(*output_keys(job))
                self._release(job.original)
            return len(gone)

    def take_garbage(self, limit: int, among: Sequence[str] | None = None) -> list[str]:
        with self._answering():
            due = (key for due, key in sorted(self._garbage) if due <= self.now and (among is None or key in among))
            return list(dict.fromkeys(due))[:limit]

    def postpone_garbage(self, keys: Sequence[str], delay_seconds: float) -> None:
        with self._answering():
            self._garbage = [
                (self.now + delay_seconds if due <= self.now and key in keys else due, key)
                for due, key in self._garbage
            ]

    def drop_garbage(self, keys: Sequence[str]) -> None:
        with self._answering():
            self._garbage = [(due, key) for due, key in self._garbage if due > self.now or key not in keys]

    def give_up_originals(self, unused_seconds: float, limit: int) -> int:
        with self._answering():
            needed = {row.job.original.key for row in self._rows.values() if not row.job.status.terminal}
            old = [
                place
                for place, original in self._originals.items()
                if original.key not in needed and self._used[original.key] <= self.now - unused_seconds
            ][:limit]
            for place in old:
                self._discard(self._originals.pop(place).key)
            return len(old)

    def discard_unnamed(self, keys: Sequence[str]) -> int:
        with self._answering():
            originals = (*self._originals.values(), *(row.job.original for row in self._rows.values()))
            known = {*(original.key for original in originals), *(key for _, key in self._garbage)}
            unnamed = set(keys) - known
            self._discard(*unnamed)
            return len(unnamed)

    def check(self) -> None:
        with self._answering():
            pass

    def jobs(self) -> Iterator[Job]:
        """Every job in the record, for tests that look at all of them."""
        return iter([row.job for row in self._rows.values()])

    def original_keys(self) -> set[str]:
        """The keys of all originals that are kept."""
        return {original.key for original in self._originals.values()}

    def discard(self, *keys: str) -> None:
        """Make garbage of keys, as erasing a job does."""
        self._discard(*keys)

    @contextmanager
    def _answering(self) -> Iterator[None]:
        if self.away:
            raise RecordUnavailable
        with self._lock:
            yield

    @property
    def _today(self) -> int:
        return int(self.now // 86_400)

    def _due(self, row: _Row) -> bool:
        return row.job.status is JobStatus.PENDING and row.ready_at <= self.now

    def _line(self) -> list[_Row]:
        line = (row for row in self._rows.values() if row.turn is not None and row.turn >= 0)
        return sorted(line, key=lambda row: (row.turn, row.job.created_at, row.order))

    def _moment(self, later_seconds: float = 0) -> datetime:
        return datetime.fromtimestamp(self.now, UTC) + timedelta(seconds=later_seconds)

    def _expired(self, row: _Row) -> bool:
        return row.job.expires_at is not None and row.job.expires_at <= self._moment()

    def _nearly_expired(self, job: Job) -> bool:
        last = self._moment(later_seconds=self._keep_seconds * LAST_OF_KEEPING)
        return job.expires_at is not None and job.expires_at <= last

    def _held(self, token: UUID, lease: UUID) -> _Row | None:
        row = self._rows.get(token)
        return row if row and row.lease == lease else None

    def _end(self, row: _Row, status: JobStatus, keep_seconds: float) -> None:
        row.lease = None
        row.job = replace(
            row.job, status=status, finished_at=self._moment(), expires_at=self._moment(later_seconds=keep_seconds)
        )

    def _return(self, row: _Row, delay_seconds: float) -> None:
        row.lease, row.sends = None, 0
        row.ready_at = row.send_at = self.now + delay_seconds
        row.job = replace(row.job, status=JobStatus.PENDING)

    def _discard(self, *keys: str) -> None:
        self._garbage += [(self.now + delay, key) for key in keys for delay in (0, LATE_SECONDS)]

    def _release(self, original: Original) -> None:
        place = (original.owner, original.sha256)
        users = (row.job for row in self._rows.values() if row.job.status is not JobStatus.REVOKED)
        if self._originals.get(place) == original and not any(job.original == original for job in users):
            del self._originals[place]
            self._discard(original.key)
