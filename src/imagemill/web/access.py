"""What every request and every answer carries: an id, safe headers, and one line in the log.

The line names the method, the path's template, status, milliseconds, and the key by its name. Never a key itself, a
query, a body or an image. Probes that succeed leave theirs at DEBUG, since they come every second.
"""

import logging
import re
import time
from contextlib import ExitStack
from dataclasses import dataclass
from uuid import uuid4

from flask import Flask, Response, g, request

from imagemill import observability
from imagemill.observability.instruments import Instruments
from imagemill.observability.metrics import METHODS
from imagemill.observability.tracing import TRACE_HEADERS

REQUEST_ID = "X-Request-ID"
_ACCEPTABLE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")

_PROBES = ("/healthz", "/readyz", "/metrics")

_DEFAULT_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""On every answer that does not say otherwise."""


def register(app: Flask, instruments: Instruments | None = None) -> None:
    """Watch every request of the app, with instruments or, left out, for the log only."""
    watch = Watch(instruments or Instruments())
    app.before_request(watch.begin)
    app.after_request(watch.end)
    app.teardown_request(watch.forget)


@dataclass(frozen=True)
class Watch:
    """Sees a request come and go."""

    instruments: Instruments

    def begin(self) -> None:
        """Name the request, and go on with the trace that it belongs to, if it names one."""
        g.started = time.perf_counter()
        given = request.headers.get(REQUEST_ID, "")
        g.request_id = given if _ACCEPTABLE_ID.fullmatch(given) else uuid4().hex
        observability.bind(request_id=g.request_id)
        g.span = ExitStack()
        name = f"{request.method if request.method in METHODS else 'other'} {_route() or 'nowhere'}"
        carrier = {header: request.headers[header] for header in TRACE_HEADERS if header in request.headers}
        g.span.enter_context(self.instruments.tracing.span(name, carrier, inbound=True))

    def end(self, response: Response) -> Response:
        """Complete the answer, and tell of it once to each of log, metrics and trace."""
        for name, value in _DEFAULT_HEADERS.items():
            response.headers.setdefault(name, value)
        response.headers[REQUEST_ID] = g.request_id
        if response.status_code == 204:
            response.headers.remove("Content-Type")  # Flask's default, for a body that is not there
        self._tell(_route(), response, time.perf_counter() - g.started)
        return response

    def _tell(self, route: str | None, response: Response, seconds: float) -> None:
        status = response.status_code
        observability.logger().log(
            logging.DEBUG if route in _PROBES and status < 400 else logging.INFO,
            "request",
            method=request.method,
            path=route,
            status=status,
            ms=round(seconds * 1000, 1),
        )
        # A request that was held to wait took as long as its job.
        held = "Preference-Applied" in response.headers
        self.instruments.metrics.answered(request.method, route or "", status, None if held else seconds)
        self.instruments.tracing.note(
            method=request.method,
            route=route,
            status=status,
            failed=status if status >= 500 else None,
            **observability.bound("request_id", "token"),
        )

    def forget(self, _: BaseException | None) -> None:
        """Leave nothing to the next request: the server's threads serve one after the other."""
        g.span.close()
        observability.unbind()


def _route() -> str | None:
    # The template, never the path: that is a stranger's text, and there is no end of them.
    return request.url_rule.rule if request.url_rule else None
