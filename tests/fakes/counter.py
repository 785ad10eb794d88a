"""A counter of requests that counts without end."""

from collections import Counter

from imagemill.domain.rate import Rate, Standing

AGAIN_SECONDS = 7


class MemoryCounter:
    """A RequestCounter whose window never moves on."""

    def __init__(self) -> None:
        self.counts: Counter[tuple[str, str]] = Counter()

    def count(self, rate: Rate, who: str) -> Standing:
        """Count one more request, unless it is over the rate."""
        place = rate.name, who
        allowed = self.counts[place] < rate.requests
        self.counts[place] += allowed
        return Standing(rate, allowed, rate.requests - self.counts[place], AGAIN_SECONDS)
