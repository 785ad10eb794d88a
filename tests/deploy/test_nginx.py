"""nginx in front of two API servers: what a client sees through it."""

import json
import re
import ssl
import subprocess
from http.client import HTTPResponse

import httpx2
import pytest

from imagemill.web.schemas import Problem
from tests.deploy.conftest import MAX_BODY_BYTES, MAX_IMAGE_BYTES
from tests.deploy.proxy import Proxy
from tests.functional.api_only import Api
from tests.images import photo_jpeg
from tests.programs import required
from tests.servers import eventually

IMAGE = photo_jpeg(64, 48)
RESIZE = "/api/v1/resize"
Servers = tuple[Api, Api]


def problem_of(answer: httpx2.Response) -> Problem:
    """An answer that must be a problem document, like the API's own in every header."""
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert re.fullmatch(r"[0-9a-f]{32}", answer.headers["X-Request-ID"])
    problem = Problem.model_validate_json(answer.content)
    assert problem.status == answer.status_code
    return problem


@pytest.fixture
def picture(servers: Servers, proxy: Proxy) -> str:
    """The URL of an image that was made."""
    token = proxy.client.accepted(IMAGE, width=20)
    if proxy.client.job(token)["status"] == "PENDING":
        servers[0].work(token)
    return str(proxy.client.job(token)["resized_image_url"])


def test_plain_http_is_sent_to_https(proxy: Proxy) -> None:
    """With its path and query, and by 308, so that a POST stays one."""
    plain = httpx2.Client(base_url=f"http://127.0.0.1:{proxy.plain_port}", trust_env=False, headers={"Host": "a.test"})
    with plain:
        answer = plain.post(f"{RESIZE}?width=3", content=IMAGE)
    assert (answer.status_code, answer.headers["Location"]) == (308, f"https://a.test{RESIZE}?width=3")


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_tls_is_forward_secret_and_speaks_http_2(proxy: Proxy, version: ssl.TLSVersion) -> None:
    """TLS 1.2 and 1.3 with authenticated encryption; a client that can is offered HTTP/2."""
    context = proxy.trust()
    context.minimum_version = context.maximum_version = version
    context.set_alpn_protocols(["h2", "http/1.1"])
    with proxy.connection(context) as connection:
        assert connection.selected_alpn_protocol() == "h2"
        assert re.search(r"GCM|CHACHA20", str(connection.cipher()))
        assert version is ssl.TLSVersion.TLSv1_3 or str(connection.cipher()[0]).startswith("ECDHE-")


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated")
def test_old_tls_is_refused(proxy: Proxy) -> None:
    """TLS 1.1 gets no further than its first message, even from a client that would take any cipher."""
    context = proxy.trust()
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises(ssl.SSLError, match="PROTOCOL_VERSION"):
        proxy.connection(context)


def test_http_2_carries_a_request(proxy: Proxy) -> None:
    """A whole exchange by HTTP/2, and URLs that lead back through nginx."""
    words = [required("curl", "curl"), "--silent", "--http2", "--cacert", str(proxy.folder / "ca.pem")]
    words += ["--write-out", "\n%{http_version} %{http_code}", f"{proxy.url}/"]
    body, _, told = subprocess.run(words, capture_output=True, text=True, timeout=60, check=True).stdout.rpartition(
        "\n"
    )
    assert told == "2 200"
    assert json.loads(body)["resize"] == f"{proxy.url}{RESIZE}"


def test_an_image_goes_through(servers: Servers, proxy: Proxy, picture: str) -> None:
    """nginx sends the bytes that the API names, with the headers that the API gave them."""
    answer = proxy.client.http.get(picture)
    key = picture.removeprefix(f"{proxy.url}/")
    assert answer.content == (servers[0].data / "objects" / key).read_bytes()
    assert answer.headers["Content-Type"] == "image/jpeg"
    assert "immutable" in answer.headers["Cache-Control"]
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert not {"Content-Encoding", "X-Accel-Redirect", "Strict-Transport-Security"} & set(answer.headers)
    assert len(answer.headers.get_list("X-Request-ID")) == 1


def test_an_image_is_sent_in_part_or_not_at_all(proxy: Proxy, picture: str) -> None:
    """Ranges, conditions and HEAD work as without nginx; of many ranges the whole comes."""
    whole = proxy.client.http.get(picture)
    tag = whole.headers["ETag"]
    part = proxy.client.http.get(picture, headers={"Range": "bytes=2-5"})
    assert (part.status_code, part.content) == (206, whole.content[2:6])
    assert proxy.client.http.get(picture, headers={"Range": "bytes=0-1,4-5"}).content == whole.content
    assert proxy.client.http.get(picture, headers={"If-None-Match": tag}).status_code == 304
    stale = proxy.client.http.get(picture, headers={"If-Range": '"other"', "Range": "bytes=2-5"})
    assert (stale.status_code, stale.content) == (200, whole.content)
    head = proxy.client.http.head(picture)
    assert (head.content, head.headers["Content-Length"]) == (b"", str(len(whole.content)))


