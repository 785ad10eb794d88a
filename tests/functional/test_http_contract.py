"""The error table of the contract, row by row, over real HTTP."""

import base64
import json
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import httpx2
import pytest

from tests.functional.api_only import Api
from tests.images import photo_jpeg, png_bomb, truncated
from tests.servers import eventually

MAX_IMAGE_BYTES = 200_000
RESIZE = "/api/v1/resize"
IMAGE = photo_jpeg(64, 48)
TOKEN = "00000000-0000-5000-8000-000000000000"  # that nobody was ever given


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """An API without broker."""
    with Api(tmp_path_factory.mktemp("contract"), max_image_bytes=MAX_IMAGE_BYTES) as api:
        yield api


def encoded(image: bytes) -> str:
    """Base64 as a client sends it."""
    return base64.b64encode(image).decode()


def send_json(api: Api, **body: object) -> httpx2.Response:
    """POST a JSON body."""
    return api.client.http.post(RESIZE, json=body)


def send(api: Api, way: str, image: bytes) -> httpx2.Response:
    """POST an image in one of the three ways in."""
    match way:
        case "json":
            return send_json(api, imageData=encoded(image))
        case "form":
            return api.client.http.post(RESIZE, files={"image": ("image", image)})
        case _:
            return api.client.post(image)


def refused(answer: httpx2.Response, status: int, code: str) -> dict[str, object]:
    """The problem document, which must be complete and of this kind."""
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (status, code), answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-store"
    assert problem["status"] == status
    assert problem["instance"] == httpx2.URL(str(answer.url)).path
    assert {"type", "title", "detail", "retryable"} <= problem.keys()
    return problem


WAYS = pytest.mark.parametrize("way", ["json", "form", "raw"])


@WAYS
def test_an_image_is_accepted(api: Api, way: str) -> None:
    """Every way in makes the same job of the same image."""
    answer = send(api, way, IMAGE)
    assert answer.status_code == 202, answer.text
    assert answer.json()["token"] == send(api, "raw", IMAGE).json()["token"]


@pytest.mark.parametrize(
    "request_",
    [
        {},
        {"headers": {"Content-Type": "application/json"}},
        {"json": {}},
        {"json": {"width": 3}},
        {"json": {"imageData": ""}},
        {"json": {"imageData": None}},
        {"files": {"image": ("image", b"")}},
        {"files": {"width": (None, "3")}},
        {"content": b"", "headers": {"Content-Type": "image/jpeg"}},
        {"content": iter([]), "headers": {"Content-Type": "image/jpeg"}},
    ],
)
def test_no_image(api: Api, request_: dict[str, object]) -> None:
    """No body, no image, an image of zero bytes: 400 empty-image."""
    refused(api.client.http.post(RESIZE, **request_), 400, "empty-image")


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"imageData": "QUJD",}', '{"imageData": "QUJD", "width": NaN}', '{"a": 1, "a": 2}', "[" * 9999]
)
def test_broken_json(api: Api, text: str) -> None:
    """What is not one JSON object: 400 malformed-request."""
    answer = api.client.http.post(RESIZE, content=text, headers={"Content-Type": "application/json"})
    refused(answer, 400, "malformed-request")


def test_a_broken_form(api: Api) -> None:
    """A form without an end is malformed too."""
    answer = api.client.http.post(
        RESIZE, content=b"--b\r\n", headers={"Content-Type": "multipart/form-data; boundary=b"}
    )
    refused(answer, 400, "malformed-request")


@pytest.mark.parametrize("text", ["QUJ", "Q-_=", "QU JD", "QU\nJD", "data:image/png,QUJD", "täxt"])
def test_broken_base64(api: Api, text: str) -> None:
    """What is not strict base64: 400 invalid-base64, with a hint and without an echo."""
    problem = refused(send_json(api, imageData=text), 400, "invalid-base64")
    assert text not in problem["detail"]


@WAYS
def test_an_image_over_the_limit(api: Api, way: str) -> None:
    """One byte too many: 413 image-too-large, whatever it is wrapped in."""
    assert send(api, way, IMAGE.ljust(MAX_IMAGE_BYTES, b"\0")).status_code == 202
    refused(send(api, way, IMAGE.ljust(MAX_IMAGE_BYTES + 1, b"\0")), 413, "image-too-large")


@WAYS
def test_far_over_the_limit(api: Api, way: str) -> None:
    """A client that sends twenty times too much still reads its answer."""
    refused(send(api, way, bytes(20 * MAX_IMAGE_BYTES)), 413, "image-too-large")


@pytest.mark.parametrize("image", [b"just text", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"BM" + bytes(60)])
def test_not_an_image(api: Api, image: bytes) -> None:
    """Not an image, or of a type that is not accepted: 415 unsupported-image, whatever the client calls it."""
    answer = api.client.http.post(RESIZE, content=image, headers={"Content-Type": "image/png"})
    refused(answer, 415, "unsupported-image")


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "application/xml"])
def test_not_a_body_that_is_read(api: Api, kind: str) -> None:
    """Another media type: 415 unsupported-media-type, and what to send instead."""
    answer = api.client.http.post(RESIZE, content=IMAGE, headers={"Content-Type": kind})
    refused(answer, 415, "unsupported-media-type")
    assert "application/json" in answer.headers["Accept-Post"]


def test_a_coded_body(api: Api) -> None:
    """Nothing is unpacked on the way in: 415."""
    headers = {"Content-Type": "image/jpeg", "Content-Encoding": "gzip"}
    answer = api.client.http.post(RESIZE, content=IMAGE, headers=headers)
    refused(answer, 415, "unsupported-media-type")
    assert answer.headers["Accept-Encoding"] == "identity"


