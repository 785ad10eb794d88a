"""What every request and every answer carries: an id, safe headers, and one line in the log.

The line names the method, the path's template, status, milliseconds, and the key by its name. Never a key itself, a
query, a body or an image. Probes that succeed leave theirs at DEBUG, since they come every second.
"""

import logging
import re
import time
from uuid import uuid4

from flask import Flask, Response, g, request

from imagemill import observability

REQUEST_ID = "X-Request-ID"
_ACCEPTABLE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")

_PROBES = ("/healthz", "/readyz")

_DEFAULT_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""On every answer that does not say otherwise."""


def register(app: Flask) -> None:
    """Watch every request of the app."""
    app.before_request(_begin)
    app.after_request(_end)
    app.teardown_request(_forget)


def _begin() -> None:
    g.started = time.perf_counter()
    given = request.headers.get(REQUEST_ID, "")
    g.request_id = given if _ACCEPTABLE_ID.fullmatch(given) else uuid4().hex
    observability.bind(request_id=g.request_id)


def _end(response: Response) -> Response:
    for name, value in _DEFAULT_HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers[REQUEST_ID] = g.request_id
    if response.status_code == 204:
        response.headers.remove("Content-Type")  # Flask's default, for a body that is not there
    path = request.url_rule.rule if request.url_rule else None
    observability.logger().log(
        logging.DEBUG if path in _PROBES and response.status_code < 400 else logging.INFO,
        "request",
        method=request.method,
        path=path,
        status=response.status_code,
        ms=round((time.perf_counter() - g.started) * 1000, 1),
    )
    return response


def _forget(_: BaseException | None) -> None:
    # The server's threads serve one request after the other, and the ids are bound to the thread.
    observability.unbind("request_id", "token", "key", "refused")
