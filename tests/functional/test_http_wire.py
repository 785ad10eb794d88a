"""HTTP as it is on the wire: chunks, broken bodies, expectations, empty answers, connections that go on."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack, suppress
from http.client import HTTPResponse
from pathlib import Path
from socket import socket

import pytest

from tests.functional.api_only import Api
from tests.images import photo_jpeg
from tests.servers import eventually

MAX_IMAGE_BYTES = 200_000
RESIZE = "/api/v1/resize"
IMAGE = photo_jpeg(64, 48)
CHUNK = 10_000


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """An API without broker."""
    with Api(tmp_path_factory.mktemp("wire"), max_image_bytes=MAX_IMAGE_BYTES) as api:
        yield api


def head(method: str = "POST", path: str = RESIZE, **headers: object) -> bytes:
    """The beginning of a request; an underscore in a header's name is a hyphen."""
    lines = [f"{method} {path} HTTP/1.1", "Host: test"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode()


def chunks(data: bytes) -> Iterator[bytes]:
    """A body in chunked coding, with its end."""
    for at in range(0, len(data), CHUNK):
        piece = data[at : at + CHUNK]
        yield b"%x\r\n%b\r\n" % (len(piece), piece)
    yield b"0\r\n\r\n"


def answer_of(connection: socket, method: str = "POST") -> HTTPResponse:
    """The answer that comes next, read whole."""
    answer = HTTPResponse(connection, method=method)
    answer.begin()
    answer.text = answer.read().decode()
    return answer


FORM = "multipart/form-data; boundary=b"
PART = b'--b\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n\r\n'


def test_a_chunked_image_is_accepted(api: Api) -> None:
    """Without a Content-Length the body is as good as any."""
    with api.connection() as connection:
        connection.sendall(head(Content_Type="image/jpeg", Transfer_Encoding="chunked"))
        for chunk in chunks(IMAGE):
            connection.sendall(chunk)
        answer = answer_of(connection)
    assert answer.status == 202, answer.text
    assert api.client.accepted(IMAGE) in answer.text


def test_a_chunked_image_at_the_limit_is_whole(api: Api) -> None:
    """At the limit nothing is cut off: it is the same image as with a length."""
    image = IMAGE.ljust(MAX_IMAGE_BYTES, b"\0")
    with api.connection() as connection:
        connection.sendall(head(Content_Type="image/jpeg", Transfer_Encoding="chunked"))
        for chunk in chunks(image):
            connection.sendall(chunk)
        assert api.client.accepted(image) in answer_of(connection).text


@pytest.mark.parametrize(
    ("kind", "start"), [("image/jpeg", IMAGE), ("application/json", b'{"imageData": "'), (FORM, PART)]
)
def test_endless_chunks_are_refused(api: Api, kind: str, start: bytes) -> None:
    """A body in chunks that never ends is answered with 413 soon after the limit, without waiting for its end."""
    with api.connection() as connection:
        connection.sendall(head(Content_Type=kind, Transfer_Encoding="chunked"))
        sent = 0
        connection.sendall(b"%x\r\n%b\r\n" % (len(start), start))
        # The most that a JSON body may have is 4/3 of the image and 64 KiB; the reader takes up to 1 MiB at a time.
        while sent < MAX_IMAGE_BYTES * 4 // 3 + 2**16 + 2**20 + CHUNK:
            connection.sendall(b"%x\r\n%b\r\n" % (CHUNK, b"A" * CHUNK))
            sent += CHUNK
        answer = answer_of(connection)
    assert answer.status == 413
    assert "image-too-large" in answer.text


@pytest.mark.parametrize("kind", ["image/jpeg", "application/json", FORM])
def test_a_length_over_the_limit_is_refused_unread(api: Api, kind: str) -> None:
    """A client that announces ten gigabytes is answered before it has sent any."""
    with api.connection() as connection:
        connection.sendall(head(Content_Type=kind, Content_Length=10**10))
        answer = answer_of(connection)
    assert answer.status == 413
    assert "image-too-large" in answer.text


@pytest.mark.parametrize("broken", [b"zz\r\n", b"5\r\nabcdefgh\r\n", b"-1\r\n"])
def test_broken_chunks_are_malformed(api: Api, broken: bytes) -> None:
    """Chunked coding that is none is the client's fault, not the service's."""
    with api.connection() as connection:
        connection.sendall(head(Content_Type="image/jpeg", Transfer_Encoding="chunked") + broken + b"\r\n\r\n")
        answer = answer_of(connection)
    assert answer.status == 400
    assert "malformed-request" in answer.text


@pytest.mark.parametrize("coding", [{"Content_Length": 1000}, {"Transfer_Encoding": "chunked"}])
def test_half_a_body_is_malformed(api: Api, coding: dict[str, object]) -> None:
    """A client that goes away in the middle leaves no half image behind."""
    with api.connection() as connection:
        connection.sendall(head(Content_Type="image/jpeg", **coding) + b"3e8\r\n" + IMAGE[:500])
        connection.shutdown(1)
        answer = answer_of(connection)
    assert answer.status == 400
    assert "malformed-request" in answer.text


def test_an_expectation_is_met(api: Api) -> None:
    """A client that asks first is told to go on, and its image is accepted."""
    with api.connection() as connection:
        connection.sendall(head(Content_Type="image/jpeg", Content_Length=len(IMAGE), Expect="100-continue"))
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(IMAGE)
        assert answer_of(connection).status == 202


def test_a_connection_goes_on(api: Api) -> None:
    """After an accepted image, a refused one and an erasure the same connection serves the next request."""
    with api.connection() as connection:
        for image, status in ((IMAGE, 202), (b"no image", 415), (IMAGE, 202)):
            connection.sendall(head(Content_Type="image/jpeg", Content_Length=len(image)) + image)
            assert answer_of(connection).status == status
        token = api.client.accepted(IMAGE, width=3)
        connection.sendall(head("DELETE", f"{RESIZE}/{token}"))
        assert answer_of(connection, "DELETE").status == 204
        connection.sendall(head("GET", "/healthz"))
        assert answer_of(connection, "GET").status == 200


def test_busy_connections_leave_room_for_others(api: Api) -> None:
    """Far more connections than threads ask on, each as soon as it is answered, until every one has been answered."""
    answered: set[socket] = set()

    def ask(connection: socket) -> None:
        while len(answered) < len(busy):
            connection.sendall(head("GET", "/healthz"))
            assert answer_of(connection, "GET").status == 200
            answered.add(connection)

    with ExitStack() as stack:
        busy = [stack.enter_context(api.connection()) for _ in range(40)]
        with ThreadPoolExecutor(len(busy)) as pool:
            asking = [pool.submit(ask, connection) for connection in busy]
            try:
                eventually(lambda: len(answered) == len(busy), what="an answer for everybody")
            finally:
                answered.update(busy)
            for asked in asking:
                asked.result()


def test_connections_are_spread_over_the_processes(tmp_path: Path) -> None:
    """Those that stay are shared out: no process is idle while another's threads wait for each other."""
    with Api(tmp_path, api_processes=2) as api:
        # One of them may still be starting.
        eventually(lambda: min(shares(api)) > 0, what="both processes at work")
        rounds = [shares(api) for _ in range(5)]
        assert min(map(sum, zip(*rounds, strict=True))) >= 20, rounds


def shares(api: Api) -> list[int]:
    """How many of 16 connections each process takes."""
    with ExitStack() as stack:
        for connection in [stack.enter_context(api.connection()) for _ in range(16)]:
            connection.sendall(head("GET", "/healthz"))
            assert answer_of(connection, "GET").status == 200
        table = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        open_ones = {f"socket:[{row[9]}]" for row in table if row[1].endswith(f":{api.port:04X}") and row[3] == "01"}
        children = Path(f"/proc/{api.process.pid}/task/{api.process.pid}/children").read_text().split()
        return [sum(held in open_ones for held in files_of(child)) for child in children] or [0]


def files_of(process: str) -> Iterator[str]:
    """What a process has open."""
    for link in Path(f"/proc/{process}/fd").iterdir():
        with suppress(OSError):  # closed meanwhile
            yield str(link.readlink())


def test_requests_sent_together_are_answered_in_turn(api: Api) -> None:
    """A client need not wait for an answer before it sends the next request."""
    with api.connection() as connection:
        connection.sendall(head("GET", "/healthz") * 10 + head("GET", "/nothing", Connection="close"))
        assert re.findall(rb"HTTP/1.1 (\d+) ", rest_of(connection)) == [b"200"] * 10 + [b"404"]


@pytest.mark.parametrize("name", ["SCRIPT_NAME", "PATH_INFO", "Script-Name"])
def test_no_header_says_where_a_path_begins(api: Api, name: str) -> None:
    """A proxy on this machine guards one path and lets others pass: a header must not turn one into the other."""
    with api.connection() as connection:
        connection.sendall(f"GET /images{RESIZE} HTTP/1.1\r\nHost: test\r\n{name}: /images\r\n\r\n".encode())
        assert answer_of(connection, "GET").status == 404


@pytest.mark.parametrize("path", ["/", "/healthz", "/readyz", RESIZE, "/openapi.json", "/nothing"])
def test_head_is_get_without_a_body(api: Api, path: str) -> None:
    """HEAD has the status and the length of GET, and no body: the connection goes on at once."""
    with api.connection() as connection:
        answers = {}
        for method in ("GET", "HEAD"):
            connection.sendall(head(method, path))
            answer = answer_of(connection, method)
            answers[method] = (answer.status, answer.getheader("Content-Type"), answer.getheader("Content-Length"))
        assert answers["HEAD"] == answers["GET"]
        connection.sendall(head("GET", "/healthz"))
        assert answer_of(connection, "GET").text == '{"state":"alive"}'


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        (RESIZE, {"GET", "HEAD", "OPTIONS", "POST"}),
        (f"{RESIZE}/x", {"DELETE", "GET", "HEAD", "OPTIONS"}),
        ("/images/aa/b.jpg", {"GET", "HEAD", "OPTIONS"}),
    ],
)
def test_options_lists_the_methods(api: Api, path: str, allowed: set[str]) -> None:
    """OPTIONS answers with Allow."""
    answer = api.client.http.options(path)
    assert answer.status_code == 200
    assert set(answer.headers["Allow"].split(", ")) == allowed


