"""The port of what counts requests."""

from typing import Protocol

from imagemill.domain.rate import Rate, Standing


class RequestCounter(Protocol):
    """Counts requests, for all API processes together as long as the broker's server answers, else for each alone."""

    def count(self, rate: Rate, who: str) -> Standing:
        """Count one more request, unless it is over the rate. Never raises, and never takes long."""
        ...
