"""`imagemill db`: the tables of the record and their version."""

# ruff: noqa: PLC0415 - what is slow to import is imported when the command runs, so that help is there at once

from typing import Annotated

import typer

from imagemill.cli import options


def commands() -> typer.Typer:
    """The group of commands."""
    group = typer.Typer(no_args_is_help=True, help="The tables of the record and their version.")
    for command in (upgrade, current, check, copy):
        group.command()(command)
    return group


def upgrade(data: options.Data = None) -> None:
    """Bring the database up to this release."""
    from imagemill.jobs import schema

    schema.upgrade(options.settings(data=data).database)


def current(data: options.Data = None) -> None:
    """Print the version of the database."""
    from imagemill.jobs import schema

    typer.echo(schema.current(options.settings(data=data).database) or "empty")


def check(data: options.Data = None) -> None:
    """Fail unless the database is of this release."""
    from imagemill.jobs import schema

    schema.check(options.settings(data=data).database)
    typer.echo("up to date")


def copy(
    source: Annotated[str, typer.Argument(help="URL of the database to copy from; it is only read.")],
    data: options.Data = None,
) -> None:
    """Copy the record of another database into this one, which has to be empty. Stop all roles before."""
    from imagemill.jobs import copying

    for table, rows in copying.copy(source, options.settings(data=data).database).items():
        typer.echo(f"{rows:>10} {table}")
