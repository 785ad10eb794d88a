"""Rates: how many requests one may make in a while, and how he stands."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rate:
    """A bound on requests.

    Args:
        name: of the policy, for clients: ASCII letters.
        requests: in any span of `seconds`.
        seconds: length of the span.
    """

    name: str
    requests: int
    seconds: int = 60


@dataclass(frozen=True, slots=True)
class Standing:
    """How someone stands after a request.

    Args:
        rate: that he is held to.
        allowed: whether this request is within it.
        left: how many more are, right now.
        again_seconds: after how long a request is within it again, at least 1; of use if this one is not.
    """

    rate: Rate
    allowed: bool
    left: int
    again_seconds: int
