"""A server that takes whatever is posted to it: the collector and the ingest that the service is told to send to."""

import gzip
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


class Listener:
    """Keeps what came, by path, within a `with` block."""

    def __init__(self) -> None:
        received: list[tuple[str, bytes]] = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                received.append((self.path, body))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

        self.received = received
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def spans(self, trace: str) -> list[tuple[str, str]]:
        """Role and name of every span of a trace, by its id in hexadecimal."""
        found = []
        for path, body in list(self.received):
            if path == "/v1/traces":
                for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                    (role,) = (fact for fact in resource.resource.attributes if fact.key == "imagemill.role")
                    found += [
                        (role.value.string_value, span.name)
                        for scope in resource.scope_spans
                        for span in scope.spans
                        if span.trace_id.hex() == trace
                    ]
        return found

    def events(self) -> list[dict[str, Any]]:
        """The events that were reported, as Sentry's envelopes hold them."""
        lines = [body.splitlines() for path, body in list(self.received) if path.endswith("/envelope/")]
        return [json.loads(envelope[2]) for envelope in lines if json.loads(envelope[1])["type"] == "event"]
