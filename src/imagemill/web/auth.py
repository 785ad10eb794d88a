"""Who the owner of a request is. Everything else asks here, and only here."""

from flask import Request

from imagemill.domain.job import ANONYMOUS


def owner_of(request: Request) -> str:  # noqa: ARG001 - who asks will be in its headers
    """The owner of the jobs that a request makes and sees: while auth is off, everybody is the same one."""
    return ANONYMOUS
