"""The public keys that an issuer publishes: fetched when they are needed, kept for a while, and never asked for often.

An issuer changes its keys when it likes. A token that names a key which is not known here makes us look again, but
whoever sends such tokens on purpose makes us look no more often than `RETRY_SECONDS` allows.
"""

import json
import logging
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from http.client import HTTPException
from typing import Any, cast

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet, OKPKey, RSAKey

from imagemill.errors import IssuerUnavailable

log = logging.getLogger(__name__)

FRESH_SECONDS = 300.0
"""After this the keys are fetched again, by one of those who need them; the others go on with what there is."""

STALE_SECONDS = 3600.0
"""So long the keys stay good while the issuer is away: a key that it has withdrawn is refused after that at last."""

RETRY_SECONDS = 5.0
"""The shortest time between two looks, whatever came of the first."""

_CALM_SECONDS = 60.0
"""The same while what there is still serves: while the issuer is away, each look costs somebody a few seconds."""

_ANSWER_SECONDS = 3.0
_LONGEST_ANSWER_BYTES = 2**20
_MOST_KEYS = 100
_WELL_KNOWN = "/.well-known/openid-configuration"
_KINDS: dict[str, type[RSAKey] | type[ECKey] | type[OKPKey]] = {"RSA": RSAKey, "EC": ECKey, "OKP": OKPKey}
"""The kinds of keys that have a public half. A shared secret has no place among published keys."""


_TROUBLES = (
    *(OSError, HTTPException),  # nobody answers, or not in HTTP
    *(ValueError, LookupError, TypeError, AttributeError, RecursionError),  # the answer is not what it ought to be
)


class PublishedKeys:
    """An issuer's keys, found by OpenID Connect Discovery 1.0.

    Args:
        issuer: its URL, as in the tokens' `iss`.
        clock: seconds of a clock that never goes back.
    """

    def __init__(self, issuer: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._issuer = issuer
        self._clock = clock
        self._keys = KeySet([])
        self._fetched_at = self._tried_at = float("-inf")
        self._away = False
        self._fetching = threading.Lock()

    def that_know(self, key_id: str | None) -> KeySet:
        """The keys, with the one of this id among them if there is one.

        Args:
            key_id: as a token names it; None if it names none.

        Raises:
            IssuerUnavailable: they cannot be had, or are too old.
        """
        if self._age() >= STALE_SECONDS or not self._knows(key_id):
            self._refresh(RETRY_SECONDS, wait=True)
        elif self._age() >= FRESH_SECONDS:
            self._refresh(_CALM_SECONDS, wait=False)
        if self._age() >= STALE_SECONDS or (self._away and not self._knows(key_id)):
            raise IssuerUnavailable("The issuer of tokens does not answer.")
        return self._keys

    def _knows(self, key_id: str | None) -> bool:
        return key_id is None or any(key.kid == key_id for key in self._keys)

    def _age(self) -> float:
        return self._clock() - self._fetched_at

    def _refresh(self, pause_seconds: float, *, wait: bool) -> None:
        if not self._fetching.acquire(blocking=wait):
            return
        try:
            # Whoever waited while another looked finds that it was done just now.
            if self._clock() - self._tried_at >= pause_seconds:
                self._look()
        finally:
            self._fetching.release()

    def _look(self) -> None:
        self._tried_at = self._clock()
        try:
            self._keys = _fetch_keys(self._issuer)
        except _TROUBLES as error:
            self._away = True
            log.warning("The issuer's keys cannot be had: %s", f"{type(error).__name__}: {error}"[:200])
        else:
            self._away = False
            self._fetched_at = self._clock()


def _fetch_keys(issuer: str) -> KeySet:
    # Whatever is not of the right form raises one of `_TROUBLES`.
    described = _fetch(issuer.rstrip("/") + _WELL_KNOWN)
    if described["issuer"] != issuer:
        raise ValueError("its discovery document is another issuer's")
    place = described["jwks_uri"]
    if not place.startswith("https://") and not issuer.startswith("http://"):
        raise ValueError("its keys are not published over https")
    keys = KeySet(list(_read_keys(_fetch(place)["keys"][:_MOST_KEYS])))
    if not keys:
        raise ValueError("it publishes no key that can be used")
    return keys


def _read_keys(published: list[dict[str, Any]]) -> Iterator[RSAKey | ECKey | OKPKey]:
    for entry in published:
        kind = _KINDS.get(entry.get("kty", ""))
        if kind is None or entry.get("use", "sig") != "sig":
            continue
        try:
            yield kind.import_key(cast("Any", entry))
        except (JoseError, ValueError, TypeError, LookupError):
            continue  # one that cannot be read must not keep the others from being used (RFC 7517, section 5)


def _fetch(url: str) -> Any:
    request = urllib.request.Request(url, headers={"Accept": "application/json"})  # noqa: S310 - http(s), by config
    with urllib.request.build_opener(_NoRedirect).open(request, timeout=_ANSWER_SECONDS) as answer:
        text = answer.read(_LONGEST_ANSWER_BYTES + 1)
    if len(text) > _LONGEST_ANSWER_BYTES:
        raise ValueError("its answer is too long")
    return json.loads(text)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Goes only where the operator or the discovery document said: a redirect is an error."""

    def redirect_request(self, *_: Any) -> None:
        """No request follows."""
