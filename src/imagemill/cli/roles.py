"""The roles alone, for several machines: `imagemill api`, `imagemill worker`, `imagemill beat`, `imagemill flower`."""

# ruff: noqa: PLC0415 - what is slow to import is imported when the command runs, so that help is there at once

import logging
from typing import Annotated

import typer

from imagemill.cli import options
from imagemill.cli.address import exposure
from imagemill.cli.entry import locked_out

log = logging.getLogger(__name__)


def api(host: options.Host = None, port: options.Port = None, data: options.Data = None) -> None:
    """Run the HTTP API."""
    from imagemill import observability
    from imagemill.cli import gunicorn

    settings = options.settings(host=host, port=port, data=data)
    observability.configure(settings, "api")
    for warning in filter(None, (exposure(settings), locked_out(settings))):
        log.warning(warning)
    gunicorn.run(settings)


def worker(
    concurrency: Annotated[int | None, typer.Option(help="Child processes; left out, one per core.")] = None,
    queues: Annotated[str | None, typer.Option(help="Queues to take jobs from, separated by commas.")] = None,
    data: options.Data = None,
) -> None:
    """Run a worker, which resizes."""
    from imagemill import worker as role

    role.run(options.settings(worker_concurrency=concurrency, data=data), queues)


def flower(port: Annotated[int | None, typer.Option(help="TCP port to listen on.")] = None) -> None:
    """Run Flower, which shows Celery's tasks and workers."""
    from imagemill import flower as role

    role.run(options.settings(flower_port=port))


def beat(data: options.Data = None) -> None:
    """Run the sweep, which sends again what was lost and removes what has expired."""
    from imagemill import beat as role

    role.run(options.settings(data=data))
