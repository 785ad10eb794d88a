"""The client's own account of what was accepted: what the service must never contradict."""

import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2

from tests.functional.running import ENDED, Service
from tests.servers import eventually

QUICK: dict[str, object] = {
    "lease_seconds": 1,
    "sweep_seconds": 0.2,
    "resend_seconds": 1,
    "max_attempts": 3,
    "api_processes": 1,
    "shutdown_seconds": 5,
}
"""Settings under which recovery takes seconds."""


class Ledger:
    """Notes each accepted job and, from when it is first seen ended, what was said of it."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.tokens: list[str] = []
        self._seen: dict[str, dict[str, Any]] = {}

    def post(self, image: bytes, **options: object) -> str:
        """POST until there is an answer, as a client does that got none; the answer must be 202."""
        deadline = time.monotonic() + 30
        while True:
            try:
                token = self.service.client.accepted(image, **options)
            except httpx2.TransportError:
                assert time.monotonic() < deadline, "the API did not come back"
                time.sleep(0.05)
            else:
                self.tokens.append(token)
                return token

    def await_end(self, seconds: float = 60.0) -> list[dict[str, Any]]:
        """Wait until every accepted job has ended; what is said of each."""
        deadline = time.monotonic() + seconds
        for token in self.tokens:
            eventually(
                lambda token=token: self.look(token)["status"] in ENDED,  # type: ignore[misc]
                max(0.1, deadline - time.monotonic()),
                f"the end of job {token}",
            )
        return [self.look(token) for token in self.tokens]

    def look(self, token: str) -> dict[str, Any]:
        """What GET says of a job; fails if it contradicts what was said after its end."""
        # Before the question is asked: another thread may see the end while this answer, from before it, is on its way.
        seen = self._seen.get(token)
        job = self.service.client.job(token)
        if seen is not None:
            assert job == seen, "a job that had ended has changed"
        if job["status"] in ENDED:
            self._seen[token] = job
        return job

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Look at some job again and again meanwhile; a contradiction fails at the end."""
        stop, troubles = threading.Event(), list[BaseException]()
        chance = random.Random(1)

        def watch() -> None:
            while not stop.wait(0.03):
                try:
                    if self.tokens:
                        self.look(chance.choice(self.tokens))
                except httpx2.TransportError:
                    continue
                except AssertionError as error:
                    troubles.append(error)
                    return

        thread = threading.Thread(target=watch, daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()
        if troubles:
            raise troubles[0]

    def assert_one_result_each(self) -> None:
        """Every successful job's outputs are delivered, and the store holds these images and no other."""
        urls = set()
        for token in self.tokens:
            job = self.look(token)
            if job["status"] == "SUCCESS":
                for position, output in enumerate(job["outputs"]):
                    assert len(self.service.client.image(job, position)) == output["bytes"]
                    urls.add(output["url"].rpartition("/")[2])
        assert urls == {path.name for path in stored_images(self.service)}


def stored_images(service: Service) -> list[Path]:
    """The files of all outputs in the service's store."""
    return [path for path in (service.data / "objects" / "images").rglob("*") if path.is_file()]
