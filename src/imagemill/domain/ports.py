"""What the flows need from the outside, as Protocols. Adapters implement them; `wiring` picks the adapters.

An adapter raises errors of `imagemill.errors` only; what its library raises stops at the adapter.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import BinaryIO, Literal, Protocol
from uuid import UUID

from imagemill.domain.formats import ImageFormat
from imagemill.domain.geometry import Size
from imagemill.domain.header import Header
from imagemill.domain.job import Failure, Job, JobStatus, NewJob, Original, Product
from imagemill.domain.rate import Rate, Standing
from imagemill.domain.recipe import Recipe
from imagemill.domain.work import Usage

Bytes = bytes | bytearray | memoryview
"""Bytes in memory or mapped from disk, not to be changed."""


@dataclass(frozen=True, slots=True)
class ObjectStat:
    """What the store knows of an object without reading it.

    Args:
        bytes: its size.
        modified_at: when it was put, UTC, to the second or finer.
    """

    bytes: int
    modified_at: datetime


class ObjectStore(Protocol):
    """Keeps bytes under keys. A key's grammar is in `domain/keys.py`; any other key is a ValueError.

    Raises:
        StoreUnavailable: the store does not answer, has no room, or refuses.
    """

    def put(self, key: str, data: Bytes) -> None:
        """Store all of the bytes or nothing; when it returns, they survive a power cut. Replaces what was there."""
        ...

    def get(self, key: str) -> Bytes | None:
        """All bytes of an object, perhaps mapped from disk; None if there is none."""
        ...

    def stat(self, key: str) -> ObjectStat | None:
        """Size and time of an object; None if there is none."""
        ...

    def open(self, key: str) -> BinaryIO | None:
        """A seekable reader of an object, to be closed by the caller; None if there is none. Loads what is read."""
        ...

    def link(self, key: str, seconds: int, method: Literal["GET", "HEAD"] = "GET") -> str | None:
        """A URL under which anybody can fetch the object from the store itself, for so long from now on.

        Says nothing of whether it is there. None if the store is not one that can be asked over HTTP.

        Args:
            seconds: at most a week, which is S3's limit.
            method: that the URL is good for.
        """
        ...

    def delete(self, key: str) -> None:
        """Remove an object; nothing happens if there is none."""
        ...

    def list_originals(self, shard: str, older_than_seconds: float) -> Iterator[str]:
        """Keys of the originals in a shard that were put longer ago than this, in no order.

        Args:
            shard: two hexadecimal digits, the first of the digests.
            older_than_seconds: by the store's own clock.
        """
        ...

    def check(self) -> None:
        """Raise StoreUnavailable unless the store can be written to right now."""
        ...


LAST_OF_KEEPING = 0.01
"""The part of a job's keeping, its end, in which the same request prolongs it: who is told of a job now must be able
to fetch it for more than a moment."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """What the record answers to a new job.

    Args:
        job: the job that stands in the record now.
        reused: True if it stood there before, so that there is nothing to send.
    """

    job: Job
    reused: bool


@dataclass(frozen=True, slots=True)
class Claim:
    """A worker's right to write a job's record.

    Args:
        job: as claimed; `attempts` counts this one.
        lease: the right's name; a later claim has another.
        age_seconds: how long ago the job was accepted.
    """

    job: Job
    lease: UUID
    age_seconds: float


@dataclass(frozen=True, slots=True)
class Page:
    """Some of an owner's jobs, newest first.

    Args:
        jobs: at most as many as asked for.
        cursor: where the next page begins; None at the end.
    """

    jobs: tuple[Job, ...]
    cursor: str | None


@dataclass(frozen=True, slots=True)
class Backlog:
    """Work that waits.

    Args:
        pending: jobs that are PENDING.
        oldest_seconds: how long ago the oldest of them was accepted; 0 if there is none.
        in_progress: jobs that a worker holds.
    """

    pending: int
    oldest_seconds: float
    in_progress: int = 0


class JobStore(Protocol):
    """The record. Each change is one conditional update: one row changed or none is the answer.

    All times come from the store's own clock. Owners never see each other's jobs or originals.

    Raises:
        RecordUnavailable: the database does not answer.
    """

    def find(self, token: UUID, owner: str) -> Job | None:
        """The owner's job, unless its keeping has run out."""
        ...

    def find_reusable(self, token: UUID, owner: str) -> Job | None:
        """The owner's job, if it answers the same request again as it is.

        That is, unless it is `replaceable`, or in the last hundredth of its keeping: then `accept` decides.
        """
        ...

    def find_original(self, owner: str, sha256: str) -> Original | None:
        """The owner's image with this digest, if it is kept."""
        ...

    def accept(self, new: NewJob) -> Accepted | None:
        """Commit a job and its original, durably, in one transaction; `take_due` finds it `send_after_seconds` later.

        A record of the token that is neither `replaceable` nor past its keeping is returned, reused; in the last
        hundredth of its keeping it is kept for as long again, from now on. Any other is removed in the same
        transaction; its outputs' keys go to the list that `take_garbage` hands out.

        Returns:
            None if `new.original.key` is not the key that is recorded for its owner and digest: someone else stored
            the same image first, or it was erased meanwhile. The caller looks again.

        Raises:
            QuotaExceeded: `new.charge` is more than is left of the quota. Only a job that is newly recorded is charged,
                and whoever is first of several at once.
        """
        ...

    def claim(self, token: UUID, lease_seconds: float) -> Claim | None:
        """PENDING → IN_PROGRESS under a new lease, one attempt more; None if no job is PENDING and due.

        A job that is not `in_turn` is claimed by its own token only. Those that are have an order: any other token
        claims the first of them. Owners take turns there by the weight of their jobs (`work.weight`); a job that was
        claimed before and came back goes first.

        Need not survive a power cut: a claim that is forgotten is a job that is PENDING.
        """
        ...

    def renew(self, token: UUID, lease: UUID, lease_seconds: float) -> bool:
        """Prolong a lease; False if it is no longer this worker's."""
        ...

    def finish(self, token: UUID, lease: UUID, products: Sequence[Product]) -> bool:
        """IN_PROGRESS → SUCCESS, publishing the products, durably; False if the lease is not this worker's."""
        ...

    def fail(self, token: UUID, lease: UUID, failure: Failure) -> bool:
        """IN_PROGRESS → FAILURE, durably; False if the lease is not this worker's."""
        ...

    def retry(self, token: UUID, lease: UUID, delay_seconds: float) -> bool:
        """IN_PROGRESS → PENDING, due after a delay; False if the lease is not this worker's.

        The attempt is not counted: whoever gives a job back this way is alive, and the image is not to blame.
        """
        ...

    def erase(self, token: UUID, owner: str) -> Job | None:
        """Take the owner's job out: a running or waiting one becomes REVOKED, an ended one is forgotten.

        The keys of its outputs, and of its original if no other job needs it, go to the garbage list in the same
        transaction.

        Returns:
            The job as it stood before; None if there is none. Erasing a REVOKED job again returns it, unchanged.
        """
        ...

    def backlog(self) -> Backlog:
        """How much work waits, of all owners."""
        ...

    def pending_in_turn(self, owner: str, limit: int) -> int:
        """How many of an owner's jobs wait for their turn, counted up to a limit."""
        ...

    def usage(self, name: str) -> Usage:
        """What the charges of this name add up to today."""
        ...

    def page(self, owner: str, cursor: str | None, limit: int) -> Page:
        """The owner's jobs, newest first. Raises MalformedRequest for a cursor that is not one."""
        ...

    def release_expired(self, max_attempts: int, limit: int) -> "Released":
        """End the leases that have run out: → PENDING and due at once, or → FAILURE `worker-lost` at the cap."""
        ...

    def take_due(self, first_seconds: int, limit: int) -> list[UUID]:
        """PENDING jobs whose time to be sent (again) has come, oldest first; each pushed back so that only one sweep
        sends it. `first_seconds` is the base of `resend_delay_seconds`."""
        ...

    def give_back(self, tokens: Sequence[UUID]) -> None:
        """Undo `take_due` for jobs that could not be sent: due at once, and not counted as sent. One that is no longer
        waiting stays as it is."""
        ...

    def forget_expired(self, limit: int) -> int:
        """Remove ended jobs whose keeping has run out; their keys go to the garbage list. Returns how many."""
        ...

    def take_garbage(self, limit: int, among: Sequence[str] | None = None) -> list[str]:
        """Keys of objects that no record needs any more, the longest due first; `among` narrows it to these keys.

        They stay listed until `drop_garbage` names them.
        """
        ...

    def postpone_garbage(self, keys: Sequence[str], delay_seconds: float) -> None:
        """Put off keys that are due and whose objects cannot be deleted, so that the others' turn comes."""
        ...

    def drop_garbage(self, keys: Sequence[str]) -> None:
        """Strike out keys whose objects are gone."""
        ...

    def give_up_originals(self, unused_seconds: float, limit: int) -> int:
        """Let go of originals that no job was accepted with for so long, and whose jobs have all ended.

        Their keys go to the garbage list; their jobs stay as they are. The same image, sent again, is a new original.

        Returns:
            How many.
        """
        ...

    def discard_unnamed(self, keys: Sequence[str]) -> int:
        """Those of the keys, of originals, that no record names go to the garbage list; no job is accepted with one.

        Returns:
            How many are new on the list.
        """
        ...

    def check(self) -> None:
        """Raise RecordUnavailable unless the database answers and its tables are of this release."""
        ...


