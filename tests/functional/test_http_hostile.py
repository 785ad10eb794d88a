"""What is meant to break the service, over real HTTP to a real worker: a clear answer each time, and nobody dies."""

from pathlib import Path

import pytest

from imagemill.domain.formats import ImageFormat
from tests import images
from tests.functional.running import Service
from tests.hostile import files

DAMAGE = [
    data
    for format in images.READABLE
    for data in (*files.flips(files.small(format), 4, seed=9), files.small(format)[: len(files.small(format)) * 2 // 3])
]
SENT = [*files.bombs().values(), *files.zeroes().values(), *files.strangers().values(), *DAMAGE]


@pytest.mark.timeout(240)
def test_each_gets_a_clear_answer_and_a_good_image_still_works(service: Service) -> None:
    """A refusal leaves nothing behind; an accepted job ends at its first attempt, so no child was lost over it."""
    before, tokens = _originals(service), []
    workers = service.pids("worker")
    for data in SENT:
        answer = service.client.post(data, width=24, format="png")
        if answer.status_code == 202:
            tokens.append(answer.json()["token"])
        else:
            assert answer.status_code in (400, 413, 415, 422), answer.text
            assert answer.headers["Content-Type"] == "application/problem+json"
            assert answer.json()["retryable"] is False
    jobs = [service.client.ended(token) for token in tokens]
    for job in jobs:
        assert job["attempts"] == 1
        assert job["status"] == "SUCCESS" or job["error"]["code"] == "corrupt-image", job
    assert 0 < len(tokens) < len(SENT)
    assert len(_originals(service) - before) <= len(set(tokens))

    good = service.client.ended(service.client.accepted(images.photo_jpeg(320, 240, seed=77), width=24))
    assert images.opened(service.client.image(good)).size == (24, 18)
    assert service.pids("worker") == workers


@pytest.mark.parametrize("declared", ["image/png", "image/svg+xml", "application/octet-stream"])
@pytest.mark.parametrize("name", ["photo.png", "page.html", "../../etc/passwd"])
def test_what_a_client_calls_it_does_not_count(service: Service, declared: str, name: str) -> None:
    """A JPEG is one whatever type and extension it is declared with, and is served as what it has become."""
    image = images.photo_jpeg(60, 40, seed=78)
    answer = service.client.http.post("/api/v1/resize", files={"image": (name, image, declared)}, data={"width": "30"})
    job = service.client.ended(answer.json()["token"])
    assert job["source"]["format"] == "jpeg"
    served = service.client.http.get(job["resized_image_url"])
    assert (served.headers["Content-Type"], served.headers["X-Content-Type-Options"]) == ("image/jpeg", "nosniff")


@pytest.mark.parametrize("name", files.polyglots())
def test_only_the_picture_of_a_polyglot_comes_out(service: Service, name: str) -> None:
    """The script that a picture carries is in no output, in whatever format."""
    for format in (ImageFormat.JPEG, ImageFormat.PNG, ImageFormat.GIF):
        token = service.client.accepted(files.polyglots()[name], width=20, format=format.value)
        assert b"script" not in service.client.image(service.client.ended(token))


def _originals(service: Service) -> set[Path]:
    return {path for path in (service.data / "objects" / "originals").rglob("*") if path.is_file()}
