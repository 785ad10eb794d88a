"""The store without room: nothing is accepted that cannot be kept."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.chaos.ledger import QUICK
from tests.functional.running import Service
from tests.images import photo_png
from tests.servers import eventually

ROOM_BYTES = 512 * 1024


def test_a_full_disk_refuses_the_image_and_leaves_nothing(tmp_path: Path) -> None:
    """503 with Retry-After, no row, no bytes; when there is room again, the same request is accepted."""
    image = photo_png(900, 700)
    assert len(image) > ROOM_BYTES
    with Service(tmp_path, **QUICK) as service:
        before = _files(service)
        with _files_bounded(service.pids("api")):
            answer = service.client.post(image, width=16)

            assert answer.status_code == 503, answer.text
            assert answer.headers["Retry-After"]
            assert (answer.json()["code"], answer.json()["retryable"]) == ("unavailable", True)
            assert service.client.http.get("/api/v1/resize").json()["jobs"] == []
            assert _files(service) == before

        assert service.client.ended(service.client.accepted(image, width=16))["status"] == "SUCCESS"


def test_a_full_disk_at_the_worker_is_tried_again(tmp_path: Path) -> None:
    """A worker that cannot store an output returns the job, more often than a worker may die; it ends in SUCCESS."""
    with Service(tmp_path, **QUICK | {"max_attempts": 1}, worker_concurrency=1) as service:
        with _files_bounded(service.pids("pool")):
            token = service.client.accepted(photo_png(900, 700), width=890, format="png")
            eventually(lambda: service.log().count("status=PENDING") >= 2, 30, "a second attempt")
            assert service.client.job(token)["status"] in ("PENDING", "IN_PROGRESS")

        job = service.client.ended(token)
        assert (job["status"], job["attempts"]) == ("SUCCESS", 1)


def _files(service: Service) -> set[Path]:
    return {path for path in (service.data / "objects").rglob("*") if path.is_file()}


@contextmanager
def _files_bounded(pids: list[int]) -> Iterator[None]:
    # No file may grow past this: to a write it looks like a disk without room, and it needs no root.
    former = {pid: resource.prlimit(pid, resource.RLIMIT_FSIZE) for pid in pids}
    for pid, (_, hard) in former.items():
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (ROOM_BYTES, hard))
    try:
        yield
    finally:
        for pid, limits in former.items():
            resource.prlimit(pid, resource.RLIMIT_FSIZE, limits)
