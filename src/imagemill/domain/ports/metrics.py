"""The port of the numbers: what the flows tell of their work."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol

from imagemill.domain.job import JobStatus, Original, Product
from imagemill.domain.ports.engine import Memory


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
