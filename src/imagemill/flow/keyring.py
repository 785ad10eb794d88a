"""The keyring: makes API keys, gives them new texts, revokes them. A key's text is shown once and kept nowhere."""

import secrets
from dataclasses import dataclass
from datetime import datetime

from imagemill.domain.apikey import (
    ID_DIGITS,
    SECRET_BYTES,
    ApiKey,
    KeyState,
    NewKey,
    compose,
    digest,
    is_name,
    is_owner,
)
from imagemill.domain.caller import Scope
from imagemill.domain.identity import KeyStore
from imagemill.domain.job import ANONYMOUS
from imagemill.errors import CommandRefused


@dataclass(frozen=True)
class Keyring:
    """What an operator does with keys."""

    store: KeyStore

    def create(
        self,
        name: str,
        scopes: frozenset[Scope],
        *,
        owner: str | None = None,
        expires_at: datetime | None = None,
        megapixels_per_day: int | None = None,
    ) -> tuple[ApiKey, str]:
        """Make a key.

        Args:
            name: what people call it.
            scopes: what it may do.
            owner: whose jobs it makes and sees; left out, an owner of the key's name, whom no other key may have yet.
            expires_at: until when it is good.
            megapixels_per_day: work that may be accepted with it in a day.

        Returns:
            The key, and its text: the only time that anybody sees it.

        Raises:
            CommandRefused: the name or the owner will not do.
        """
        if not is_name(name):
            raise CommandRefused("A key's name has 1 to 64 letters, digits, dots, underscores and hyphens.")
        if owner is None:
            self._require_new_owner(name)
        elif not is_owner(owner):
            raise CommandRefused("An owner has 1 to 64 letters, digits, dots, underscores, hyphens and colons.")
        id = secrets.token_hex(ID_DIGITS // 2)
        text = compose(id, secrets.token_bytes(SECRET_BYTES))
        new = NewKey(id, name, owner or name, scopes, digest(text), expires_at, megapixels_per_day)
        key = self.store.create(new)
        if key is None:
            raise CommandRefused(f"There is a key {name} already: rotate it, revoke it, or choose another name.")
        return key, text

    def rotate(self, name: str, grace_seconds: float) -> tuple[ApiKey, str]:
        """Give a key another text; the present one stays good for a while.

        Args:
            name: of the key, or its id.
            grace_seconds: how long the present text stays good.

        Returns:
            The key and its new text.

        Raises:
            CommandRefused: there is no such key, or it has expired.
        """
        key = self._usable(name)
        if key.state is KeyState.EXPIRED:
            raise CommandRefused(f"The key {key.name} has expired: revoke it, and create another one.")
        text = compose(key.id, secrets.token_bytes(SECRET_BYTES))
        rotated = self.store.rotate(key.id, digest(text), grace_seconds)
        if rotated is None:
            raise self._missing(name)
        return rotated, text

    def revoke(self, name: str) -> ApiKey:
        """Let a key, told by name or id, open nothing any more. Raises CommandRefused if there is none."""
        key = self._usable(name)
        if not self.store.revoke(key.id):
            raise self._missing(name)
        return key

    def all(self) -> tuple[ApiKey, ...]:
        """Every key that was ever made, oldest first."""
        return self.store.all()

    def _require_new_owner(self, owner: str) -> None:
        # Who makes a key of an old name may not know that it would see another's jobs.
        if owner == ANONYMOUS or any(key.owner == owner for key in self.store.all()):
            raise CommandRefused(
                f"There are jobs or keys of an owner {owner} already: "
                f"say --owner {owner} if the new key is to see its jobs, or choose another name."
            )

    def _usable(self, name: str) -> ApiKey:
        found = [key for key in self.store.all() if name in (key.name, key.id) and key.state is not KeyState.REVOKED]
        if not found:
            raise self._missing(name)
        return found[0]

    def _missing(self, name: str) -> CommandRefused:
        return CommandRefused(f"There is no key {name} that is not revoked; `imagemill keys list` shows all.")
