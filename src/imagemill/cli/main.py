"""The command `imagemill`. Commands import what they need when they run, so that help is there at once."""

import sys

import typer

from imagemill.cli import alive, config, db, doctor, keys, roles, up
from imagemill.errors import ConfigurationError, ImagemillError


def commands() -> typer.Typer:
    """All commands, in the order of the help."""
    app = typer.Typer(
        name="imagemill",
        help="A self-hosted image resizing service. Settings are environment variables: see `imagemill config`.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    for command in (up.up, roles.api, roles.worker, roles.beat, roles.flower):
        app.command()(command)
    app.add_typer(keys.commands(), name="keys")
    app.add_typer(db.commands(), name="db")
    for command in (doctor.doctor, config.show):
        app.command(command.__name__ if command is not config.show else "config")(command)
    app.command()(alive.alive)
    return app


def run() -> None:
    """The console script: an error of ours is one line, and exit code 2 if a setting is to blame, else 1."""
    try:
        commands()()
    except ImagemillError as error:
        from imagemill.cli.trouble import told  # noqa: PLC0415 - slow to import, and help does not need it

        typer.echo(f"imagemill: {told(error)}", err=True)
        sys.exit(2 if isinstance(error, ConfigurationError) else 1)