def test_what_an_image_cannot_answer_is_a_problem(proxy: Proxy, picture: str) -> None:
    """A range behind its end, and a condition that does not hold: nginx finds out, and says it as the API would."""
    outside = proxy.client.http.get(picture, headers={"Range": "bytes=1000000-"})
    assert (outside.status_code, problem_of(outside).code) == (416, "range-not-satisfiable")
    other = proxy.client.http.get(picture, headers={"If-Match": '"other"'})
    assert (other.status_code, problem_of(other).code) == (412, "precondition-failed")


@pytest.mark.parametrize(
    "path", ["/_objects/images/", "/_objects/{key}", "/_objects/originals/", "/metrics", "/readyz"]
)
def test_the_inside_is_closed(proxy: Proxy, picture: str, path: str) -> None:
    """The store and what the service says of itself can be asked for from the inside only."""
    answer = proxy.client.http.get(path.format(key=picture.removeprefix(f"{proxy.url}/")))
    assert (answer.status_code, problem_of(answer).code) == (404, "not-found")


def test_an_image_that_has_gone_is_a_problem(servers: Servers, proxy: Proxy, picture: str) -> None:
    """Where there is nothing under a key, the API says so, and its document passes."""
    answer = proxy.client.http.get("/images/aa/" + "a" * 32 + "-image.jpg")
    assert (answer.status_code, problem_of(answer).code) == (404, "not-found")


def test_a_request_keeps_its_name(servers: Servers, proxy: Proxy) -> None:
    """A client's X-Request-ID is in the answer, in nginx's log and in the API's; one that is none is replaced."""
    named = proxy.client.http.get("/openapi.json", headers={"X-Request-ID": "mine-4711"})
    assert named.headers.get_list("X-Request-ID") == ["mine-4711"]
    eventually(lambda: any("mine-4711" in server.log() for server in servers), what="the name in the API's log")
    eventually(lambda: '"request_id":"mine-4711"' in proxy.log(), what="the name in nginx's log")
    bad = proxy.client.http.get("/openapi.json", headers={"X-Request-ID": 'a b"'})
    (given,) = bad.headers.get_list("X-Request-ID")
    assert re.fullmatch(r"[0-9a-f]{32}", given)
    eventually(lambda: any(given in server.log() for server in servers), what="the new name in the API's log")
    assert all(json.loads(line)["path"] for line in proxy.log().splitlines())


def test_a_description_is_packed_and_an_image_is_not(proxy: Proxy, picture: str) -> None:
    """Compression is for texts."""
    packed = {"Accept-Encoding": "gzip"}
    assert proxy.client.http.get("/openapi.json", headers=packed).headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in proxy.client.http.get(picture, headers=packed).headers


def test_a_body_over_the_limit_is_a_problem(servers: Servers, proxy: Proxy) -> None:
    """nginx refuses what the API would refuse, before it is sent, in the API's words; the API never hears of it."""
    before = [server.log() for server in servers]
    with proxy.connection() as connection:
        connection.sendall(b"POST /api/v1/resize HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10000000000\r\n\r\n")
        answer = HTTPResponse(connection, method="POST")
        answer.begin()
        problem = Problem.model_validate_json(answer.read())
    assert (answer.status, answer.getheader("Content-Type")) == (413, "application/problem+json")
    assert (problem.code, problem.instance) == ("image-too-large", RESIZE)
    chunked = proxy.client.http.post(RESIZE, content=iter([IMAGE, b"a" * MAX_BODY_BYTES]))
    assert (chunked.status_code, problem_of(chunked).code) == (413, "image-too-large")
    assert [server.log() for server in servers] == before


def test_the_problems_of_the_api_pass(proxy: Proxy) -> None:
    """What the API says of a request is not replaced."""
    refused = proxy.client.post(IMAGE, width=0)
    assert (refused.status_code, problem_of(refused).code) == (422, "invalid-options")
    assert refused.json()["errors"]
    too_large = proxy.client.post(IMAGE.ljust(MAX_IMAGE_BYTES + 1, b"\0"))
    assert f"{MAX_IMAGE_BYTES:,}" in problem_of(too_large).detail


@pytest.mark.parametrize("header", ["Host: a b", "Content-Length: many", f"X-Long: {'a' * 9_000}"])
def test_what_does_not_parse_is_a_problem(proxy: Proxy, header: str) -> None:
    """Also what nginx cannot read is answered with a document."""
    with proxy.connection() as connection:
        connection.sendall(f"GET /healthz HTTP/1.1\r\nHost: localhost\r\n{header}\r\n\r\n".encode())
        answer = HTTPResponse(connection)
        answer.begin()
        problem = Problem.model_validate_json(answer.read())
    assert (answer.status, problem.status, problem.code) == (400, 400, "malformed-request")
