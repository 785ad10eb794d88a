"""The service under test: a real `imagemill up` on a data folder and a port of its own."""

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Self

from benchmarks.client import JPEG, Address, Connection, Part, UnexpectedAnswer
from benchmarks.processes import Process, tree

_READY_SECONDS = 30
_STOP_SECONDS = 45
_JOB_SECONDS = 60
_TOLD_CHARACTERS = 4000
_TOKEN = re.compile(rb'"token": ?"([0-9a-f-]{36})"')
_ENDED = re.compile(rb'"status": ?"(SUCCESS|FAILURE|REVOKED)"')


class Service:
    """A running service, as a context.

    Args:
        folder: where its data folder is made; removing it is the caller's business.
        workers: worker processes.
        variables: further variables of its environment, such as an allocator's.
        settings: further settings, by the names of their variables without `IMAGEMILL_`.
    """

    def __init__(
        self, folder: Path, workers: int = 2, variables: Mapping[str, str] | None = None, **settings: str
    ) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="service-", dir=folder))
        self._workers = workers
        self._variables = dict(variables or {}) | {f"IMAGEMILL_{name.upper()}": told for name, told in settings.items()}
        self.address: Address = ("127.0.0.1", free_port())

    def __enter__(self) -> Self:
        host, port = self.address
        command = ["up", "--host", host, "--port", str(port), "--data", str(self.data)]
        clean = {name: value for name, value in os.environ.items() if not name.startswith("IMAGEMILL_")}
        self._log = (self._folder / "log").open("wb")
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "imagemill.cli", *command, "--workers", str(self._workers)],
            env=clean | self._variables,
            stdout=subprocess.PIPE,
            stderr=self._log,
        )
        try:
            self._await_ready()
        except BaseException:
            self.__exit__(*sys.exc_info())
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        everyone = tree(self._process.pid)
        self._process.send_signal(signal.SIGTERM)
        for process in everyone:
            _signal(process, signal.SIGCONT)
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            for process in everyone:
                _signal(process, signal.SIGKILL)
            self._process.wait()
        self._log.close()
        if kind is not None:
            print(self.log[-_TOLD_CHARACTERS:], file=sys.stderr)

    @property
    def data(self) -> Path:
        """Its data folder."""
        return self._folder / "data"

    @property
    def log(self) -> str:
        """What the service has logged."""
        return (self._folder / "log").read_text(errors="replace")

    def processes(self, role: str) -> list[Process]:
        """Its processes of one role."""
        return [process for process in tree(self._process.pid) if process.role == role]

    def cpu_seconds(self) -> dict[str, float]:
        """Time on a core so far, by role."""
        used: dict[str, float] = defaultdict(float)
        for process in tree(self._process.pid):
            used[process.role] += process.cpu_seconds
        return used

    def freeze_worker(self) -> None:
        """Let nobody take jobs from here on."""
        for process in self.processes("worker"):
            process.freeze()

    def _await_ready(self) -> None:
        # Silence longer than the limit ends the process, and that ends the reading.
        assert self._process.stdout is not None
        deadline = time.monotonic() + _READY_SECONDS
        os.set_blocking(self._process.stdout.fileno(), False)
        while time.monotonic() < deadline and self._process.poll() is None:
            if b"ready:" in (self._process.stdout.readline() or b""):
                return
            time.sleep(0.02)
        raise UnexpectedAnswer("the service did not start")


def submit(connection: Connection, options: str, *image: Part) -> str:
    """Post an image; return the token of its job."""
    return _token(*connection.post(f"/api/v1/resize?{options}".encode(), *image))


def resubmit(connection: Connection, options: str, *image: Part) -> None:
    """Post an image whose job is there already."""
    status, body = connection.post(f"/api/v1/resize?{options}".encode(), *image)
    if status != 202 or b'"reused": true' not in body.replace(b'":true', b'": true'):
        raise UnexpectedAnswer(f"not reused: {status} {body[:300]!r}")


def finish(connection: Connection, options: str, *image: Part, headers: bytes = JPEG) -> bytes:
    """Post an image and wait until its job has succeeded; return what the service says of it then."""
    waiting = headers + b"Prefer: wait=30\r\n"
    status, body = connection.post(f"/api/v1/resize?{options}".encode(), *image, headers=waiting)
    token = _token(status, body)
    deadline = time.monotonic() + _JOB_SECONDS
    while not (ended := _ENDED.search(body)):
        if time.monotonic() > deadline:
            raise UnexpectedAnswer(f"a job has not ended in {_JOB_SECONDS} s")
        status, body = connection.get(f"/api/v1/resize/{token}".encode(), b"Prefer: wait=30\r\n")
        if not _ENDED.search(body):
            time.sleep(0.02)  # the service had no thread left for waiting
    if ended[1] != b"SUCCESS":
        raise UnexpectedAnswer(f"a job failed: {body[:500]!r}")
    return body


def ask(connection: Connection, token: str) -> None:
    """Get the status of a job that has ended."""
    status, body = connection.get(f"/api/v1/resize/{token}".encode())
    if status != 200 or not _ENDED.search(body):
        raise UnexpectedAnswer(f"not ended: {status} {body[:500]!r}")


def _token(status: int, body: bytes) -> str:
    found = _TOKEN.search(body)
    if status not in (200, 202) or not found:
        raise UnexpectedAnswer(f"not accepted: {status} {body[:500]!r}")
    return found[1].decode()


def _signal(process: Process, number: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(process.id, number)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])
