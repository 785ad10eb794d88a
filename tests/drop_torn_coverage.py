"""Removes coverage files that a killed process left half-written; `coverage combine` would stop at them.

Run by `make test` between the tests, which kill processes, and the report.
"""

import sqlite3
from contextlib import closing
from pathlib import Path


def is_whole(path: Path) -> bool:
    """Whether a coverage file is a database without damage."""
    try:
        with closing(sqlite3.connect(path)) as database:
            (state,) = database.execute("PRAGMA integrity_check").fetchone()
            return bool(state == "ok" and database.execute("SELECT count(*) FROM coverage_schema").fetchone()[0])
    except sqlite3.DatabaseError:
        return False


if __name__ == "__main__":
    for path in Path().glob(".coverage.*"):
        if not is_whole(path):
            path.unlink()
