"""One owner's bulk does not keep another's single job waiting, over the real broker, record and workers."""

import os
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager

from imagemill.config import Settings
from imagemill.domain.caller import Caller, Scope
from imagemill.domain.recipe import Recipe
from imagemill.wiring import WebServices, for_web
from tests.functional.running import Service
from tests.images import photo_jpeg
from tests.servers import eventually

BULK = 200
RECIPE = Recipe.parse({"width": 8})


@contextmanager
def idle_workers(service: Service) -> Iterator[None]:
    """Let nobody work for a while, so that a backlog is as long as it was made."""
    pids = [*service.pids("worker"), *service.pids("pool")]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def accept(api: WebServices, owner: str, count: int) -> None:
    """So many new jobs of an owner."""
    caller = Caller(owner, owner, frozenset(Scope))
    for number in range(count):
        api.intake.accept(caller, photo_jpeg(16, 16) + f"{owner} {number}".encode(), RECIPE)


def ended(service: Service) -> list[str]:
    """The owners of all jobs of this test that have ended, in the order of their ends."""
    with closing(sqlite3.connect(service.data / "imagemill.db")) as record:
        rows = record.execute("SELECT owner FROM jobs WHERE owner IN ('bulk', 'single') ORDER BY finished_at")
        return [owner for (owner,) in rows.fetchall()] if _all_ended(record) else []


def _all_ended(record: sqlite3.Connection) -> bool:
    waiting = "SELECT count(*) FROM jobs WHERE owner IN ('bulk', 'single') AND finished_at IS NULL"
    return bool(record.execute(waiting).fetchone()[0] == 0)


def test_a_single_job_overtakes_a_backlog(service: Service) -> None:
    """Behind 200 waiting jobs of another owner, a job is second in line: with two workers it ends among the first."""
    api = for_web(Settings(data=service.data))
    with idle_workers(service):
        accept(api, "bulk", BULK)
        accept(api, "single", 1)
    eventually(lambda: ended(service), seconds=60, what="the end of all jobs")
    order = ended(service)
    assert len(order) == BULK + 1
    assert order.index("single") <= 5
