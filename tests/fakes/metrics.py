"""Metrics that keep what they were told, as it was told."""

from collections.abc import Sequence

from imagemill.domain.job import JobStatus, Original, Product
from imagemill.domain.ports import Memory, Stage


class NotedMetrics:
    """A Metrics that notes each call: in `stages` those of stages, in `told` all others, as words."""

    def __init__(self) -> None:
        self.stages: list[tuple[Stage, float]] = []
        self.told: list[tuple[object, ...]] = []

    def took(self, stage: Stage, seconds: float, ago_seconds: float = 0.0) -> None:
        """Note a stage."""
        self.stages.append((stage, seconds))

    def accepted(self, original: Original, *, reused: bool) -> None:
        """Note an accepted request."""
        self.told.append(("accepted", original.bytes, reused))

    def unsent(self) -> None:
        """Note a job that was not sent."""
        self.told.append(("unsent",))

    def ended(self, status: JobStatus, code: str = "") -> None:
        """Note an end."""
        self.told.append(("ended", status, code))

    def returned(self, code: str) -> None:
        """Note a return."""
        self.told.append(("returned", code))

    def made(self, original: Original, products: Sequence[Product]) -> None:
        """Note outputs."""
        self.told.append(("made", len(products)))

    def worker_lost(self, *, failed: bool) -> None:
        """Note a loss."""
        self.told.append(("worker lost", failed))

    def swept(self, *, whole: bool) -> None:
        """Note a sweep."""
        self.told.append(("swept", whole))

    def resent(self, jobs: int) -> None:
        """Note what a sweep sent."""
        self.told.append(("resent", jobs))

    def store_failed(self, operation: str) -> None:
        """Note a failure of the store."""
        self.told.append(("store failed", operation))

    def holds(self, memory: Memory) -> None:
        """Note memory."""
        self.told.append(("holds", memory))