@dataclass(frozen=True, slots=True)
class Released:
    """What became of leases that had run out.

    Args:
        returned: jobs that wait again.
        lost: jobs that ended in FAILURE.
    """

    returned: tuple[UUID, ...]
    lost: tuple[UUID, ...]


class JobQueue(Protocol):
    """Carries tokens to workers, at least once, sometimes never: the record is the truth."""

    def send(self, token: UUID) -> None:
        """Send a token, within about two seconds. Raises BrokerUnavailable."""
        ...

    def check(self) -> None:
        """Raise BrokerUnavailable unless the broker answers."""
        ...


class RequestCounter(Protocol):
    """Counts requests, for all API processes together as long as the broker's server answers, else for each alone."""

    def count(self, rate: Rate, who: str) -> Standing:
        """Count one more request, unless it is over the rate. Never raises, and never takes long."""
        ...


class Doorbell(Protocol):
    """Tells those who wait that a job has ended. It may fail to ring: who waits also looks at the record."""

    def ring(self, token: UUID) -> None:
        """Wake everyone who listens for this token. Never raises."""
        ...

    def listen(self, token: UUID) -> AbstractContextManager["Ear"]:
        """Listen from now on, until the context ends. Never raises."""
        ...


class Ear(Protocol):
    """One who waits."""

    def wait(self, timeout_seconds: float) -> bool:
        """Sleep until the bell has rung or the time is over; True if it rang."""
        ...


