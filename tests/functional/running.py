"""The whole service as real processes: what functional and chaos tests start, ask, kill and look into."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import httpx2

from imagemill.cli.leash import Leash
from tests.images import photo_jpeg
from tests.servers import eventually

READY_SECONDS = 60.0
"""Far more than it takes, so that a busy machine fails no test; `test_up.py` watches the speed."""

STOP_SECONDS = 40.0
COMMAND = (sys.executable, "-P", "-m", "imagemill.cli")
ENDED = ("SUCCESS", "FAILURE", "REVOKED")


def free_port() -> int:
    """A TCP port of the loopback interface that nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(data: Path, **settings: object) -> dict[str, str]:
    """The environment of an imagemill process in the testing profile, with nothing inherited from the developer's."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("IMAGEMILL_")}
    guards = {"profile": "testing", "secret_key": "known to the tests, and to nobody else", "auth": "off"}
    chosen = {**guards, "data": data, "log_format": "text", **settings}
    return inherited | {f"IMAGEMILL_{name.upper()}": str(value) for name, value in chosen.items()}


def command(*words: str, data: Path, **settings: object) -> "subprocess.CompletedProcess[str]":
    """Run a command of imagemill to its end."""
    return subprocess.run(
        [*COMMAND, *words], env=environment(data, **settings), capture_output=True, text=True, timeout=60, check=False
    )


@dataclass(frozen=True)
class Process:
    """A running process, as /proc shows it."""

    pid: int
    parent: int
    words: tuple[str, ...]

    @property
    def role(self) -> str:
        """up, api, worker, beat, broker, leash, or else what runs below a worker: pool for a child that renders."""
        line = " ".join(self.words)
        if "imagemill.cli" in self.words:
            return self.words[self.words.index("imagemill.cli") + 1]
        marks = {"leash.py": "leash", "-server": "broker", "spawn_main": "pool"}
        return next((role for mark, role in marks.items() if mark in line), "other")


class Client:
    """What a client of the service does."""

    def __init__(self, url: str) -> None:
        self.url = url
        # One connection for each request: an old one may lead to a process that a test has killed.
        self.http = httpx2.Client(base_url=url, timeout=30, headers={"Connection": "close"}, trust_env=False)

    def post(self, image: bytes, **options: object) -> httpx2.Response:
        """POST an image as the raw body."""
        headers = {"Content-Type": "application/octet-stream"}
        query = {name: str(value) for name, value in options.items()}
        return self.http.post("/api/v1/resize", content=image, params=query, headers=headers)

    def accepted(self, image: bytes, **options: object) -> str:
        """POST an image that must be accepted; its token."""
        answer = self.post(image, **options)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["token"])

    def accepts(self) -> bool:
        """Whether a POST is accepted right now."""
        try:
            return self.post(photo_jpeg(8, 8)).status_code == 202
        except httpx2.HTTPError:
            return False

    def job(self, token: str) -> dict[str, Any]:
        """What GET says of a job."""
        answer = self.http.get(f"/api/v1/resize/{token}")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def ended(self, token: str, seconds: float = 60.0) -> dict[str, Any]:
        """Wait until a job has ended; what GET says of it then."""
        eventually(lambda: self.job(token)["status"] in ENDED, seconds, f"the end of job {token}")
        return self.job(token)

    def image(self, job: Mapping[str, Any], output: int = 0) -> bytes:
        """The bytes of an output of a job that has succeeded."""
        assert job["status"] == "SUCCESS", job
        answer = self.http.get(job["outputs"][output]["url"])
        assert answer.status_code == 200, answer.text
        return answer.content


class Service:
    """`imagemill up` on a folder: starts, stops, and starts again on what it left there.

    Args:
        folder: for the data and the log; made if need be.
        program: how imagemill is called; left out, as the tests' own environment has it.
        settings: any setting by its name, such as `worker_concurrency=1`.
    """

    def __init__(self, folder: Path, program: Sequence[str | Path] = COMMAND, **settings: object) -> None:
        self.program = program
        self.data = folder / "data"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.client = Client(self.url)
        self.settings = {"port": self.port, "worker_concurrency": 2, "shutdown_seconds": 20, **settings}
        self.process: subprocess.Popen[str] | None = None
        self.output = folder / "output"
        self._log = folder / "log"
        folder.mkdir(parents=True, exist_ok=True)
        self._log.touch()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self, **settings: object) -> Self:
        """Start it and wait until it is ready; `settings` are added to the earlier ones."""
        self.settings |= settings
        self.spawn()
        try:
            eventually(self._ready_or_over, READY_SECONDS, "ready")
        except AssertionError:
            self.close()
            raise AssertionError(f"imagemill did not become ready:\n{self.log()}") from None
        assert self.process is not None
        assert self.process.poll() is None, f"imagemill ended at once:\n{self.log()}"
        return self

    def spawn(self) -> None:
        """Start it without waiting."""
        # Should the tests be killed, the leash takes the supervisor, and the supervisor's own leash the rest.
        self._leash = Leash()
        with self._log.open("a") as log, self.output.open("w") as output:
            self.process = subprocess.Popen(
                [*self.program, "up"],
                env=environment(self.data, **self.settings),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=log,
                text=True,
                start_new_session=True,
                preexec_fn=self._leash.tie,  # noqa: PLW1509 - no thread is running yet
            )

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the supervisor."""
        assert self.process is not None
        self.process.send_signal(number)

    def wait(self, seconds: float = STOP_SECONDS) -> int:
        """Wait until the supervisor has ended; its exit code, negative for a signal."""
        assert self.process is not None
        code = self.process.wait(seconds)
        self._leash.close()
        self.process = None
        return code

    def stop(self) -> int:
        """SIGTERM, and the exit code."""
        self.signal(signal.SIGTERM)
        return self.wait()

    def kill(self) -> None:
        """SIGKILL of the supervisor; returns when everything below it is gone, which fails after some seconds."""
        self.signal(signal.SIGKILL)
        self.wait()
        eventually(lambda: not self.processes(), what="the end of every process")

    def close(self) -> None:
        """End whatever is left, by force."""
        self.client.http.close()
        if self.process is not None:
            self.process.kill()
            self.wait()
        for process in self.processes():
            with suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)
        eventually(lambda: not self.processes(), what="the end of every process")

    def processes(self) -> list[Process]:
        """Every process that works on the data folder, orphans too; found by environment and command line."""
        return [process for process in _all_processes(os.fsencode(self.data)) if process.pid != os.getpid()]

    def pids(self, role: str) -> list[int]:
        """Processes of a role; for api, which forks, the one that the supervisor started comes first."""
        found = {process.pid: process.parent for process in self.processes() if process.role == role}
        return sorted(found, key=lambda pid: (found[pid] in found, pid))

    def log(self) -> str:
        """All that was said on standard error since the folder was made."""
        return self._log.read_text()

    def _ready_or_over(self) -> bool:
        assert self.process is not None
        return self.output.read_text().startswith("ready: ") or self.process.poll() is not None


def _all_processes(mark: bytes) -> Iterator[Process]:
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        with suppress(OSError):
            words = (entry / "cmdline").read_bytes()
            # A zombie has no command line: it is as good as gone.
            if words and (mark in words or mark in (entry / "environ").read_bytes()):
                parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
                yield Process(int(entry.name), parent, tuple(words.decode(errors="replace").rstrip("\0").split("\0")))
