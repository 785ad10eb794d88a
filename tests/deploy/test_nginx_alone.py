"""nginx with servers that are none, or are a stub: whom it believes, whom it limits, what it says when it is alone."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from tests.deploy.proxy import NAME, NGINX, Proxy
from tests.deploy.test_nginx import problem_of
from tests.functional.running import free_port
from tests.servers import eventually


class Echo(BaseHTTPRequestHandler):
    """Answers with the headers of the request."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """The headers as a JSON object."""
        body = json.dumps(dict(self.headers.items())).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Silence."""


class Dying(Echo):
    """Takes a request and dies over it: whether it did the work, nobody can know."""

    def do_GET(self) -> None:
        """No answer."""
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.close_connection = True

    do_POST = do_GET  # noqa: N815 - the standard library's word


@contextmanager
def stub(handler: type[BaseHTTPRequestHandler] = Echo) -> Iterator[int]:
    """A server that echoes headers, or does as it is told; its port."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


CLAIMS = {
    "X-Forwarded-For": "203.0.113.9",
    "X-Forwarded-Proto": "http",
    "X-Forwarded-Host": "evil.example",
    "Forwarded": "for=203.0.113.9",
}


def test_a_client_is_not_believed_about_itself(tmp_path: Path) -> None:
    """The address that the API hears is the connection's, whatever a client claims."""
    with stub() as port, Proxy(tmp_path / "nginx", [port]) as proxy:
        heard = proxy.client.http.get("/", headers=CLAIMS).json()
    assert (heard["X-Forwarded-For"], heard["X-Forwarded-Proto"]) == ("127.0.0.1", "https")
    assert heard["Host"] == f"localhost:{proxy.port}"
    assert not {"X-Forwarded-Host", "Forwarded"} & set(heard)


def test_a_trusted_proxy_is_believed(tmp_path: Path) -> None:
    """With the lines for a load balancer switched on, the address is the one that the balancer saw."""
    trust = {"# set_real_ip_from 10.0.0.0/24;": "set_real_ip_from 127.0.0.0/8;"}
    trust |= {f"# {line}": line for line in ("real_ip_header X-Forwarded-For;", "real_ip_recursive on;")}
    with stub() as port, Proxy(tmp_path / "nginx", [port], changes=trust) as proxy:
        # Only the balancer's own word counts: what stands before it came from the client.
        heard = proxy.client.http.get("/", headers={"X-Forwarded-For": "198.51.100.7, 203.0.113.9"}).json()
    assert heard["X-Forwarded-For"] == "203.0.113.9"


def test_without_a_server_it_is_unavailable(tmp_path: Path) -> None:
    """503 with Retry-After, as for any part that is away."""
    with Proxy(tmp_path / "nginx", [free_port(), free_port()]) as proxy:
        answer = proxy.client.http.get("/api/v1/resize?token=secret")
    problem = problem_of(answer)
    assert (answer.status_code, problem.code, answer.headers["Retry-After"]) == (503, "unavailable", "5")
    assert problem.instance == "/api/v1/resize"
    assert "secret" not in proxy.log()


def test_a_request_that_killed_its_server_is_repeated(tmp_path: Path) -> None:
    """Also a POST: the same one is the same job, so another server may have it."""
    with stub() as port, stub(Dying) as dying, Proxy(tmp_path / "nginx", [dying, port]) as proxy:
        answers = [proxy.client.http.post("/", content=b"an image").status_code for _ in range(6)]
        both = f'"servers":"127.0.0.1:{dying}, 127.0.0.1:{port}"'
        eventually(lambda: both in proxy.log(), what="a line about both servers")
    assert answers == [501] * 6  # The stub knows GET only.


def test_hsts_is_a_choice(tmp_path: Path) -> None:
    """Chosen, it is on every answer, also on nginx's own."""
    with (
        stub() as port,
        Proxy(tmp_path / "nginx", [port], changes={'default "";\n}': 'default "max-age=63072000";\n}'}) as proxy,
    ):
        for path in ("/", "/readyz"):
            assert proxy.client.http.get(path).headers["Strict-Transport-Security"] == "max-age=63072000"


def test_one_address_cannot_take_it_all(tmp_path: Path) -> None:
    """Past the burst uploads are answered 429 with Retry-After, while the same client may still ask for its jobs."""
    with stub() as port, Proxy(tmp_path / "nginx", [port], changes={"burst=40": "burst=2", "20r/s": "1r/m"}) as proxy:
        answers = [proxy.client.http.post("/") for _ in range(4)]
        asked = proxy.client.http.get("/")
    assert [answer.status_code for answer in answers[:3]] == [501] * 3  # The stub knows GET only.
    assert (answers[3].status_code, answers[3].headers["Retry-After"]) == (429, "1")
    assert problem_of(answers[3]).retryable
    assert asked.status_code == 200


def test_the_files_for_compose_are_valid(tmp_path: Path) -> None:
    """nginx takes them as they are, once the names of the containers are addresses."""
    proxy = Proxy(tmp_path / "nginx", [free_port()])
    for path in (NGINX / "compose").iterdir():
        text = path.read_text().replace("server api:5000", "server 127.0.0.1:5000").replace("//flower:", "//127.0.0.1:")
        text = text.replace("/run/certificate/", f"{proxy.folder}/").replace("/dev/stdout", f"{proxy.folder}/log")
        (proxy.folder / "imagemill-site" / path.name).write_text(text)
    for name in ("certificate.pem", "key.pem"):
        (proxy.folder / name).write_bytes((proxy.folder / "site.pem").read_bytes())
    checked = proxy.check()
    assert checked.returncode == 0, checked.stderr


def test_the_example_name_is_everywhere_the_same() -> None:
    """Whoever installs it replaces one name."""
    files = [path.read_text() for path in (NGINX / "debian").iterdir()]
    assert sum(text.count(NAME) for text in files) == 4
