"""ipx and thumbor as processes: two of each, as the service has two workers, with nothing kept between two requests."""

import json
import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from benchmarks.client import Address, UnexpectedAnswer
from benchmarks.processes import Process
from benchmarks.reference import PROCESSES
from benchmarks.service import free_port

INSTALLED = Path(__file__).parents[2] / ".peers"
"""Where `make bench-peers` puts them."""

_HERE = Path(__file__).parent
_READY_SECONDS = 20

Told = Mapping[str, dict[str, object]]
"""What the encoders are told, by format, in the peer's words; nothing means the peer's own defaults."""


@dataclass(frozen=True)
class Peer:
    """A server that makes images while it answers.

    Args:
        name: of the project.
        program: what `make bench-peers` has installed if it is there.
        command: from the folder with the pictures, the port and what the encoders are told, to what is run.
        target: from a file's name, the longest sides (height 0 for any) and a format to the path of the request.
        alike: what makes its encoders do what the service's do by default.
    """

    name: str
    program: Path
    command: Callable[[Path, int, Told], list[str]]
    target: Callable[[str, int, int, str], str]
    alike: Told

    @property
    def installed(self) -> bool:
        """Whether it can be started."""
        return self.program.exists()

    @contextmanager
    def serving(self, folder: Path, told: Told) -> Iterator["Servers"]:
        """Processes that answer.

        Args:
            folder: with the pictures; what the peer writes goes there too.
            told: to its encoders.
        """
        with ExitStack() as stack:
            ports = [free_port() for _ in range(PROCESSES)]
            processes = [
                stack.enter_context(_running(self.command(folder, port, told), folder / f"{self.name}-{port}.log"))
                for port in ports
            ]
            for port in ports:
                _await_port(self.name, port)
            yield Servers(self.name, [("127.0.0.1", port) for port in ports], processes)


@dataclass(frozen=True)
class Servers:
    """A peer's running processes.

    Args:
        name: of the peer.
        addresses: over which clients are to be spread.
        processes: their numbers.
    """

    name: str
    addresses: list[Address]
    processes: list[int]

    def cpu_seconds(self) -> dict[str, float]:
        """Time on a core so far, of all of them."""
        return {self.name: sum(Process(number, self.name, child=False).cpu_seconds for number in self.processes)}


def _ipx_command(folder: Path, port: int, told: Told) -> list[str]:
    return ["node", str(_HERE / "ipx.mjs"), str(folder), str(port), json.dumps(told)]


def _ipx_target(name: str, width: int, height: int, format: str) -> str:
    size = f"s_{width}x{height},fit_inside" if height else f"w_{width}"
    return f"/f_{format},{size}/{name}"


def _thumbor_command(folder: Path, port: int, told: Told) -> list[str]:
    settings = {
        "LOADER": "thumbor.loaders.file_loader",
        "FILE_LOADER_ROOT_PATH": str(folder),
        "STORAGE": "thumbor.storages.no_storage",
        **{name: value for settings in told.values() for name, value in settings.items()},
    }
    configuration = folder / f"thumbor-{port}.conf"
    configuration.write_text("".join(f"{name} = {value!r}\n" for name, value in settings.items()))
    options = ["--ip", "127.0.0.1", "--port", str(port), "--conf", str(configuration), "--log-level", "error"]
    return [str(THUMBOR.program), *options]


def _thumbor_target(name: str, width: int, height: int, format: str) -> str:
    size = f"fit-in/{width}x{height}" if height else f"{width}x"
    return f"/unsafe/{size}/filters:format({format})/{name}"


IPX = Peer(
    "ipx",
    INSTALLED / "node_modules" / "ipx" / "package.json",
    _ipx_command,
    _ipx_target,
    {
        "jpeg": {"quality": 80, "progressive": False, "chromaSubsampling": "4:2:0", "optimiseCoding": True},
        "png": {"palette": False, "compressionLevel": 6, "adaptiveFiltering": True},
        "webp": {"quality": 79, "effort": 4},
        "avif": {"quality": 63, "effort": 1, "chromaSubsampling": "4:2:0", "bitdepth": 8},
    },
)
"""sharp behind HTTP, the server of Nuxt Image. It has no words for efforts, so ipx.mjs has them put in."""

THUMBOR = Peer(
    "thumbor",
    INSTALLED / "thumbor" / "bin" / "thumbor",
    _thumbor_command,
    _thumbor_target,
    {
        "jpeg": {"QUALITY": 80, "PROGRESSIVE_JPEG": False},  # to name 4:2:0, its default, would set the quality to 0
        "png": {"PNG_COMPRESSION_LEVEL": 6},
        "webp": {"WEBP_QUALITY": 79},  # its method is Pillow's 4, as here
        "avif": {"AVIF_QUALITY": 63, "AVIF_SPEED": 8},  # libaom's speed is 9 less the effort
    },
)
"""Pillow behind HTTP, in Python as the service is."""

PEERS = (IPX, THUMBOR)


@contextmanager
def _running(command: list[str], log: Path) -> Iterator[int]:
    # VIPS_CONCURRENCY and the like would change a peer's defaults.
    clean = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "TMPDIR", "LANG")}
    with log.open("wb") as written:
        process = subprocess.Popen(
            command, cwd=INSTALLED, env=clean | {"NODE_ENV": "production"}, stdout=written, stderr=written
        )
    try:
        yield process.pid
    finally:
        process.terminate()
        try:
            process.wait(_READY_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _await_port(name: str, port: int) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while time.monotonic() < deadline:
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        time.sleep(0.05)
    raise UnexpectedAnswer(f"{name} did not start")
