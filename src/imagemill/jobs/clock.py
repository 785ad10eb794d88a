"""The database's clock, the only one that the record goes by: the clocks of several machines never agree."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class DatabaseClock(FunctionElement[int]):
    """SQL for the present, in milliseconds since the epoch; the same wherever it stands in one statement."""

    type = BigInteger()
    inherit_cache = True


@compiles(DatabaseClock, "sqlite")
def _of_sqlite(*_: Any, **__: Any) -> str:
    # Julian day 2440587.5 is the epoch (sqlite.org/lang_datefunc.html). A double holds the day to 40 µs, so that
    # rounding gives back the millisecond that SQLite counts in.
    return "CAST(ROUND((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER)"


@compiles(DatabaseClock, "postgresql")
def _of_postgresql(*_: Any, **__: Any) -> str:
    # now() would be the transaction's start, clock_timestamp() would run on within a statement.
    return "CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000 AS BIGINT)"


@compiles(DatabaseClock, "mysql")
def _of_mysql(*_: Any, **__: Any) -> str:
    # Of the statement's start, as NOW() is; SYSDATE() would run on. UNIX_TIMESTAMP() may end in 2038.
    return "(TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(3)) DIV 1000)"


def milliseconds(seconds: float) -> int:
    """A duration as the tables count it."""
    return round(seconds * 1000)


def moment(milliseconds: int) -> datetime:
    """A time of the tables as a datetime, UTC."""
    return _EPOCH + timedelta(milliseconds=milliseconds)


def moment_if_any(milliseconds: int | None) -> datetime | None:
    """The same for a column that may be NULL."""
    return None if milliseconds is None else moment(milliseconds)
