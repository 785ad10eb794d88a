"""Reports of faults to Sentry: whatever is logged as an error, scrubbed. An extra, imported only where it is asked for.

What leaves the machine: where in the code it happened, the class of the error, the sentence of the log, the role and
the request id. Local variables, requests, host names and environment stay here, and so does whatever in a sentence
looks like a key, a signature, a piece of an image, or the password in a URL.
"""

import logging
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from imagemill import __version__
from imagemill.config import Settings
from imagemill.errors import ConfigurationError

if TYPE_CHECKING:
    from sentry_sdk.types import Event

_LONG = re.compile(r"[A-Za-z0-9+/=_-]{32,}")
"""No word of a sentence is so long; keys, digests, signatures and base64 are."""

_PASSWORD = re.compile(r"//[^/\s@]*@")

_KEPT = frozenset(
    {"event_id", "timestamp", "level", "logger", "message", "exception", "tags", "release", "platform", "environment"}
)
_KEPT_OF_FRAMES = frozenset({"filename", "abs_path", "function", "module", "lineno", "in_app"})
_TAGS = ("request_id", "code")


def reporter(settings: Settings, role: str) -> logging.Handler | None:
    """A handler for the log's errors; None if no DSN is set.

    Raises:
        ConfigurationError: the extra is missing, or the DSN is none.
    """
    if settings.sentry_dsn is None:
        return None
    try:
        import sentry_sdk  # noqa: PLC0415
    except ImportError as error:
        raise ConfigurationError("IMAGEMILL_SENTRY_DSN needs the extra: pip install 'imagemill[sentry]'") from error
    try:
        _begin(settings, settings.sentry_dsn.get_secret_value())
    except ValueError:  # which quotes it, and it holds a key
        raise ConfigurationError("IMAGEMILL_SENTRY_DSN is not the DSN of a Sentry project") from None
    sentry_sdk.set_tag("role", role)
    return _Reporter(logging.ERROR)


def _begin(settings: Settings, dsn: str) -> None:
    import sentry_sdk  # noqa: PLC0415

    sentry_sdk.init(
        dsn,
        release=f"imagemill@{__version__}",
        environment=str(settings.profile),
        before_send=lambda event, _: scrubbed(event),
        # All that it would hook into logs its errors, and these are taken from the log.
        default_integrations=False,
        auto_enabling_integrations=False,
        include_local_variables=False,
        include_source_context=False,
        max_request_body_size="never",
        max_breadcrumbs=0,
        server_name="",
    )


class _Reporter(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        import sentry_sdk  # noqa: PLC0415

        # Lines of imagemill's own carry their fields as a mapping, those of libraries a sentence.
        fields: dict[str, Any] = record.msg if isinstance(record.msg, dict) else {}
        trouble = fields.get("exc_info") or record.exc_info
        error = trouble[1] if isinstance(trouble, tuple) else trouble
        with sentry_sdk.new_scope() as scope:
            scope.set_level("error")
            for name in _TAGS:
                if fields.get(name):
                    scope.set_tag(name, fields[name])
            if isinstance(error, BaseException):
                scope.capture_exception(error)
            else:
                scope.capture_message(str(fields.get("event") or record.getMessage()))


def scrubbed(event: "Event") -> "Event":
    """What of an event may leave the machine."""
    kept: Any = {name: value for name, value in event.items() if name in _KEPT}
    if "message" in kept:
        kept["message"] = _masked(str(kept["message"]))
    for error in _errors(kept):
        error["value"] = _masked(str(error.get("value") or ""))
        frames = (error.get("stacktrace") or {}).get("frames") or []
        error["stacktrace"] = {
            "frames": [{name: value for name, value in frame.items() if name in _KEPT_OF_FRAMES} for frame in frames]
        }
    return kept  # type: ignore[no-any-return]


def _errors(event: Any) -> Iterator[dict[str, Any]]:
    yield from (event.get("exception") or {}).get("values") or []


def _masked(text: str) -> str:
    return _LONG.sub("…", _PASSWORD.sub("//…@", text))
