"""What the doctor says of a part."""

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """How a part is."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True)
class Finding:
    """What was found of one part.

    Args:
        part: its name.
        verdict: how it is.
        detail: what was seen.
        remedy: how to mend it; empty where nothing is to be mended.
    """

    part: str
    verdict: Verdict
    detail: str
    remedy: str = ""
