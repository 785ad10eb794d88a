"""What `imagemill up` says while it waits."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from imagemill.cli.up import parts_away
from imagemill.config import Settings


@contextmanager
def answering(body: bytes) -> Iterator[Settings]:
    """Settings whose port answers 503 and the body to whatever is asked."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(503)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *values: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Page) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield Settings(port=server.server_address[1])
        finally:
            server.shutdown()
            thread.join()


def test_parts_that_are_away_are_named() -> None:
    """With what the API says of each; those that are well are not."""
    body = b"""{"state": "unavailable", "parts": {
        "database": {"state": "ok", "detail": null},
        "store": {"state": "away", "detail": "It does not answer."}}}"""
    with answering(body) as settings:
        assert parts_away(settings) == "store: It does not answer. `imagemill doctor` says more."

    assert parts_away(settings) == ""


@pytest.mark.parametrize("body", [b"hello", b"[]", b'{"parts": []}', b'{"parts": {"store": 1}}'])
def test_another_program_is_told_from_the_api(body: bytes) -> None:
    """Whatever it answers, waiting goes on."""
    with answering(body) as settings:
        assert parts_away(settings) == "what answers on its port is not imagemill"
