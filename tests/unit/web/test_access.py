"""What every answer carries, and the one line that every request leaves."""

from dataclasses import replace

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from structlog.contextvars import get_contextvars, merge_contextvars
from structlog.testing import capture_logs

from imagemill import observability
from imagemill.domain.header import Header
from imagemill.domain.ports import Bytes
from imagemill.errors import CorruptImage
from imagemill.observability.instruments import Instruments
from imagemill.observability.metrics import NoMetrics
from imagemill.observability.tracing import OpenTelemetryTracing, provider
from imagemill.web.app import create_app
from tests.fakes.doorbell import MemoryDoorbell
from tests.fakes.engine import PICTURE
from tests.flow.house import House
from tests.unit.web.service import API, client, finishing, services


@pytest.mark.parametrize("path", ["/", API, "/nothing", "/healthz", "/openapi.json", f"{API}/x", "/problems/not-found"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PUT"])
def test_every_answer_is_safe_to_open(path: str, method: str) -> None:
    """Whatever is asked: nosniff, no scripts, no cache, an id, and problem documents for errors."""
    answer = client(House()).open(path, method=method)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Request-ID"]
    if answer.status_code >= 400:
        assert answer.content_type == "application/problem+json"
    if answer.status_code == 405:
        assert "GET" in answer.headers["Allow"] or "DELETE" in answer.headers["Allow"]
    if method == "HEAD":
        assert answer.data == b""


@pytest.mark.parametrize("path", ["//", f"{API}/", f"/{API}", "/healthz/", "/API/v1/resize"])
def test_a_path_with_a_slash_more_is_another_path(path: str) -> None:
    """404, not a redirect: a POST that is redirected loses its body."""
    answer = client(House()).post(path, data=PICTURE, content_type="image/jpeg")
    assert (answer.status_code, answer.content_type) == (404, "application/problem+json")


@pytest.mark.parametrize("given", ["abc", "A-1_b.c", "x" * 64])
def test_a_good_request_id_is_kept(given: str) -> None:
    """A client's or a proxy's id goes on."""
    assert client(House()).get("/", headers={"X-Request-ID": given}).headers["X-Request-ID"] == given


@pytest.mark.parametrize("given", ["", "a b", "x" * 65, "ä", "a,b", "<script>"])
def test_an_odd_request_id_is_replaced(given: str) -> None:
    """What could break a log line is not taken over."""
    found = client(House()).get("/", headers={"X-Request-ID": given}).headers["X-Request-ID"]
    assert found != given
    assert len(found) == 32


def test_one_line_for_each_request() -> None:
    """Method, template, status and time; no query, no value of the path, no image."""
    with capture_logs() as lines:
        client(House()).post(f"{API}?width=7", data=PICTURE, content_type="image/jpeg")
    (line,) = [line for line in lines if line["event"] == "request"]
    assert (line["method"], line["path"], line["status"]) == ("POST", API, 202)
    assert line["ms"] >= 0
    assert "width" not in str(line)


def test_the_line_says_why_a_request_was_refused() -> None:
    """The code that the client got, and what the decoder said of the image, which the client is not told."""

    def probe(_: Bytes) -> Header:
        raise CorruptImage("The image is damaged.") from ValueError("no such marker")

    damaged, app = House(), client(House())
    damaged.engine.probe = probe  # type: ignore[method-assign]
    with capture_logs(processors=[merge_contextvars]) as lines:
        answer = client(damaged).post(API, data=PICTURE, content_type="image/jpeg")
        app.post(f"{API}?width=0", data=PICTURE, content_type="image/jpeg")
        app.post(API, data=PICTURE, content_type="image/jpeg")
    told = [(line.get("code"), line.get("cause")) for line in lines if line["event"] == "request"]
    assert told == [("corrupt-image", "ValueError: no such marker"), ("invalid-options", None), (None, None)]
    assert "marker" not in answer.text


def test_a_path_that_is_no_path_is_not_logged() -> None:
    """A stranger's text stays out of the log."""
    with capture_logs() as lines:
        client(House()).get("/some/secret/path")
    assert [line["path"] for line in lines] == [None]


@pytest.mark.parametrize(
    ("method", "path", "level"),
    [
        ("GET", "/healthz", "debug"),
        ("GET", "/readyz", "debug"),
        ("PUT", "/healthz", "info"),
        ("GET", "/", "info"),
    ],
)
def test_probes_do_not_drown_the_log(method: str, path: str, level: str) -> None:
    """A probe that succeeds is worth a line only to who debugs; one that fails is worth it to all."""
    with capture_logs() as lines:
        client(House()).open(path, method=method)
    assert [line["log_level"] for line in lines if line["event"] == "request"] == [level]


def test_a_service_that_is_not_ready_is_logged() -> None:
    """The lines of failing probes stay."""
    house = House()
    house.jobs.away = True
    with capture_logs() as lines:
        client(house).get("/readyz")
    assert [(line["status"], line["log_level"]) for line in lines if line["event"] == "request"] == [(503, "info")]


def test_the_line_names_token_and_key() -> None:
    """The token once it is known; the caller's name where somebody has found it out; the next request starts clean."""
    app = create_app(services(House()))
    app.before_request(lambda: observability.bind(key="ada"))
    with capture_logs(processors=[merge_contextvars]) as lines:
        token = app.test_client().post(API, data=PICTURE, content_type="image/jpeg").json["token"]
    (line,) = [line for line in lines if line["event"] == "request"]
    assert (line["token"], line["key"]) == (token, "ada")
    assert get_contextvars() == {}


class Answers(NoMetrics):
    """Keeps what was answered."""

    def __init__(self) -> None:
        super().__init__()
        self.answers: list[tuple[str, str, int, bool]] = []

    def answered(self, method: str, route: str, status: int, seconds: float | None) -> None:
        """Keep an answer, and whether it has a time."""
        self.answers.append((method, route, status, seconds is not None))


def test_every_answer_is_counted_by_its_route() -> None:
    """The template, never the path; a request that was held has no time of its own."""
    house, metrics = House(), Answers()
    house.doorbell = MemoryDoorbell(finishing(house))
    web = create_app(replace(services(house), instruments=Instruments(metrics))).test_client()
    token = web.post(API, data=PICTURE, content_type="image/jpeg").json["token"]
    web.get(f"{API}/{token}", headers={"Prefer": "wait=5"})
    web.get("/some/secret/path")
    assert metrics.answers == [
        ("POST", API, 202, True),
        ("GET", f"{API}/<token>", 200, False),
        ("GET", "", 404, True),
    ]


def test_a_request_is_a_span_of_its_callers_trace() -> None:
    """Named by method and template, with ids, without path or query; marked if the service failed."""
    exporter, house = InMemorySpanExporter(), House()
    tracing = OpenTelemetryTracing(provider(exporter, "api", 1.0))
    web = create_app(replace(services(house), instruments=Instruments(tracing=tracing))).test_client()
    upstream = {"traceparent": f"00-{'ab' * 16}-{'cd' * 8}-01", "X-Request-ID": "r1"}
    web.post(f"{API}?width=7", data=PICTURE, content_type="image/jpeg", headers=upstream)
    house.jobs.away = True
    web.get(API)
    web.open("/nothing", method="BREW")
    tracing.close()

    post, failed, odd = exporter.get_finished_spans()
    assert (post.name, f"{post.context.trace_id:032x}") == (f"POST {API}", "ab" * 16)
    assert post.attributes["imagemill.request_id"] == "r1"
    assert post.attributes["http.response.status_code"] == 202
    assert "width" not in post.to_json()
    assert (failed.status.description, failed.status.is_ok) == ("503", False)
    assert odd.name == "other nowhere"
