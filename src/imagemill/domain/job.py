"""A job: its states, which may follow which, and the arithmetic of its token and its delays.

    PENDING ──claim──▶ IN_PROGRESS ──finish──▶ SUCCESS
       │  ▲                │  │
       │  └──retry, lease──┘  └────fail──────▶ FAILURE
       │     runs out          │
       └──────revoke───────────┴─────────────▶ REVOKED

The words are Celery's where it has them. SUCCESS, FAILURE and REVOKED are terminal: nothing leaves them.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID, uuid5

from imagemill.domain.formats import ImageFormat
from imagemill.domain.geometry import Size
from imagemill.domain.header import Header
from imagemill.domain.recipe import RECIPE_VERSION, Recipe
from imagemill.domain.work import Charge
from imagemill.errors import ImagemillError


class JobStatus(StrEnum):
    """Where a job stands."""

    PENDING = "PENDING"
    """Accepted; waiting for a worker, for the first time or again."""
    IN_PROGRESS = "IN_PROGRESS"
    """A worker holds a lease on it."""
    SUCCESS = "SUCCESS"
    """Its outputs are in the object store."""
    FAILURE = "FAILURE"
    """It ended without outputs; `error` says why."""
    REVOKED = "REVOKED"
    """Erased by its owner before it ended."""

    @property
    def terminal(self) -> bool:
        """Whether the job has ended."""
        return not TRANSITIONS[self]


TRANSITIONS: dict[JobStatus, frozenset[JobStatus]] = {
    JobStatus.PENDING: frozenset({JobStatus.IN_PROGRESS, JobStatus.REVOKED}),
    JobStatus.IN_PROGRESS: frozenset({JobStatus.PENDING, JobStatus.SUCCESS, JobStatus.FAILURE, JobStatus.REVOKED}),
    JobStatus.SUCCESS: frozenset(),
    JobStatus.FAILURE: frozenset(),
    JobStatus.REVOKED: frozenset(),
}
"""Every change of status that a conditional update may make."""

ANONYMOUS = "anonymous"
"""The owner of every job while authentication is off."""


@dataclass(frozen=True, slots=True)
class Original:
    """An image as it was sent, kept once per owner.

    Args:
        owner: whose it is.
        sha256: of its bytes, 64 hexadecimal digits.
        key: where its bytes lie in the object store; a key is used once and never again.
        bytes: its size.
        header: what its header says.
    """

    owner: str
    sha256: str
    key: str
    bytes: int
    header: Header


@dataclass(frozen=True, slots=True)
class Product:
    """An output that has been made and stored.

    Args:
        name: as the recipe calls it.
        key: where its bytes lie in the object store.
        format: what the bytes are.
        size: in pixels.
        bytes: size of the file.
        quality: that it was written with, 1…100; None where the format has no such dial.
        score: its likeness to the lossless picture, 0…1; None where nobody asked for it to be measured.
        frames: 1 for a still picture.
        placeholder: what to show until the picture has loaded; None where none was asked for.
        dominant_color: as `#rrggbb`; None where nobody asked, or all is clear.
    """

    name: str
    key: str
    format: ImageFormat
    size: Size
    bytes: int
    quality: int | None = None
    score: float | None = None
    frames: int = 1
    placeholder: str | None = None
    dominant_color: str | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a job ended without outputs, as a problem document says it.

    Args:
        code: stable code of an error class.
        title: its title.
        detail: a sentence a person can act on.
        retryable: whether sending the same request again can help.
    """

    code: str
    title: str
    detail: str
    retryable: bool

    @classmethod
    def of(cls, error: ImagemillError) -> "Failure":
        """The record of an error."""
        return cls(error.code, error.title, error.detail, error.retryable)


@dataclass(frozen=True, slots=True)
class NewJob:
    """A job about to be recorded.

    Args:
        token: its name; equal for the same owner, image, recipe and recipe version.
        recipe: what to make.
        original: of what.
        results_id: 32 hexadecimal digits that every key of its outputs carries. Drawn anew for each record, so that
            what one record left behind can be erased without looking for a later record of the same token.
        send_after_seconds: how long the sweep leaves it to whoever records the job to send it.
        charge: what it takes of its caller's quota; None if he has none.
        in_turn: whether its owner takes turns with others.
    """

    token: UUID
    recipe: Recipe
    original: Original
    results_id: str
    send_after_seconds: float = 0
    charge: Charge | None = None
    in_turn: bool = False


@dataclass(frozen=True, slots=True)
class Job:
    """A job as the record has it. Times are UTC, by the database's clock.

    Args:
        token: its name, also its Celery task id.
        owner: who asked.
        status: where it stands.
        recipe: what to make.
        original: of what.
        results_id: part of its outputs' keys.
        attempts: how often a worker has claimed it.
        products: what was made, in the recipe's order; empty until SUCCESS.
        failure: why not; None except at FAILURE.
        created_at: when it was accepted.
        started_at: when it was first claimed.
        finished_at: when it reached a terminal status.
        expires_at: when it will be forgotten; None until it has ended.
    """

    token: UUID
    owner: str
    status: JobStatus
    recipe: Recipe
    original: Original
    results_id: str
    attempts: int
    products: tuple[Product, ...]
    failure: Failure | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    expires_at: datetime | None

    @property
    def replaceable(self) -> bool:
        """Whether the same request makes a new record instead of reusing this one.

        So it is for what was erased, and for what failed for a reason that may have passed.
        """
        if self.status is JobStatus.REVOKED:
            return True
        return self.failure is not None and self.failure.retryable


def make_token(namespace: UUID, owner: str, sha256: str, recipe: Recipe) -> UUID:
    """The token of a job: the same for the same work, and not to be guessed without the secret.

    Args:
        namespace: from `token_namespace`.
        owner: who asks.
        sha256: of the image's bytes, in hexadecimal.
        recipe: what to make of it.

    Returns:
        A UUID of version 5 (RFC 9562, section 5.5).
    """
    return uuid5(namespace, "|".join((owner, sha256, recipe.canonical(), str(RECIPE_VERSION))))


def token_namespace(secret: str) -> UUID:
    """The namespace that a deployment's secret stands for."""
    return UUID(bytes=hashlib.sha256(b"imagemill token namespace\0" + secret.encode()).digest()[:16])


def retry_delay_seconds(age_seconds: float) -> float:
    """How long a job waits for a store that was away: a quarter of its age, at least 2 s, at most a minute."""
    return min(60.0, max(2.0, age_seconds / 4))


def resend_delay_seconds(sends: int, first_seconds: int) -> int:
    """How long the sweep waits for a worker to claim a job that was sent n times before it sends it again.

    Doubles each time, up to ten minutes: where the queue is merely long, copies of a message stay few.
    """
    return min(600, first_seconds << min(sends, 10))
