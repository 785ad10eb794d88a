"""The counter of requests: on the broker's server, so that all API processes count together; alone while it is away.

Knows neither keys nor addresses: whoever is counted is a name.

It stands on `limits`, the library under Flask-Limiter. The extension itself limits before it is known who asks, takes
any error of the application for an outage, writes headers of an older form, and costs four times as much.
"""

# ruff: noqa: PLC0415 - the library is slow to import, and of no use where no rate is set

import logging
import math
import threading
import time
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING

from redis.exceptions import RedisError

from imagemill.domain.rate import Rate, Standing

if TYPE_CHECKING:
    from limits.strategies import SlidingWindowCounterRateLimiter

log = logging.getLogger(__name__)

ANSWER_SECONDS = 0.2
"""How long the server may take to answer; a frozen one must not hold requests for longer."""

QUIET_SECONDS = 5.0
"""After a server that did not answer, each process counts alone for this long."""

_TROUBLES = (RedisError, OSError)


class SharedCounter:
    """A `RequestCounter` on Redis or Valkey. For each name it keeps two counts, of this window and of the last.

    Args:
        url: of the broker, in Celery's spelling; one that is not Redis is never asked, and each process counts alone.
        prefix: of its keys.
        clock: seconds of a clock that never goes back.
    """

    def __init__(self, url: str, prefix: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._url = url
        self._prefix = f"{prefix}:requests"
        self._clock = clock
        self._quiet_until = float("-inf") if url.startswith("redis") else float("inf")
        self._building = threading.Lock()

    def count(self, rate: Rate, who: str) -> Standing:
        """Count one more request, unless it is over the rate."""
        if self._clock() >= self._quiet_until:
            with self._building:
                shared = self._shared
            try:
                return _count(shared, rate, who)
            except _TROUBLES as error:
                self._quiet_until = self._clock() + QUIET_SECONDS
                log.warning("The broker's server does not answer; this process counts requests alone: %s", error)
        with self._building:
            alone = self._alone
        return _count(alone, rate, who)

    @cached_property
    def _shared(self) -> "SlidingWindowCounterRateLimiter":
        from limits.storage import RedisStorage
        from limits.strategies import SlidingWindowCounterRateLimiter

        storage = RedisStorage(
            _redis_url(self._url),
            key_prefix=self._prefix,
            socket_timeout=ANSWER_SECONDS,
            socket_connect_timeout=ANSWER_SECONDS,
        )
        return SlidingWindowCounterRateLimiter(storage)

    @cached_property
    def _alone(self) -> "SlidingWindowCounterRateLimiter":
        from limits.storage import MemoryStorage
        from limits.strategies import SlidingWindowCounterRateLimiter

        return SlidingWindowCounterRateLimiter(MemoryStorage())


def _count(limiter: "SlidingWindowCounterRateLimiter", rate: Rate, who: str) -> Standing:
    from limits import RateLimitItemPerSecond

    item = RateLimitItemPerSecond(rate.requests, rate.seconds)
    allowed = limiter.hit(item, rate.name, who)
    window = limiter.get_window_stats(item, rate.name, who)
    # The moment itself has to be over, too.
    again_seconds = math.floor(max(0.0, window.reset_time - time.time())) + 1
    return Standing(rate, allowed, window.remaining, again_seconds)


def _redis_url(celery_url: str) -> str:
    # Celery says redis+socket:///path?virtual_host=0 where this library says redis+unix:///path?db=0.
    return celery_url.replace("redis+socket://", "redis+unix://", 1).replace("virtual_host=", "db=", 1)
