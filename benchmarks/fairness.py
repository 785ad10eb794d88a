"""How long one owner's single job waits while another owner has hundreds waiting."""

import time
from collections.abc import Iterator
from datetime import datetime
from statistics import mean, median

from benchmarks.client import UnexpectedAnswer
from benchmarks.plan import Fresh, Plan
from benchmarks.reference import PROCESSES
from benchmarks.report import Figure, Goal
from benchmarks.service import Service
from imagemill.config import Settings
from imagemill.domain.caller import Caller, Scope
from imagemill.domain.job import Job
from imagemill.domain.recipe import Recipe
from imagemill.wiring import WebServices, for_web

BULK = 400
"""More than is done while it is posted and the single jobs are waited for."""

SINGLES = 9
_WAIT_SECONDS = 60
_RECIPE = Recipe.parse({"width": 100, "height": 100})


def measure(plan: Plan) -> Iterator[Figure]:
    """Single jobs of ever new owners, one after the other, in job times: what one job takes once it has begun."""
    fresh = Fresh(plan.jpeg(1))
    with Service(plan.folder, PROCESSES) as service:
        # Taken in by this process, past HTTP: the workers do not see a difference, and no keys are needed.
        api = for_web(Settings(data=service.data))
        bulk = [_accept(api, "bulk", fresh) for _ in range(BULK)]
        singles = [_ended(api, _accept(api, f"single {number}", fresh)) for number in range(SINGLES)]
        if api.follow.job(bulk[-1].token, "bulk").status.terminal:
            raise UnexpectedAnswer("the backlog was done too soon")
        done = [_ended(api, job) for job in bulk[: BULK // 2]]
    job_seconds = mean(_seconds(job, job.started_at) for job in done)
    waits = [_seconds(job, job.created_at) / job_seconds for job in singles]
    yield Figure(
        f"a single job behind {BULK} of another owner",
        median(waits),
        "job times",
        goal=Goal("figure", most=4),
        details={"longest": max(waits), "job ms": job_seconds * 1000},
    )


def _accept(api: WebServices, owner: str, fresh: Fresh) -> Job:
    caller = Caller(owner, owner, frozenset(Scope))
    return api.intake.accept(caller, b"".join(fresh()), _RECIPE).job


def _ended(api: WebServices, job: Job) -> Job:
    deadline = time.monotonic() + _WAIT_SECONDS
    while not job.status.terminal:
        if time.monotonic() > deadline:
            raise UnexpectedAnswer(f"a job has not ended in {_WAIT_SECONDS} s")
        time.sleep(0.01)
        job = api.follow.job(job.token, job.owner)
    return job


def _seconds(job: Job, began: datetime | None) -> float:
    if job.finished_at is None or began is None:
        raise UnexpectedAnswer("a job has ended without having begun")
    return (job.finished_at - began).total_seconds()
