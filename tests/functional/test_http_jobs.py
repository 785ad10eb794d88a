"""A job over real HTTP from the first answer to the last byte, conditional and partial delivery, and waiting."""

import threading
from collections.abc import Iterator

import httpx2
import pytest

from tests.functional.api_only import Api
from tests.functional.running import Service
from tests.images import opened, photo_jpeg
from tests.servers import eventually

RESIZE = "/api/v1/resize"
IMAGE = photo_jpeg(320, 240)


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """An API of one process with four threads, two of which may wait; no broker, no worker."""
    with Api(tmp_path_factory.mktemp("jobs"), api_threads=4, wait_slots=2) as api:
        yield api


@pytest.fixture(scope="module")
def url(api: Api) -> str:
    """The URL of a finished output."""
    token = api.client.accepted(IMAGE, width=80)
    api.work(token)
    return str(api.client.job(token)["resized_image_url"])


def test_from_image_to_image(api: Api) -> None:
    """Post, ask, fetch: the job's record and the picture are what was asked for."""
    answer = api.client.http.post(
        RESIZE, files={"image": ("a.jpg", IMAGE)}, data={"outputs": '[{"width": 40}, {"name": "wide", "width": 90}]'}
    )
    token = answer.json()["token"]
    assert (answer.status_code, answer.headers["Location"]) == (202, f"{api.url}{RESIZE}/{token}")
    assert answer.json()["status_url"] == answer.headers["Location"]
    before = api.client.http.get(answer.headers["Location"])
    assert (before.json()["status"], before.headers["Retry-After"]) == ("PENDING", "1")

    api.work(token)
    job = api.client.job(token)
    assert job["status"] == "SUCCESS"
    assert job["source"] == {"format": "jpeg", "width": 320, "height": 240, "bytes": len(IMAGE), "frames": 1}
    assert [(output["name"], output["width"], output["height"]) for output in job["outputs"]] == [
        ("image-1", 40, 30),
        ("wide", 90, 68),
    ]
    for at, output in enumerate(job["outputs"]):
        picture = api.client.image(job, at)
        assert len(picture) == output["bytes"]
        assert opened(picture).size == (output["width"], output["height"])
    assert job["resized_image_url"] == job["outputs"][0]["url"]


def test_a_failed_job_says_why(api: Api) -> None:
    """An image whose pixels turn out to be damaged ends in FAILURE with a problem in `error`; asking is still a 200."""
    token = api.client.accepted(IMAGE[: len(IMAGE) // 2], width=80)
    api.work(token)
    job = api.client.job(token)
    assert (job["status"], job["error"]["code"], job["error"]["retryable"]) == ("FAILURE", "corrupt-image", False)
    assert (job["error"]["status"], job["error"]["instance"]) == (422, f"/api/v1/resize/{token}")
    assert api.client.http.get(job["error"]["type"]).status_code == 200


def test_an_image_is_cached_for_ever_and_asked_for_once(api: Api, url: str) -> None:
    """Immutable, with a strong tag that saves the second transfer."""
    first = api.client.http.get(url)
    assert first.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert first.headers["Content-Type"] == "image/jpeg"
    assert first.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in first.headers["Content-Security-Policy"]
    again = api.client.http.get(url, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_a_part_of_an_image(api: Api, url: str) -> None:
    """Ranges are served from the file and add up to the whole."""
    whole = api.client.http.get(url).content
    first = api.client.http.get(url, headers={"Range": "bytes=0-99"})
    rest = api.client.http.get(url, headers={"Range": "bytes=100-"})
    assert (first.status_code, rest.status_code) == (206, 206)
    assert first.content + rest.content == whole
    outside = api.client.http.get(url, headers={"Range": f"bytes={len(whole)}-"})
    assert (outside.status_code, outside.headers["Content-Range"]) == (416, f"bytes */{len(whole)}")


def test_the_head_of_an_image(api: Api, url: str) -> None:
    """HEAD tells the length without the bytes."""
    head = api.client.http.head(url)
    assert int(head.headers["Content-Length"]) == len(api.client.http.get(url).content)


def test_jobs_are_listed(api: Api) -> None:
    """Newest first, with a link from page to page."""
    tokens = [api.client.accepted(IMAGE, width=width) for width in (201, 202, 203)]
    first = api.client.http.get(RESIZE, params={"limit": 2})
    second = api.client.http.get(first.links["next"]["url"])
    listed = [job["token"] for answer in (first, second) for job in answer.json()["jobs"]]
    assert listed[:3] == tokens[::-1]


def test_an_erased_job_leaves_nothing(api: Api) -> None:
    """DELETE takes the outputs away too, at once."""
    token = api.client.accepted(IMAGE, width=99)
    api.work(token)
    url = api.client.job(token)["resized_image_url"]
    assert api.client.http.delete(f"{RESIZE}/{token}").status_code == 204
    assert api.client.http.get(url).status_code == 404
    assert api.client.http.get(f"{RESIZE}/{token}").status_code == 404


def test_waiting_requests_leave_threads_for_others(api: Api) -> None:
    """With every slot taken a wait is not granted, and plain requests are answered at once."""
    token = api.client.accepted(IMAGE, width=55)
    answers: list[httpx2.Response] = []

    def ask() -> None:
        headers = {"Prefer": "wait=5", "Connection": "close"}
        answers.append(httpx2.get(f"{api.url}{RESIZE}/{token}", headers=headers, timeout=30, trust_env=False))

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    eventually(lambda: answers, what="the answer to the wait that finds no slot")
    assert api.client.job(token)["status"] == "PENDING"
    assert api.client.http.get("/healthz").status_code == 200
    assert api.client.post(IMAGE, width=56).status_code == 202
    assert len(answers) == 1, "the plain requests were answered only after the waiting ones"
    for thread in threads:
        thread.join(20)
    assert [answer.headers.get("Preference-Applied") for answer in answers] == [None, "wait=5", "wait=5"]
    assert {answer.json()["status"] for answer in answers} == {"PENDING"}


def test_a_wait_ends_with_the_job(service: Service) -> None:
    """With a worker, one request is enough: POST with `Prefer: wait` answers with the finished job."""
    headers = {"Content-Type": "image/jpeg", "Prefer": "wait=20"}
    answer = service.client.http.post(
        RESIZE, content=photo_jpeg(400, 300, seed=7), params={"width": 33}, headers=headers
    )
    assert (answer.status_code, answer.headers["Preference-Applied"]) == (200, "wait=20")
    assert answer.json()["status"] == "SUCCESS"
    assert opened(service.client.image(answer.json())).size == (33, 25)
