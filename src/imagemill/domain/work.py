"""What a job costs: the pixels that are decoded for it. Quotas count them, and owners take turns by them."""

from dataclasses import dataclass
from datetime import datetime

from imagemill.domain.header import Header
from imagemill.errors import QuotaExceeded

MEGAPIXEL = 1_000_000

MOST_MEGAPIXELS_PER_DAY = 1_000_000_000_000
"""Of a quota: in pixels still a number of 64 bits, which is what databases have."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What a caller has used of his quota today. Days are UTC, by the database's clock.

    Args:
        pixels: of the jobs that were accepted from him.
        resets_at: when the next day begins.
        resets_seconds: how long that is from now; at least 1.
    """

    pixels: int
    resets_at: datetime
    resets_seconds: int


@dataclass(frozen=True, slots=True)
class Charge:
    """What a job takes of a quota.

    Args:
        name: whose quota; a caller's.
        pixels: that are decoded for the job.
        most_pixels: that the caller may have decoded in a day.
    """

    name: str
    pixels: int
    most_pixels: int

    def check(self, usage: Usage) -> None:
        """Raise QuotaExceeded if it is more than the usage leaves."""
        if usage.pixels + self.pixels > self.most_pixels:
            raise QuotaExceeded("Your megapixels for today do not suffice for this image.", usage.resets_seconds)


def weight(header: Header) -> int:
    """How far a job puts off its owner's next turn: its megapixels, and one for what every job costs."""
    return 1 + header.pixels // MEGAPIXEL
