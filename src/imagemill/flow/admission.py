"""Admission: who asks, by what he shows. Looks a key up at most once in a while, so that a request costs no SQL."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future

from imagemill.domain.apikey import PREFIX, ApiKey, KeyState, digest, read_id
from imagemill.domain.caller import Caller
from imagemill.domain.identity import KeyStore, TokenIssuer
from imagemill.errors import Unauthorized

_MOST_KEPT = 10_000


class Admission:
    """Tells callers by API keys and, where there is an issuer, by his tokens.

    Args:
        keys: the record of keys.
        issuer: whose tokens are good too; None if nobody's are.
    """

    def __init__(self, keys: "RecentKeys", issuer: TokenIssuer | None = None) -> None:
        self._keys = keys
        self._issuer = issuer

    def admit(self, credential: str) -> Caller:
        """Who shows a key or a token.

        Raises:
            Unauthorized: it is not good.
            RecordUnavailable, IssuerUnavailable: nobody can tell right now.
        """
        if credential.startswith(PREFIX):
            return self._holder(credential)
        if self._issuer is None:
            raise Unauthorized("not a key")
        return self._issuer.identify(credential)

    def _holder(self, text: str) -> Caller:
        id = read_id(text)
        if id is None:
            raise Unauthorized("not a key")
        key = self._keys.find(id)
        if key is None:
            raise Unauthorized("unknown key")
        # First of all: to whom does not know the secret, a revoked key and a wrong one are the same.
        if not key.opens_with(digest(text)):
            raise Unauthorized("wrong secret", key.name)
        if key.state is not KeyState.ACTIVE:
            raise Unauthorized(f"{key.state} key", key.name)
        return key.caller


class RecentKeys:
    """Reads each key at most once in an interval, also when many ask for it at the same time.

    Args:
        store: the record of keys.
        seconds: how old an answer may be; so long a key that was revoked still opens. 0 keeps nothing.
        most: answers that are kept. Ids that there are not have room of their own, so that whoever tries ids pushes
            out nobody who has a key.
        clock: seconds of a clock that never goes back.
    """

    def __init__(
        self,
        store: KeyStore,
        seconds: float,
        most: int = _MOST_KEPT,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._seconds = seconds
        self._most = most
        self._clock = clock
        self._known: dict[str, tuple[float, ApiKey | None]] = {}
        self._unknown: dict[str, tuple[float, ApiKey | None]] = {}
        self._under_way: dict[str, Future[ApiKey | None]] = {}
        self._lock = threading.Lock()

    def find(self, id: str) -> ApiKey | None:
        """The key with this id, as it was at most `seconds` ago. Raises RecordUnavailable."""
        with self._lock:
            kept = self._known.get(id) or self._unknown.get(id)
            if kept is not None and self._clock() - kept[0] < self._seconds:
                return kept[1]
            under_way = self._under_way.get(id)
            if under_way is None:
                mine = self._under_way[id] = Future()
        return self._read(id, mine) if under_way is None else under_way.result()

    def _read(self, id: str, answer: "Future[ApiKey | None]") -> ApiKey | None:
        # As old as the question: what is revoked while the database thinks must not be good for longer.
        asked_at = self._clock()
        try:
            key = self._store.find(id)
        except BaseException as error:
            with self._lock:
                del self._under_way[id]
            answer.set_exception(error)
            raise
        with self._lock:
            del self._under_way[id]
            self._keep(id, key, asked_at)
        answer.set_result(key)
        return key

    def _keep(self, id: str, key: ApiKey | None, asked_at: float) -> None:
        place, other = (self._unknown, self._known) if key is None else (self._known, self._unknown)
        other.pop(id, None)
        place.pop(id, None)
        place[id] = (asked_at, key)
        if len(place) > self._most:
            del place[next(iter(place))]  # the oldest: each is put at the end
