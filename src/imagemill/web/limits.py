"""How often one may ask: by address before anybody looks at a key, by key once it is known. Tells how one stands.

Source: draft-ietf-httpapi-ratelimit-headers-11, sections 3, 4 and 6; RFC 6585, section 4.
"""

from flask import Flask, Response, g, request

from imagemill.config import Settings
from imagemill.domain.caller import ANYBODY, STRANGER
from imagemill.domain.ports import RequestCounter
from imagemill.domain.rate import Rate, Standing
from imagemill.errors import RateLimited
from imagemill.web.address import client_address, subscriber
from imagemill.web.auth import caller_of

POLICY, STANDING = "RateLimit-Policy", "RateLimit"

_LIMITED = "/api/"
"""Where limits hold. Images are for all who have their URLs, and probes must not fail for other people's requests."""


class Limits:
    """Holds clients to their rates. Where none is set, nothing is done.

    Args:
        counter: that counts requests.
        settings: with the rates and the proxies that are trusted.
    """

    def __init__(self, counter: RequestCounter, settings: Settings) -> None:
        self._counter = counter
        self._proxies = settings.proxies
        self._by_address = _rate("address", settings.requests_per_minute_per_address)
        self._by_key = _rate("key", settings.requests_per_minute_per_key)

    def register_addresses(self, app: Flask) -> None:
        """Count requests by address. To be called before whoever looks at keys is registered."""
        if self._by_address or self._by_key:
            app.after_request(_tell)
        if self._by_address:
            app.before_request(self._check_address)

    def register_keys(self, app: Flask) -> None:
        """Count requests by key. To be called once it is known who asks."""
        if self._by_key:
            app.before_request(self._check_key)

    def _check_address(self) -> None:
        if self._by_address and request.path.startswith(_LIMITED):
            self._check(self._by_address, subscriber(client_address(request, self._proxies)))

    def _check_key(self) -> None:
        caller = caller_of(request)
        if self._by_key and request.path.startswith(_LIMITED) and caller not in (ANYBODY, STRANGER):
            self._check(self._by_key, caller.name)

    def _check(self, rate: Rate, who: str) -> None:
        standing = self._counter.count(rate, who)
        _standings().append(standing)
        if not standing.allowed:
            again = standing.again_seconds
            raise RateLimited(f"At most {rate.requests:,} requests in {rate.seconds} s; ask again in {again} s.", again)


def _rate(name: str, requests: int | None) -> Rate | None:
    return Rate(name, requests) if requests else None


def _standings() -> list[Standing]:
    standings: list[Standing] = g.setdefault("standings", [])
    return standings


def _tell(response: Response) -> Response:
    standings = _standings()
    if standings:
        rates = (standing.rate for standing in standings)
        response.headers[POLICY] = ", ".join(f'"{rate.name}";q={rate.requests};w={rate.seconds}' for rate in rates)
        response.headers[STANDING] = ", ".join(map(_item, standings))
    return response


def _item(standing: Standing) -> str:
    # The window slides: what is left is left for all of one from now on. A shorter time would tempt clients to hurry
    # (section 8.5). Once nothing is left, it is the time that Retry-After says.
    seconds = standing.rate.seconds if standing.left else standing.again_seconds
    return f'"{standing.rate.name}";r={standing.left};t={seconds}'