def test_a_request_without_a_host(api: Api) -> None:
    """HTTP/1.0 knows no Host; URLs then begin with the server's own address."""
    with api.connection() as connection:
        connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
        assert f'"{api.url}/openapi.json"' in answer_of(connection, "GET").text


def test_a_host_that_is_none(api: Api) -> None:
    """An invalid Host is refused by whoever meets it first."""
    with api.connection() as connection:
        connection.sendall(b'GET / HTTP/1.1\r\nHost: a"b\r\n\r\n')
        assert answer_of(connection, "GET").status == 400


THREADS = 4
LENGTH = {"Content_Type": "image/jpeg", "Content_Length": 1000}
CHUNKED = {"Content_Type": "image/jpeg", "Transfer_Encoding": "chunked"}
STALLED_BODY = b"HTTP/1.1 408 "


@pytest.fixture(scope="module")
def impatient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """An API that waits a second for its clients."""
    with Api(tmp_path_factory.mktemp("impatient"), api_threads=THREADS, client_seconds=1) as api:
        yield api


def outlast(connections: list[socket], api: Api, drip: bytes) -> None:
    """Drip on connections until somebody else has had an answer."""
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(api.client.http.get, "/healthz")
        while not asked.done():
            for connection in connections:
                with suppress(OSError):  # It may have been closed by now.
                    connection.sendall(drip)
            wait([asked], timeout=0.2)
    assert asked.result().status_code == 200


