"""The worker: Celery tasks of a few lines. Turns time limits, lack of memory and surprises into the domain's errors."""

import logging
import resource
import time
from functools import cache
from typing import Any
from uuid import UUID

from celery import Task, shared_task
from celery.exceptions import SoftTimeLimitExceeded
from celery.signals import setup_logging, worker_process_init, worker_process_shutdown

from imagemill import allocation, config, cores, observability, wiring
from imagemill.broker import RENDER_TASK, create_celery, origin_of
from imagemill.errors import (
    ImagemillError,
    MemoryLimitExceeded,
    NewerRecord,
    RecordUnavailable,
    RenderFailed,
    TimeLimitExceeded,
)
from imagemill.flow.render import Attempt, Render
from imagemill.observability.exposition import serve
from imagemill.observability.instruments import Instruments, instruments
from imagemill.observability.tracing import tracing

log = logging.getLogger(__name__)

_USUAL_BYTES = 32 * 2**20
"""What decoding and encoding take at a time: a photograph of 10 megapixels decoded whole, as for a set of outputs.
Larger ones are shrunk while they are read, or are rare."""


def run(settings: config.Settings, queues: str | None = None) -> None:
    """Run a worker in this process until SIGTERM; its children work.

    Args:
        settings: handed to the children through the environment.
        queues: comma-separated names of the queues to take jobs from; left out, the settings' queue.

    Raises:
        ConfigurationError: no child could work with these settings.
    """
    # A child that cannot be built is only logged, and the worker would take messages all the same.
    wiring.for_worker(settings)
    tracing(settings, "worker").close()
    config.export(settings)
    serve(wiring.for_scrapes(settings), settings)
    create_celery(settings).worker_main(
        [
            "--quiet",
            "worker",
            f"--concurrency={settings.concurrency}",
            f"--queues={queues or settings.queue}",
            # Only of what billiard says in a new child before the log is configured there.
            "--loglevel=WARNING",
            # They would tell workers about each other; the record tells all that is needed.
            "--without-gossip",
            "--without-mingle",
            "--without-heartbeat",
        ]
    )


@shared_task(name=RENDER_TASK, bind=True)
def render(task: Task[Any, Any], token: str) -> None:
    """Work one job: the token's, or the one whose turn it is."""
    origin = origin_of(task.request)
    observability.bind(token=token, **{name: origin[name] for name in ("request_id", "key") if name in origin})
    try:
        with seen().tracing.span("render", origin):
            attempt = services().claim(UUID(token))
            if attempt is not None:
                _name(attempt, token)
                work(attempt)
    except RecordUnavailable as error:
        # However far it came, the record will tell the sweep, and the sweep sends it again.
        observability.logger().warning("record away", reason=error.detail, cause=observability.cause(error))
    except NewerRecord as error:
        # The record has given it back already.
        observability.logger().warning("job of a later release", cause=observability.cause(error))
    finally:
        observability.unbind()


def _name(attempt: Attempt, token: str) -> None:
    if str(attempt.token) != token:
        # The message woke this worker for another's job; the request behind the message is not behind that one.
        observability.unbind("request_id", "key")
        observability.bind(token=str(attempt.token))


def work(attempt: Attempt) -> None:
    """Work a claimed job and leave one line about it in the log and a few facts in its trace."""
    started = time.monotonic()
    code = cause = None
    try:
        status = attempt.work()
    except Exception as error:  # noqa: BLE001 - a job must end whatever happens to it
        reason = explain(error)
        code, cause = reason.code, observability.cause(reason)
        status = attempt.give_up(reason)
    job = attempt.claim.job
    observability.logger().info(
        "job",
        status=str(status or "lease lost"),
        code=code,
        cause=cause,
        attempt=job.attempts,
        ms=round((time.monotonic() - started) * 1000, 1),
        source=str(job.original.header.format),
        bytes=job.original.bytes,
        outputs=len(job.recipe.outputs),
        **{f"{stage}_ms": round(seconds * 1000, 1) for stage, seconds in attempt.seconds.items()},
    )
    outcome = str(status or "lease lost")
    seen().tracing.note(token=str(job.token), attempt=job.attempts, outcome=outcome, failed=code)


def explain(error: Exception) -> ImagemillError:
    """The domain's name for whatever stopped a job."""
    if isinstance(error, ImagemillError):
        return error
    if isinstance(error, SoftTimeLimitExceeded):
        return TimeLimitExceeded("The job took longer than this service allows.")
    if isinstance(error, MemoryError):
        return MemoryLimitExceeded("The job needed more memory than this service allows.")
    log.error("A job failed for a reason that imagemill does not know.", exc_info=error)
    return RenderFailed("The service failed at this job; its log says why.")


@cache
def services() -> Render:
    """The worker's flow, built on first use in each child process."""
    return wiring.for_worker(config.load(), seen())


@cache
def seen() -> Instruments:
    """What each child process is seen by, made on first use."""
    return instruments(config.load(), "worker")


@setup_logging.connect
def configure_logging(**_: Any) -> None:
    """Keep Celery from configuring the log; called in the worker and in each of its children."""
    observability.configure(config.load(), "worker")


@worker_process_shutdown.connect
def leave(**_: Any) -> None:
    """Send the last traces: a child ends without ceremony."""
    seen().tracing.close()


@worker_process_init.connect
def prepare_child(**_: Any) -> None:
    """Bound the child's memory and cores, and build what its first job needs before that job is there."""
    settings = config.load()
    if settings.worker_own_cores:
        # Before there are threads, which inherit it.
        cores.keep_to_one(settings.concurrency)
    # One for Python and one for libvips' threads, of which one works at a time: more keep more and win no time.
    allocation.keep_usual_buffers(_USUAL_BYTES, kept_bytes=_USUAL_BYTES, arenas=2)
    limit = settings.worker_max_address_bytes
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    # An operator's own limit may be lower and cannot be raised.
    resource.setrlimit(resource.RLIMIT_AS, (limit if hard == resource.RLIM_INFINITY else min(limit, hard), hard))
    services()
