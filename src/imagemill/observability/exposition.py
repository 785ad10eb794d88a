"""Exposition: all that the processes of this machine have counted, and how much work waits, as Prometheus reads it.

Served on a port of its own, never on the API's where it faces the world. Each role answers on it, and all that share
it give the same answer: the port can be shared because the folder is.
"""

import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

from imagemill.config import Settings
from imagemill.domain.job import JobStatus
from imagemill.domain.ports import Backlog
from imagemill.errors import RecordUnavailable
from imagemill.observability import slots
from imagemill.observability.metrics import FAMILIES, PREFIX

if TYPE_CHECKING:
    from prometheus_client import Metric

log = logging.getLogger(__name__)

PATH = "/metrics"
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_LOOK_SECONDS = 5.0
"""How old the count of waiting jobs may be, whoever scrapes and however often."""

_CLIENT_SECONDS = 10.0


class Exposition:
    """Renders the metrics.

    Args:
        folder: where the processes count.
        backlog: asks the record how much work waits.
        clock: seconds of a clock that never goes back.
    """

    def __init__(
        self, folder: Path, backlog: Callable[[], Backlog], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._folder = folder
        self._ask = backlog
        self._clock = clock
        self._looking = threading.Lock()
        self._looked_at = float("-inf")
        self._backlog: Backlog | None = None

    def text(self) -> bytes:
        """Every metric, in Prometheus' text format."""
        from prometheus_client import CollectorRegistry, generate_latest  # noqa: PLC0415 - slow to import

        registry = CollectorRegistry(auto_describe=False)
        registry.register(self)
        return generate_latest(registry)

    def collect(self) -> "Iterator[Metric]":
        """Every metric, as the library has them."""
        from prometheus_client.multiprocess import MultiProcessCollector  # noqa: PLC0415

        yield from MultiProcessCollector.merge(slots.files(self._folder))  # type: ignore[no-untyped-call]
        yield from self._waiting()

    def _waiting(self) -> "Iterator[Metric]":
        backlog = self._look()
        yield _gauge("record_up", {"": backlog is not None})
        # What is not known is left out: a zero would say that nothing waits.
        if backlog is not None:
            yield _gauge("jobs", {JobStatus.PENDING: backlog.pending, JobStatus.IN_PROGRESS: backlog.in_progress})
            yield _gauge("oldest_pending_seconds", {"": backlog.oldest_seconds})

    def _look(self) -> Backlog | None:
        with self._looking:
            if self._clock() - self._looked_at >= _LOOK_SECONDS:
                try:
                    self._backlog = self._ask()
                except RecordUnavailable:
                    self._backlog = None
                self._looked_at = self._clock()
            return self._backlog


def _gauge(name: str, values: Mapping[str, float]) -> "Metric":
    from prometheus_client.core import GaugeMetricFamily  # noqa: PLC0415

    gauge = GaugeMetricFamily(PREFIX + name, FAMILIES[name].sentence, labels=FAMILIES[name].labels)
    for label, value in values.items():
        gauge.add_metric([label] if label else [], value)
    return gauge


def serve(exposition: Exposition | None, settings: Settings) -> ThreadingHTTPServer | None:
    """Answer scrapes from a thread of this process, for as long as it lives.

    Args:
        exposition: what to answer; None not to.
        settings: name address and port. Other processes of this user may listen there too: the kernel picks one.

    Returns:
        The server. None if it cannot listen there, which the log tells: to work unseen is better than not to work.
    """
    if exposition is None or settings.metrics_port is None:
        return None
    try:
        server = _Server((settings.metrics_host, settings.metrics_port), exposition)
    except OSError as error:
        log.error("The metrics cannot be served on port %d: %s", settings.metrics_port, error.strerror)
        return None
    threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()
    return server


class _Server(ThreadingHTTPServer):
    allow_reuse_port = True

    def __init__(self, address: tuple[str, int], exposition: Exposition) -> None:
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self.exposition = exposition
        super().__init__(address, _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = _CLIENT_SECONDS

    def do_GET(self) -> None:
        if self.path.partition("?")[0] != PATH:
            self.send_error(404)
            return
        text = self.server.exposition.text()
        self.send_response(200)
        self.send_header("Content-Type", CONTENT_TYPE)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format: str, *args: object) -> None:
        """Scrapes come every few seconds; they leave no line."""
