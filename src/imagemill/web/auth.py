"""Who asks. Everything else asks here, and only here.

A key or token comes in `Authorization: Bearer` or in `X-API-Key`. One in the query is no key: URLs end up in logs.
"""

from collections.abc import Mapping

from flask import Flask, Request, request

from imagemill import observability
from imagemill.domain.caller import ANYBODY, STRANGER, Caller, Scope
from imagemill.errors import InsufficientScope, MalformedRequest, Unauthorized
from imagemill.flow.admission import Admission

SCOPES: Mapping[str, Scope] = {
    "submit": Scope.RESIZE,
    "plan": Scope.RESIZE,
    "page": Scope.READ,
    "show": Scope.READ,
    "erase": Scope.DELETE,
    "usage": Scope.READ,
    "formats": Scope.READ,
}
"""What a caller needs for each endpoint. One that is in neither of these tables needs `admin`."""

OPEN = frozenset({"entrance", "healthz", "readyz", "openapi", "problem", "image"})
"""Endpoints that are open to all. Who has an image's URL may see the image: its key cannot be guessed."""

HEADER = "X-API-Key"
_CALLER = "imagemill.caller"
_MOST_CHARACTERS = 8192


def register(app: Flask, admission: Admission, *, required: bool) -> None:
    """Ask everybody who they are before anything else is done for them, not even their body read.

    Args:
        app: whose requests.
        admission: knows keys and tokens.
        required: False lets everybody do everything, and looks at nothing.
    """

    def ask() -> None:
        if not required:
            request.environ[_CALLER] = ANYBODY
        # A path or method that there is not says so to everyone; OPTIONS only tells which methods there are.
        elif request.endpoint is None or request.endpoint in OPEN or request.method == "OPTIONS":
            request.environ[_CALLER] = STRANGER
        else:
            request.environ[_CALLER] = _admitted(admission, SCOPES.get(request.endpoint, Scope.ADMIN))

    app.before_request(ask)


def caller_of(request: Request) -> Caller:
    """Who makes a request. While auth is off, everybody is the same one."""
    caller: Caller = request.environ[_CALLER]
    return caller


def _admitted(admission: Admission, needed: Scope) -> Caller:
    try:
        caller = admission.admit(_credential(request))
    except Unauthorized as error:
        observability.bind(refused=error.reason, **({"key": error.key} if error.key else {}))
        raise
    observability.bind(key=caller.name)
    if not caller.may(needed):
        raise InsufficientScope(needed)
    return caller


def _credential(request: Request) -> str:
    shown = {text for text in (_bearer(request), request.headers.get(HEADER)) if text is not None}
    if len(shown) > 1:
        raise MalformedRequest(f"Authorization and {HEADER} hold different keys; send one of them.")
    if not shown:
        raise Unauthorized("no key")
    text = shown.pop()
    if not text.isascii() or len(text) > _MOST_CHARACTERS:
        raise Unauthorized("not a key")
    return text


def _bearer(request: Request) -> str | None:
    header = request.headers.get("Authorization")
    if header is None:
        return None
    # In any case (RFC 9110, section 11.1). Another scheme is meant for another server, such as a proxy in front.
    scheme, _, text = header.partition(" ")
    return text.strip() if scheme.lower() == "bearer" else None
