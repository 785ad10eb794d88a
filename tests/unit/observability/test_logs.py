"""The log: one form, with the ids of the request or job on every line."""

import json
import logging
import subprocess
import sys

import pytest

from imagemill import observability
from imagemill.errors import StoreUnavailable

PROGRAM = """
import logging, sys
from imagemill import observability
from imagemill.config import Settings
observability.configure(Settings(log_format=sys.argv[1]), "api")
observability.bind(request_id="r1")
observability.logger().info("request", status=202)
logging.getLogger("a.library").warning("careful %s", "now", extra={"key": "k"})
logging.getLogger("kombu").info("chatter")
observability.unbind("request_id")
try:
    1 / 0
except ZeroDivisionError:
    logging.getLogger("b").exception("oops")
"""


def lines(form: str) -> list[str]:
    ended = subprocess.run([sys.executable, "-c", PROGRAM, form], check=True, capture_output=True, text=True)
    assert ended.stdout == ""
    return ended.stderr.splitlines()


def test_json_lines_carry_ids_role_and_fields() -> None:
    """Each line is an object; imagemill's and libraries' lines look alike; chatter is left out."""
    request, library, failure = map(json.loads, lines("json"))
    assert (request["event"], request["status"], request["request_id"], request["role"]) == (
        "request",
        202,
        "r1",
        "api",
    )
    assert (library["event"], library["key"], library["request_id"]) == ("careful now", "k", "r1")
    assert "ZeroDivisionError" in failure["exception"]
    assert "request_id" not in failure
    assert {"level", "timestamp"} <= request.keys() & library.keys() & failure.keys()


def test_text_lines_are_for_people() -> None:
    """In development a line is readable, and a traceback is a traceback."""
    text = "\n".join(lines("text"))
    assert "request_id=r1" in text
    assert "Traceback (most recent call last)" in text


def test_the_cause_of_an_error_is_for_the_log() -> None:
    """The innermost cause, one line of it; None where there is none."""
    error = StoreUnavailable("The image store does not answer.")
    error.__cause__ = OSError(28, "No space left on device\nsecond line")
    assert observability.cause(error) == "OSError: [Errno 28] No space left on device"
    assert observability.cause(StoreUnavailable()) is None


@pytest.mark.parametrize("name", ["imagemill.flow.intake"])
def test_flows_log_without_configuration(name: str) -> None:
    """A module's logger is the standard library's, so that it works before and without `configure`."""
    assert isinstance(logging.getLogger(name), logging.Logger)
