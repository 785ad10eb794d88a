"""Who can say who somebody is, as Protocols: the record of our own keys, and an issuer of tokens."""

from typing import Protocol

from imagemill.domain.apikey import ApiKey, NewKey
from imagemill.domain.caller import Caller


class KeyStore(Protocol):
    """The record of the API keys. All times come from the store's own clock.

    Raises:
        RecordUnavailable: the database does not answer.
    """

    def find(self, id: str) -> ApiKey | None:
        """The key with this id, whatever its state."""
        ...

    def all(self) -> tuple[ApiKey, ...]:
        """Every key that was ever made, oldest first."""
        ...

    def create(self, new: NewKey) -> ApiKey | None:
        """Record a key; None if another one that is not revoked has its name."""
        ...

    def rotate(self, id: str, digest: str, grace_seconds: float) -> ApiKey | None:
        """Give a key another text; None if there is none, or it is revoked.

        Args:
            digest: of the new text.
            grace_seconds: how long the present text stays good beside it. One before that ends at once.
        """
        ...

    def revoke(self, id: str) -> bool:
        """Let a key open nothing any more; False if there is none, or it is revoked already."""
        ...


class TokenIssuer(Protocol):
    """Somebody else who says who asks, by tokens that he signs."""

    def identify(self, token: str) -> Caller:
        """Who holds a token.

        Raises:
            Unauthorized: the token is not his, not for this service, not good yet, or no longer.
            IssuerUnavailable: his keys cannot be had, so that nobody can tell.
        """
        ...

    def check(self) -> None:
        """Raise IssuerUnavailable unless his keys can be had."""
        ...
