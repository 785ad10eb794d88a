"""The record of keys in memory, and what makes keys for tests."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from imagemill.domain.apikey import ApiKey, KeyState, NewKey, compose, digest
from imagemill.domain.caller import Caller, Scope
from imagemill.errors import RecordUnavailable, Unauthorized

ALL_BUT_ADMIN = frozenset({Scope.RESIZE, Scope.READ, Scope.DELETE})


def new_key(name: str = "web", *, owner: str = "ada", id: str = "0123456789ab", **more: object) -> tuple[NewKey, str]:
    """A key as the keyring makes it, and its text."""
    text = compose(id, name.encode().ljust(32, b"."))
    return NewKey(id, name, owner, ALL_BUT_ADMIN, digest(text), **more), text


class MemoryKeyStore:
    """A `KeyStore` whose clock stands still until a test moves `now` (seconds since the epoch).

    While `away` is set every call raises RecordUnavailable. `reads` counts the calls of `find`.
    """

    def __init__(self) -> None:
        self.now = 1_800_000_000.0
        self.away = False
        self.reads = 0
        self._keys: dict[str, ApiKey] = {}

    def find(self, id: str) -> ApiKey | None:
        self.reads += 1
        return next((key for key in self.all() if key.id == id), None)

    def all(self) -> tuple[ApiKey, ...]:
        if self.away:
            raise RecordUnavailable("The database does not answer.")
        return tuple(self._seen(key) for key in self._keys.values())

    def create(self, new: NewKey) -> ApiKey | None:
        if any(key.name == new.name and key.state is not KeyState.REVOKED for key in self.all()):
            return None
        self._keys[new.id] = ApiKey(
            id=new.id,
            name=new.name,
            owner=new.owner,
            scopes=new.scopes,
            digest=new.digest,
            state=KeyState.ACTIVE,
            created_at=self._moment(),
            expires_at=new.expires_at,
            megapixels_per_day=new.megapixels_per_day,
        )
        return self._seen(self._keys[new.id])

    def rotate(self, id: str, digest: str, grace_seconds: float) -> ApiKey | None:
        key = self._live(id)
        if key is None:
            return None
        self._keys[id] = replace(
            key,
            digest=digest,
            former_digest=key.digest,
            former_until=self._moment() + timedelta(seconds=grace_seconds),
            rotated_at=self._moment(),
        )
        return self._seen(self._keys[id])

    def revoke(self, id: str) -> bool:
        key = self._live(id)
        if key is not None:
            self._keys[id] = replace(key, state=KeyState.REVOKED, revoked_at=self._moment())
        return key is not None

    def _live(self, id: str) -> ApiKey | None:
        key = self._keys.get(id)
        return None if key is None or key.state is KeyState.REVOKED else key

    def _seen(self, key: ApiKey) -> ApiKey:
        if key.former_until is not None and key.former_until <= self._moment():
            key = replace(key, former_digest=None, former_until=None)
        if key.state is KeyState.ACTIVE and key.expires_at is not None and key.expires_at <= self._moment():
            key = replace(key, state=KeyState.EXPIRED)
        return key

    def _moment(self) -> datetime:
        return datetime.fromtimestamp(self.now, UTC)


class OneTokenIssuer:
    """A `TokenIssuer` that knows one token."""

    def __init__(self, token: str, caller: Caller) -> None:
        self._token = token
        self._caller = caller

    def identify(self, token: str) -> Caller:
        if token != self._token:
            raise Unauthorized("token: unknown")
        return self._caller

    def check(self) -> None:
        pass