def rest_of(connection: socket) -> bytes:
    """All that comes until the other side closes."""
    received = b""
    with suppress(ConnectionError):
        while piece := connection.recv(CHUNK):
            received += piece
    return received


@pytest.mark.parametrize(
    ("start", "drip", "answer"),
    [
        (b"", b"", b""),
        (b"POST /api/v1/resize HTT", b"", b""),
        (b"GET / HTTP/1.1\r\nX-Slow: ", b"a", b""),
        (head(**LENGTH), b"", STALLED_BODY),
        (head(**LENGTH), b"a", STALLED_BODY),
        (head(**CHUNKED) + b"3e8\r\nabc", b"", STALLED_BODY),
        (head(**CHUNKED), b"1\r\na\r\n", STALLED_BODY),
        (head("GET", "/healthz", Connection="close"), b"", b"HTTP/1.1 200 "),
    ],
    ids=["silent", "head", "head-drips", "body", "body-drips", "chunk", "chunks-drip", "never-hangs-up"],
)
def test_stalled_clients_do_not_stop_the_service(impatient: Api, start: bytes, drip: bytes, answer: bytes) -> None:
    """More clients than there are threads stall, or drip; others are answered soon, and the stalled ones are closed."""
    with ExitStack() as stack:
        stalled = [stack.enter_context(impatient.connection()) for _ in range(THREADS + 8)]
        for connection in stalled:
            connection.sendall(start)
        outlast(stalled, impatient, drip)
        received = [rest_of(connection) for connection in stalled]
    assert all(text.startswith(answer) and bool(text) == bool(answer) for text in received)
    if answer == STALLED_BODY:
        assert all(b'"code":"request-timeout"' in text for text in received)


def test_a_client_that_takes_no_answer_is_given_up(impatient: Api) -> None:
    """Whoever asks on and on and never reads is disconnected; nothing of it is a fault in the log."""
    with ExitStack() as stack:
        deaf = [stack.enter_context(impatient.connection()) for _ in range(THREADS + 2)]
        for connection in deaf:
            connection.settimeout(0.2)
            with suppress(OSError):
                while True:
                    connection.sendall(head("GET", "/openapi.json") * 100)
        assert impatient.client.http.get("/healthz").status_code == 200
    assert "Traceback" not in impatient.log()


def test_a_wait_is_no_stall(impatient: Api) -> None:
    """A client that asked for its answer to be held is quiet for longer than a stalled one may be."""
    answer = impatient.client.http.post(
        RESIZE, content=IMAGE, headers={"Content-Type": "image/jpeg", "Prefer": "wait=3"}
    )
    assert (answer.status_code, answer.headers["Preference-Applied"]) == (202, "wait=3")
