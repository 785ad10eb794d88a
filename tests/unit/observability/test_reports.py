"""What leaves the machine when a fault is reported: enough to find it, and no secret, no image."""

import json
import logging
from collections.abc import Iterator
from typing import Any

import pybase64
import pytest
import sentry_sdk
from sentry_sdk.envelope import Envelope
from sentry_sdk.transport import Transport

from imagemill.config import Settings
from imagemill.errors import ConfigurationError
from imagemill.observability.reports import reporter, scrubbed
from tests.images import photo_jpeg

KEY = "im_live_0123456789abcdefghijklmnopqrstuvwxyz"


class Kept(Transport):
    """Keeps what would be sent."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[dict[str, Any]] = []

    def capture_envelope(self, envelope: Envelope) -> None:
        """Keep an event."""
        event = envelope.get_event()
        assert event is not None
        self.events.append(dict(event))


@pytest.fixture
def sent() -> Iterator[list[dict[str, Any]]]:
    """The events that a process with a DSN reports; the log's lines go there as they do in the service."""
    handler = reporter(Settings(sentry_dsn="http://key@127.0.0.1:1/1"), "worker")
    assert handler is not None
    client = sentry_sdk.get_client()
    client.transport = Kept()
    log = logging.getLogger("reported")
    log.addHandler(handler)
    yield client.transport.events
    log.removeHandler(handler)
    client.close()
    sentry_sdk.get_global_scope().set_client(None)


def test_a_dsn_that_is_none_is_said_so_at_the_start() -> None:
    """By the name of its variable, in one line, and without the key that may be in it."""
    for dsn in ("4711", "https://4711@sentry.example"):
        with pytest.raises(ConfigurationError, match="IMAGEMILL_SENTRY_DSN") as caught:
            reporter(Settings(sentry_dsn=dsn), "worker")
        assert "4711" not in str(caught.value)


def fail(image: bytes, key: str) -> None:
    """A fault whose frames and sentence hold what must stay here."""
    local = f"{key} {image!r}"
    raise RuntimeError(f"cannot use {key} with {pybase64.b64encode(image).decode()} at //ada:hush@host/ {len(local)}")


def test_a_fault_is_reported_without_what_it_held(sent: list[dict[str, Any]]) -> None:
    """Class, place, role and request id go; variables, keys, images, passwords and host names stay."""
    image = photo_jpeg(40, 30)
    log = logging.getLogger("reported")
    try:
        fail(image, KEY)
    except RuntimeError as error:
        log.error({"event": "fault", "exc_info": error, "request_id": "r1"})  # as structlog hands it on

    (event,) = sent
    text = json.dumps(event)
    (error,) = event["exception"]["values"]
    assert error["type"] == "RuntimeError"
    assert error["stacktrace"]["frames"][-1]["function"] == "fail"
    assert event["tags"] == {"role": "worker", "request_id": "r1"}
    for secret in (KEY, pybase64.b64encode(image).decode()[:40], "hush", "vars", "server_name", "sys.argv"):
        assert secret not in text


def test_a_librarys_error_is_reported(sent: list[dict[str, Any]]) -> None:
    """With its traceback if it has one, else its sentence; a warning is not an error."""
    log = logging.getLogger("reported")
    log.warning("careful")
    log.error("exited with %s", "signal 9")
    try:
        1 / 0  # noqa: B018
    except ZeroDivisionError:
        log.exception("oops")
    assert sent[0]["message"] == "exited with signal 9"
    assert sent[1]["exception"]["values"][0]["type"] == "ZeroDivisionError"
    assert len(sent) == 2


def test_an_event_keeps_only_what_is_listed() -> None:
    """Whatever a later release of the library adds stays here until somebody has looked at it."""
    event: Any = {"level": "error", "request": {"headers": {"X-API-Key": KEY}}, "extra": {"a": 1}, "user": {}}
    assert scrubbed(event) == {"level": "error"}
    assert scrubbed({"message": f"key {KEY}", "exception": {"values": [{"type": "E"}]}})["message"] == "key …"


def test_without_a_dsn_nothing_is_reported() -> None:
    """And the library is not even imported."""
    assert reporter(Settings(), "api") is None
