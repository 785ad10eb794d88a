"""`imagemill config`: every setting, its value, where it came from. Secrets are masked, also those within URLs."""

# ruff: noqa: PLC0415 - what is slow to import is imported when the command runs, so that help is there at once

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from imagemill.cli import options

if TYPE_CHECKING:
    from imagemill.config import Settings

_WORKED_OUT = {
    "auth": "access",
    "database_url": "database",
    "storage_url": "storage",
    "outputs_url": "outputs",
    "broker_url": "broker",
    "wait_slots": "waits",
    "worker_concurrency": "concurrency",
    "log_format": "log_lines",
}
"""Settings that, left out, follow from others, and the property that says what they are then."""


def show(
    data: options.Data = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="Print the table of the documentation.")] = False,
) -> None:
    """Print every setting, its value and where it came from."""
    if as_markdown:
        typer.echo(markdown(), nl=False)
        return
    rows = settings_rows(options.settings(data=data), flags={"data"} if data else set())
    if as_json:
        typer.echo(json.dumps({row["variable"]: row for row in rows}, indent=2))
        return
    width = max(len(f"{row['variable']}={row['value']}") for row in rows)
    for row in rows:
        typer.echo(f"{row['variable']}={row['value']}".ljust(min(width, 72)) + f"  # {row['source']}")


def settings_rows(settings: "Settings", flags: set[str]) -> list[dict[str, str]]:
    """Variable, value and source of each setting, as text.

    Args:
        settings: what was loaded.
        flags: names of those that came from the command line.
    """
    from imagemill import config
    from imagemill.cli.masking import masked

    return [
        {
            "variable": config.PREFIX + name.upper(),
            "value": masked(getattr(settings, _WORKED_OUT.get(name, name))),
            "source": "flag" if name in flags else config.source_of(name, settings),
        }
        for name in config.Settings.model_fields
    ]


def markdown() -> str:
    """`docs/configuration.md`, whole."""
    from imagemill.config import PREFIX, Settings

    rows = "".join(
        f"| `{PREFIX}{name.upper()}` | {_default(field.default)} | {_escaped(field.description or '')} |\n"
        for name, field in Settings.model_fields.items()
    )
    return _HEAD + rows + _TAIL


def _default(value: Any) -> str:
    return "" if value in (None, "") else f"`{value}`"


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")


_HEAD = """\
# Configuration

Every setting is an environment variable. A flag of the command line, such as `--port`, wins over its variable; a
variable wins over the default; an empty one counts as left out. Instead of a variable, a file can hold the value:
`IMAGEMILL_SECRET_KEY_FILE` names the file of `IMAGEMILL_SECRET_KEY`, and so with every setting. Keep secrets so.
Durations are in seconds and sizes in bytes unless the name says otherwise.
imagemill refuses to start on a value that it cannot use or on a variable that it does not know, and names the variable.
`imagemill config` prints what is in force and where it came from; `imagemill doctor` tries it.

Outside the profile `development` it wants a secret key, and [keys](authentication.md) from those who use the API.

| Variable | Default | What it is |
| --- | --- | --- |
"""

_TAIL = """
An empty default means that the sentence beside it says what happens. This page is written by
`imagemill config --markdown`, and a test fails when it is out of date.
"""
