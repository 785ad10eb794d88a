"""Who asks: whose jobs he makes and sees, what he may do, and how much work a day."""

from dataclasses import dataclass
from enum import StrEnum

from imagemill.domain.job import ANONYMOUS


class Scope(StrEnum):
    """What a key may do."""

    RESIZE = "resize"
    READ = "read"
    DELETE = "delete"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks.

    Args:
        owner: of the jobs that he makes and sees.
        name: for logs and limits; no secret.
        scopes: what he may do.
        megapixels_per_day: work that may be accepted from him in a day; None is no bound.
    """

    owner: str
    name: str
    scopes: frozenset[Scope]
    megapixels_per_day: int | None = None


ANYBODY = Caller(ANONYMOUS, "anybody", frozenset(Scope))
"""Who asks while auth is off: everybody is the same one, and may do everything."""
