"""`imagemill alive`: whether the role that a container runs lives. For health checks: cheap, and asks no other part.

A role whose database or broker is away is alive: to start it again would mend nothing, and cost its jobs an attempt.
"""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from imagemill.cli import options
from imagemill.cli.address import ask

if TYPE_CHECKING:
    from imagemill.config import Settings

_FIRST = 1
_PROC = Path("/proc")
_SERVING = ("api", "up")
_STILL = "TtZX"
"""States of a process that does nothing: stopped, traced, or dead. Source: proc(5)."""


def alive() -> None:
    """Say whether the role that this container runs lives."""
    if (trouble := trouble_of(options.settings(), _PROC)) is not None:
        typer.echo(f"imagemill: {trouble}", err=True)
        raise typer.Exit(1)


def trouble_of(settings: "Settings", proc: Path) -> str | None:
    """What is wrong with the role that is the first process; None if nothing.

    Args:
        settings: of the role, from the same variables.
        proc: the kernel's folder of processes.
    """
    role = _role(proc)
    if role is None:
        return "the first process is no role of imagemill"
    if _fields(proc / str(_FIRST))[0] in _STILL:
        return f"{role} is stopped"
    if role in _SERVING:
        answer = ask(settings.host, settings.port, "/healthz")
        return None if answer is not None and answer[0] == 200 else f"{role} does not answer"
    if role == "worker" and not any(_children(proc)):
        return "worker has no child that works"
    return None


def _role(proc: Path) -> str | None:
    # What the kernel started: perhaps an interpreter, then the console script, then what it is to do.
    words = (proc / str(_FIRST) / "cmdline").read_bytes().decode(errors="replace").rstrip("\0").split("\0")
    names = [Path(word).name for word in words]
    return words[names.index("imagemill") + 1] if "imagemill" in names[:-1] else None


def _children(proc: Path) -> Iterator[str]:
    for process in proc.glob("[0-9]*"):
        with suppress(OSError):  # It may have ended by now.
            state, parent = _fields(process)[:2]
            if parent == str(_FIRST) and state not in _STILL:
                yield process.name


def _fields(process: Path) -> list[str]:
    # Behind the name, which is in parentheses and may hold anything.
    return (process / "stat").read_text().rpartition(")")[2].split()
