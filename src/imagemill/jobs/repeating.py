"""When a call is run again: after a collision, after a connection that had died, and as long as patience lasts.

A call may have been committed although its answer was lost, so whatever is run again must be harmless to run twice.
"""

import random
import time
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy.exc import DBAPIError

from imagemill.errors import RecordUnavailable

_Result = TypeVar("_Result")

_COLLISIONS = frozenset({"40001", "40P01", 1213})
"""Serialisation failure and deadlock of PostgreSQL (by SQLSTATE), deadlock of MySQL: rolled back, as if never begun."""

_MOST_COLLISIONS = 10
_COLLISION_SECONDS = 0.01
_LOST_SECONDS = 1.0
_LOOK_SECONDS = 0.25


def repeat(work: Callable[[bool], _Result], patience_seconds: float) -> _Result:
    """Run a call, and again where that helps.

    Args:
        work: told whether an earlier run may have been committed.
        patience_seconds: how long to go on while the database is away.

    Raises:
        RecordUnavailable: the last run's.
    """
    began = time.monotonic()
    runs = 0
    while True:
        try:
            return work(runs > 0)
        except RecordUnavailable as error:
            runs += 1
            pause = _pause_seconds(error, runs, time.monotonic() - began, patience_seconds)
            if pause is None:
                raise
        time.sleep(pause)


def _pause_seconds(error: RecordUnavailable, runs: int, seconds: float, patience_seconds: float) -> float | None:
    cause = error.__cause__
    if isinstance(cause, DBAPIError):
        if _code(cause) in _COLLISIONS and runs <= _MOST_COLLISIONS:
            return random.uniform(0, runs * _COLLISION_SECONDS)
        # The server was restarted since the connection was used last. One that was silent for long is not there.
        if cause.connection_invalidated and runs == 1 and seconds < _LOST_SECONDS:
            return 0.0
    return _LOOK_SECONDS if seconds < patience_seconds else None


def _code(error: DBAPIError) -> object:
    """SQLSTATE of psycopg, number of PyMySQL."""
    return getattr(error.orig, "sqlstate", None) or next(iter(error.orig.args if error.orig else ()), None)
