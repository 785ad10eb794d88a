"""The port of faults: where a test may strike."""

from enum import StrEnum
from typing import Protocol
from uuid import UUID


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
