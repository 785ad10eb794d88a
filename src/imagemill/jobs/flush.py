"""Leaves out a commit's wait for the disk, where what is written may be forgotten in a power cut."""

from typing import Any

from sqlalchemy import Boolean
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement


class Unflushed(FunctionElement[bool]):
    """SQL that is true; a statement that has it among its conditions is committed without waiting for the disk.

    SQLite is told beforehand, by `Database.changing`. MySQL knows no such thing for a single transaction.
    """

    type = Boolean()
    inherit_cache = True


@compiles(Unflushed)
def _of_any(*_: Any, **__: Any) -> str:
    return "1"


@compiles(Unflushed, "postgresql")
def _of_postgresql(*_: Any, **__: Any) -> str:
    # Set for the transaction that the statement is, and read when it commits: SET LOCAL without the round trips of
    # BEGIN and COMMIT (postgresql.org/docs/current/functions-admin.html).
    return "set_config('synchronous_commit', 'off', true) IS NOT NULL"