def test_a_header_that_cannot_be_read(api: Api) -> None:
    """An image whose header is cut off: 422 corrupt-image, at once."""
    refused(api.client.post(truncated(photo_jpeg(64, 48, quality=50), 0.05)), 422, "corrupt-image")


def test_too_many_pixels(api: Api) -> None:
    """A few hundred bytes that announce billions of pixels: 422 too-many-pixels, before any is decoded."""
    refused(api.client.post(png_bomb()), 422, "too-many-pixels")


def test_wrong_options(api: Api) -> None:
    """Every wrong or unknown option is named by a pointer: 422 invalid-options."""
    body = {"imageData": encoded(IMAGE), "width": 0, "imageUrl": "http://example/", "outputs": [{"fit": "odd"}]}
    problem = refused(send_json(api, **body), 422, "invalid-options")
    assert {error["pointer"] for error in problem["errors"]} == {"/width", "/imageUrl", "/outputs/0/fit"}
    assert "odd" not in json.dumps(problem["errors"]).replace("/outputs/0/fit", "")


@pytest.mark.parametrize("token", ["nonsense", TOKEN])
@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_an_unknown_token(api: Api, method: str, token: str) -> None:
    """A token that was never given: 404 unknown-token."""
    refused(api.client.http.request(method, f"{RESIZE}/{token}"), 404, "unknown-token")


def test_an_erased_token(api: Api) -> None:
    """A token that was erased before its job began is REVOKED, and does nothing any more."""
    token = api.client.accepted(IMAGE, width=7)
    assert api.client.http.delete(f"{RESIZE}/{token}").status_code == 204
    assert api.client.job(token)["status"] == "REVOKED"


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nothing", 404, "not-found"),
        ("GET", "/images/", 404, "not-found"),
        ("GET", "/images/%2e%2e/%2e%2e/etc/passwd", 404, "not-found"),
        ("POST", f"{RESIZE}/", 404, "not-found"),
        ("PUT", RESIZE, 405, "method-not-allowed"),
        ("POST", f"{RESIZE}/x", 405, "method-not-allowed"),
        ("POST", "/healthz", 405, "method-not-allowed"),
    ],
)
def test_wrong_paths_and_methods(api: Api, method: str, path: str, status: int, code: str) -> None:
    """What HTTP itself refuses is a problem document too."""
    answer = api.client.http.request(method, path)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert ("Allow" in answer.headers) == (status == 405)


def test_the_type_of_a_problem_can_be_opened(api: Api) -> None:
    """`type` leads to a page about the problem."""
    kind = api.client.http.get("/nothing").json()["type"]
    page = api.client.http.get(kind)
    assert (page.status_code, page.headers["Content-Type"]) == (200, "text/plain; charset=utf-8")


def test_the_broker_away(api: Api) -> None:
    """Without a broker a job is accepted all the same, and the service says that it is degraded."""
    assert api.client.post(IMAGE, width=11).status_code == 202
    ready = api.client.http.get("/readyz")
    assert (ready.status_code, ready.json()["state"]) == (200, "degraded")
    assert ready.json()["parts"]["broker"]["state"] == "away"


def test_the_store_away(tmp_path: Path) -> None:
    """Without the store nothing is accepted: 503 unavailable, and when to ask again."""
    with Api(tmp_path, storage_url="file:/dev/null/objects") as api:
        answer = api.client.post(IMAGE)
        problem = refused(answer, 503, "unavailable")
        assert int(answer.headers["Retry-After"]) > 0
        assert problem["retryable"]
        assert "/dev/null" not in answer.text
        ready = api.client.http.get("/readyz")
        assert (ready.status_code, ready.json()["parts"]["store"]["state"]) == (503, "away")


def test_the_database_away(tmp_path: Path) -> None:
    """Without the database nothing is accepted and nothing known: 503 unavailable, and nothing is left in the store."""
    api = Api(tmp_path, database_url="sqlite:////dev/null/imagemill.db")
    try:
        api.start(tables=False)
        for answer in (api.client.post(IMAGE), api.client.http.get(RESIZE), api.client.http.get(f"{RESIZE}/{TOKEN}")):
            refused(answer, 503, "unavailable")
            assert int(answer.headers["Retry-After"]) > 0
        assert api.client.http.get("/readyz").json()["parts"]["database"]["state"] == "away"
        assert api.client.http.get("/healthz").status_code == 200
        assert not [path for path in (api.data / "objects").rglob("*") if path.is_file()]
    finally:
        api.stop()


def test_too_much_waiting_work(tmp_path: Path) -> None:
    """Past the bound on waiting jobs a new one is 503 overloaded; the jobs that stand already are answered as ever."""
    with Api(tmp_path, max_pending=1) as api:
        token = api.client.accepted(IMAGE, width=11)
        # The count of waiting jobs may be a second old, so that a few more can come in.
        widths = count(12)
        eventually(lambda: api.client.post(IMAGE, width=next(widths)).status_code == 503, what="the bound")
        answer = api.client.post(IMAGE, width=next(widths))
        problem = refused(answer, 503, "overloaded")
        assert problem["retryable"]
        assert int(answer.headers["Retry-After"]) > 0
        assert api.client.post(IMAGE, width=11).json() | {"status_url": None} == {
            "success": True,
            "token": token,
            "status": "PENDING",
            "reused": True,
            "status_url": None,
        }
