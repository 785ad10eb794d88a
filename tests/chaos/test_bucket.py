"""The bucket's server killed and back: nothing is accepted that cannot be kept, nothing accepted is lost."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import httpx2
import pytest

from tests.buckets import Rclone
from tests.chaos.ledger import QUICK
from tests.functional.running import Service
from tests.images import photo_png
from tests.servers import eventually


@pytest.fixture(scope="module")
def bucket() -> Iterator[Rclone]:
    """A server with a bucket."""
    server = Rclone().start()
    yield server
    server.close()


@pytest.fixture(scope="module")
def service(bucket: Rclone, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service whose images lie there, and which sends clients there."""
    settings = QUICK | bucket.settings(bucket.bucket()) | {"worker_concurrency": 1, "max_attempts": 1}
    with Service(tmp_path_factory.mktemp("bucket"), **settings, delivery="redirect", images="signed") as service:
        yield service


def test_without_the_bucket_nothing_is_accepted(service: Service, bucket: Rclone) -> None:
    """503 with Retry-After within seconds, no row, no bytes; when it is back, the same request is accepted and done."""
    image = photo_png(300, 200)
    jobs = service.client.http.get("/api/v1/resize").json()["jobs"]
    before = bucket.objects()
    bucket.kill()
    try:
        answer = service.client.post(image, width=16)
    finally:
        bucket.start()
    assert answer.status_code == 503, answer.text
    assert int(answer.headers["Retry-After"]) > 0
    assert (answer.json()["code"], answer.json()["retryable"]) == ("unavailable", True)
    assert answer.elapsed.total_seconds() < 20
    assert service.client.http.get("/api/v1/resize").json()["jobs"] == jobs
    assert bucket.objects() == before

    job = service.client.ended(service.client.accepted(image, width=16))
    assert job["status"] == "SUCCESS"
    assert "StoreError: Connection refused" in service.log()


def test_an_accepted_job_outlives_the_bucket(service: Service, bucket: Rclone) -> None:
    """Killed between the POST and the work, it costs the job retries and no attempt; back, the job ends in SUCCESS."""
    with stopped(service.pids("pool")):
        token = service.client.accepted(photo_png(301, 200), width=16)
        bucket.kill()
    retried = f"status=PENDING token={token}"
    try:
        eventually(lambda: service.log().count(retried) >= 1, 60, "a job that waits for the bucket")
        assert service.client.job(token)["status"] in ("PENDING", "IN_PROGRESS")
    finally:
        bucket.start()
    job = service.client.ended(token)
    assert (job["status"], job["attempts"]) == ("SUCCESS", 1)


def test_clients_are_sent_to_the_bucket(service: Service, bucket: Rclone) -> None:
    """The job's URL is the bucket's own, signed, with the type and the word to caches; unsigned it leads nowhere."""
    job = service.client.ended(service.client.accepted(photo_png(302, 200), width=20, format="webp"))
    url = job["resized_image_url"]
    assert url.startswith(f"{bucket.url}/")
    image = httpx2.get(url, trust_env=False)
    assert (image.status_code, len(image.content)) == (200, job["outputs"][0]["bytes"])
    assert image.headers["Content-Type"] == "image/webp"
    assert image.headers["Cache-Control"] == "private, max-age=31536000, immutable"
    assert httpx2.get(url.partition("?")[0], trust_env=False).status_code in (400, 403)
    name = url.partition("?")[0].rpartition("/images/")[2]
    refused = service.client.http.get(f"/images/{name}")
    assert (refused.status_code, refused.json()["code"]) == (403, "invalid-link")


def test_an_erased_job_leaves_nothing_in_the_bucket(service: Service, bucket: Rclone) -> None:
    """Neither its original nor its outputs."""
    before = bucket.objects()
    token = service.client.accepted(photo_png(303, 200), width=20)
    assert service.client.ended(token)["status"] == "SUCCESS"
    assert len(bucket.objects() - before) == 2
    assert service.client.http.delete(f"/api/v1/resize/{token}").status_code == 204
    eventually(lambda: bucket.objects() == before, 60, "an empty bucket")


@contextmanager
def stopped(pids: list[int]) -> Iterator[None]:
    """Processes that do nothing meanwhile."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
