"""What the flows need from the outside, as Protocols: one file for each port.

Adapters implement them; `wiring` picks the adapters. An adapter raises errors of `imagemill.errors` only; what its
library raises stops at the adapter. This is the one door: who needs a port imports it from here.
"""

from imagemill.domain.ports.answers import LAST_OF_KEEPING, Accepted, Backlog, Claim, Page, Released
from imagemill.domain.ports.counter import RequestCounter
from imagemill.domain.ports.doorbell import Doorbell, Ear
from imagemill.domain.ports.engine import NO_MARKS, ImageEngine, Memory, Rendered
from imagemill.domain.ports.faults import FaultPoint, Faults
from imagemill.domain.ports.jobs import JobStore
from imagemill.domain.ports.metrics import Metrics, Stage
from imagemill.domain.ports.objects import Bytes, ObjectStat, ObjectStore
from imagemill.domain.ports.queue import JobQueue

__all__ = [
    "LAST_OF_KEEPING",
    "NO_MARKS",
    "Accepted",
    "Backlog",
    "Bytes",
    "Claim",
    "Doorbell",
    "Ear",
    "FaultPoint",
    "Faults",
    "ImageEngine",
    "JobQueue",
    "JobStore",
    "Memory",
    "Metrics",
    "ObjectStat",
    "ObjectStore",
    "Page",
    "Released",
    "Rendered",
    "RequestCounter",
    "Stage",
]
