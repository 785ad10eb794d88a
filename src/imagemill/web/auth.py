"""Who asks. Everything else asks here, and only here."""

from flask import Request

from imagemill.domain.caller import ANYBODY, Caller

_CALLER = "imagemill.caller"


def caller_of(request: Request) -> Caller:
    """Who makes a request: while auth is off, everybody is the same one."""
    caller: Caller = request.environ.get(_CALLER, ANYBODY)
    return caller
