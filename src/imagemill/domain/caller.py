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

    def may(self, scope: Scope) -> bool:
        """Whether the scopes allow what needs this one; `admin` allows everything."""
        return scope in self.scopes or Scope.ADMIN in self.scopes


ANYBODY = Caller(ANONYMOUS, "anybody", frozenset(Scope))
"""Who asks while auth is off: everybody is the same one, and may do everything."""

STRANGER = Caller("", "stranger", frozenset())
"""Who asks for what is open to all while auth is required: owns nothing and may do nothing."""
