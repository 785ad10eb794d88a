"""`imagemill up`: the whole service on one machine, with nothing else installed.

Says which children there are, in which order, and when all is ready; the supervisor looks after them.
"""

# ruff: noqa: PLC0415 - what is slow to import is imported when the command runs, so that help is there at once

import json
import sys
from collections.abc import Callable
from contextlib import nullcontext
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated

import typer

from imagemill.cli import embedded, options, sample
from imagemill.cli.address import ask, client_url, require_free
from imagemill.cli.entry import locked_out
from imagemill.cli.lock import locked
from imagemill.cli.supervisor import Child, Stopped, Supervisor
from imagemill.cli.terminal import own_foreground
from imagemill.errors import RecordUnavailable

if TYPE_CHECKING:
    from imagemill.config import Settings

_PING_SECONDS = 0.5
_MARGIN_SECONDS = 2.0
_UPGRADE = "db upgrade"


def up(
    host: options.Host = None,
    port: options.Port = None,
    data: options.Data = None,
    workers: Annotated[int | None, typer.Option("--workers", help="Worker processes; left out, one per core.")] = None,
    foreground: Annotated[bool, typer.Option("--foreground", hidden=True)] = False,
) -> None:
    """Run the whole service: broker, worker, sweep and API. Ctrl-C ends it."""
    from imagemill import observability

    settings = options.settings(host=host, port=port, data=data, worker_concurrency=workers)
    observability.configure(settings, "up")
    with own_foreground() if foreground else nullcontext():
        serve(settings)


def serve(settings: "Settings") -> None:
    """Run the service until SIGTERM or SIGINT.

    Raises:
        ConfigurationError: the data folder or the port is in use, or there is no broker to run.
        RecordUnavailable: the database could not be brought up to date.
    """
    with locked(settings.data) as lock:
        require_free(settings.host, settings.port)
        settings.secret()
        try:
            with Supervisor(held=(lock,)) as supervisor:
                _launch(supervisor, settings)
                _announce(client_url(settings.host, settings.port), settings)
                supervisor.watch()
        except Stopped:
            return


def _launch(supervisor: Supervisor, settings: "Settings") -> None:
    # Stopping goes the other way: the API first, so that nothing new comes in, and the broker last.
    supervisor.start(_role(settings, "db", "upgrade", once=True))
    if not settings.broker_url:
        _start_broker(supervisor, settings)
    supervisor.wait_until(lambda: supervisor.exit_code(_UPGRADE) is not None, "the database")
    if supervisor.exit_code(_UPGRADE):
        raise RecordUnavailable("The database could not be brought up to date; the lines above say why.")
    supervisor.start(_role(settings, "beat"))
    for role in ("worker", "api"):
        supervisor.start(_role(settings, role, stop_seconds=settings.shutdown_seconds + _MARGIN_SECONDS))
    supervisor.wait_until(lambda: _api_answers(settings), "the API", lambda: parts_away(settings))
    supervisor.wait_until(_worker_answers(settings), "a worker")


def _role(settings: "Settings", *words: str, stop_seconds: float = 5.0, once: bool = False) -> Child:
    from imagemill import config

    return Child(
        name=" ".join(words),
        # -P: modules that lie about in the working folder are none of ours.
        command=[sys.executable, "-P", "-m", "imagemill.cli", *words],
        environment=config.environment(settings),
        stop_seconds=stop_seconds,
        once=once,
    )


def _start_broker(supervisor: Supervisor, settings: "Settings") -> None:
    path, folder = settings.broker_socket, settings.data.absolute() / "broker"
    embedded.prepare(path, folder)
    command = embedded.server_command(embedded.server_program(), path, folder)
    supervisor.start(Child(name="broker", command=command, environment={}))
    supervisor.wait_until(lambda: embedded.answers(path), "the broker")


def _api_answers(settings: "Settings") -> bool:
    answer = ask(settings.host, settings.port, "/readyz")
    return answer is not None and answer[0] == HTTPStatus.OK


def parts_away(settings: "Settings") -> str:
    """What /readyz says of the parts that are away; empty if nobody answers."""
    answer = ask(settings.host, settings.port, "/readyz")
    try:
        parts = json.loads(answer[1])["parts"] if answer else {}
        away = {name: part["detail"] for name, part in parts.items() if part["state"] != "ok"}
    except (ValueError, LookupError, TypeError, AttributeError):
        return "what answers on its port is not imagemill"
    if not away:
        return ""
    return f"{'; '.join(f'{name}: {detail}' for name, detail in away.items())} `imagemill doctor` says more."


def _worker_answers(settings: "Settings") -> Callable[[], bool]:
    from imagemill.broker import create_celery, worker_answers

    app = create_celery(settings)
    return lambda: worker_answers(app, _PING_SECONDS)


def _announce(url: str, settings: "Settings") -> None:
    body = f'{{"imageData": "{sample.PNG_BASE64}"}}'
    key = """ -H "X-API-Key: $KEY\"""" if settings.auth_required else ""
    typer.echo(f"ready: {url}")
    if (warning := locked_out(settings)) is not None:
        typer.echo(f"but {warning}")
    typer.echo(
        f"try: curl {url}/api/v1/resize{key} -H 'Content-Type: application/json' -H 'Prefer: wait=5' -d '{body}'"
    )
    sys.stdout.flush()