@dataclass(frozen=True, slots=True)
class Rendered:
    """One output as it leaves the engine.

    Args:
        name: as the recipe calls it.
        format: what the bytes are.
        size: in pixels, of one frame.
        data: the file.
        quality: that it was written with, 1…100; None where the format has no such dial.
        score: its likeness to the lossless picture, 0…1; None where nobody asked for it to be measured.
        frames: 1 for a still picture.
        encode_seconds: of the time that making it took, the encoder's.
    """

    name: str
    format: ImageFormat
    size: Size
    data: bytes
    quality: int | None = None
    score: float | None = None
    frames: int = 1
    encode_seconds: float = field(default=0.0, compare=False)


@dataclass(frozen=True, slots=True)
class Memory:
    """What an engine holds of this process's memory.

    Args:
        bytes: right now.
        peak_bytes: the most so far.
    """

    bytes: int
    peak_bytes: int


class ImageEngine(Protocol):
    """Turns bytes into pixels and back.

    Raises:
        UnsupportedImage, CorruptImage, TooManyPixels: the image's fault.
        OutputTooLarge: the recipe asks for fewer bytes than any quality gives.
        MemoryLimitExceeded: there was not enough memory.
    """

    def probe(self, data: Bytes) -> Header:
        """Read the header; decodes no pixel."""
        ...

    def render(self, data: Bytes, recipe: Recipe, go_on: Callable[[], None] = lambda: None) -> Iterator[Rendered]:
        """Make the recipe's outputs in its order, from one decode, yielding each as soon as it is made.

        Args:
            data: the image.
            recipe: what to make.
            go_on: called before every further frame or attempt at an output; whatever it raises ends the work.
        """
        ...

    def memory(self) -> Memory:
        """What the engine holds; costs microseconds."""
        ...


class FaultPoint(StrEnum):
    """Places between two durable steps where a test may stop or kill the process."""

    ORIGINAL_PUT = "original-put"
    ROW_INSERTED = "row-inserted"
    ROW_COMMITTED = "row-committed"
    MESSAGE_PUBLISHED = "message-published"
    JOB_CLAIMED = "job-claimed"
    OUTPUT_PUT = "output-put"
    JOB_FINISHED = "job-finished"


class Faults(Protocol):
    """Does nothing, unless a test asks."""

    def reach(self, point: FaultPoint, token: UUID) -> None:
        """Called when the process has come to the point in its work on the token."""
        ...


class Stage(StrEnum):
    """What a job spends its time with, in this order; `wait` is the time between acceptance and first claim."""

    ACCEPT = "accept"
    WAIT = "wait"
    FETCH = "fetch"
    PROCESS = "process"
    ENCODE = "encode"
    STORE = "store"


class Metrics(Protocol):
    """Counts what happens. Never raises, and costs microseconds."""

    def took(self, stage: Stage, seconds: float, ago_seconds: float = 0.0) -> None:
        """A stage of a job is over, since `ago_seconds`; told by the thread that did it."""
        ...

    def accepted(self, original: Original, *, reused: bool) -> None:
        """A request has got its job: a new one, or with `reused` one that was there already."""
        ...

    def unsent(self) -> None:
        """A job could not be sent; the sweep will."""
        ...

    def ended(self, status: JobStatus, code: str = "") -> None:
        """A job has reached a terminal status; a failure with the code of its reason."""
        ...

    def returned(self, code: str) -> None:
        """A job waits again, for the reason of this code."""
        ...

    def made(self, original: Original, products: Sequence[Product]) -> None:
        """A job's outputs are published."""
        ...

    def worker_lost(self, *, failed: bool) -> None:
        """A lease ran out; the job waits again, or has `failed`."""
        ...

    def swept(self, *, whole: bool) -> None:
        """A sweep is over; without `whole` a step of it failed."""
        ...

    def resent(self, jobs: int) -> None:
        """Jobs were sent by the sweep."""
        ...

    def store_failed(self, operation: str) -> None:
        """The object store did not do what a method of this name was to do."""
        ...

    def holds(self, memory: Memory) -> None:
        """What the engine of this process holds between two jobs."""
        ...
