"""The API alone, as real processes on loopback: real HTTP, database and store, without broker and worker."""

import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self
from uuid import UUID

from imagemill.cli.leash import Leash
from imagemill.config import Settings
from imagemill.errors import ImagemillError
from imagemill.wiring import for_worker
from tests.functional.running import COMMAND, READY_SECONDS, Client, command, environment, free_port
from tests.servers import eventually

ANSWER_SECONDS = 20.0


class Api:
    """`imagemill api` on a folder.

    Args:
        folder: for the data and the log.
        settings: any setting by its name.
    """

    def __init__(self, folder: Path, **settings: object) -> None:
        self.data = folder / "data"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.client = Client(self.url)
        self._settings = {"data": self.data, "port": self.port, "api_processes": 1, **settings}
        self._log = folder / "log"

    def __enter__(self) -> Self:
        return self.start()

    def start(self, *, tables: bool = True) -> Self:
        """Make the tables, unless told not to, and start; returns when it answers."""
        self.data.mkdir(parents=True, exist_ok=True)
        if tables:
            made = command("db", "upgrade", **self._settings)
            assert made.returncode == 0, made.stderr
        self._leash = Leash()
        with self._log.open("w") as log:
            self.process = subprocess.Popen(
                [*COMMAND, "api"],
                env=environment(**self._settings),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=self._leash.tie,  # noqa: PLW1509 - no thread is running yet
            )
        try:
            eventually(self._answers_or_is_over, READY_SECONDS, "an answer of the API")
            assert self.process.poll() is None, self.log()
        except AssertionError:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End it."""
        self.client.http.close()
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(ANSWER_SECONDS)
        finally:
            self._leash.close()

    def work(self, token: str) -> None:
        """Do the work of a job, in this process, as a worker would."""
        attempt = for_worker(Settings(data=self.data)).claim(UUID(token))
        assert attempt is not None
        try:
            attempt.work()
        except ImagemillError as error:
            attempt.give_up(error)

    def log(self) -> str:
        """All that it has said."""
        return self._log.read_text()

    @contextmanager
    def connection(self) -> Iterator[socket.socket]:
        """A bare connection, for requests that no client library would send."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=ANSWER_SECONDS) as connection:
            yield connection

    def _answers_or_is_over(self) -> bool:
        if self.process.poll() is not None:
            return True
        try:
            with self.connection() as connection:
                connection.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
                return connection.recv(12) == b"HTTP/1.0 200"
        except OSError:
            return False
