"""Servers that tests start for themselves, and end by process id."""

import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self

from redis import Redis

from imagemill.cli import embedded

START_SECONDS = 10.0


def eventually(condition: Callable[[], object], seconds: float = START_SECONDS, what: str = "the condition") -> None:
    """Wait until a condition holds; fail when it does not within the time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not come true within {seconds} s"
        time.sleep(0.01)


class Mortal:
    """A server of one process, which a test may kill and freeze."""

    _process: subprocess.Popen[bytes] | None = None

    def kill(self) -> None:
        """SIGKILL."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def freeze(self) -> None:
        """Let it answer nothing while its connections stay open."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Undo `freeze`."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)


class Valkey(Mortal):
    """A Valkey server on a unix socket in a folder of its own, with an append-only file."""

    def __init__(self) -> None:
        # Not pytest's tmp_path: its name is too long for a socket.
        self._folder = tempfile.TemporaryDirectory(prefix="imagemill-")
        self.socket = Path(self._folder.name) / "s"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Its address, as the setting `broker_url` spells it."""
        return f"redis+socket://{self.socket}?virtual_host=0"

    @property
    def client(self) -> "Redis":
        """A client of it."""
        return Redis(unix_socket_path=str(self.socket), socket_timeout=START_SECONDS)

    def start(self) -> Self:
        """Start it, on what it kept if it ran before; returns when it answers."""
        folder = Path(self._folder.name) / "kept"
        folder.mkdir(exist_ok=True)
        self.socket.unlink(missing_ok=True)
        command = embedded.server_command(embedded.server_program(), self.socket, folder)
        # Every second is enough for a service that has a record, but on a slow disk a message may then be answered for
        # before it is written, and a test that kills the server counts messages.
        command += ["--appendfsync", "always"]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        eventually(lambda: embedded.answers(self.socket), what="Valkey's answer")
        return self

    def close(self) -> None:
        """End it and remove what it kept."""
        self.kill()
        self._folder.cleanup()
