"""Flags that several commands share, and the settings that come of them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from imagemill.config import Settings

Data = Annotated[Path | None, typer.Option("--data", metavar="DIR", help="Folder for the record, images and broker.")]
Host = Annotated[str | None, typer.Option("--host", help="Address to listen on.")]
Port = Annotated[int | None, typer.Option("--port", help="TCP port to listen on.")]


def settings(**flags: Any) -> "Settings":
    """The settings; a flag that was given wins over the environment variable. Raises ConfigurationError."""
    from imagemill import config  # noqa: PLC0415 - slow to import, and help does not need it

    return config.load(flags)
