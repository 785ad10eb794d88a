"""Errors as problem documents (RFC 9457). The one place that knows which HTTP status an error class has."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException, NotFound

from imagemill import errors, observability
from imagemill.errors import ImagemillError, InsufficientScope, InvalidOptions, Refused, TooMuch, Unavailable
from imagemill.web.schemas import OptionTrouble, Problem

MEDIA_TYPE = "application/problem+json"
_INSTANCE_CHARACTERS = 100  # Enough to recognise a path; a problem document is no echo.

STATUS: Mapping[type[ImagemillError], int] = {
    errors.MalformedRequest: 400,
    errors.InvalidBase64: 400,
    errors.EmptyImage: 400,
    errors.ImageTooLarge: 413,
    errors.UnsupportedImage: 415,
    errors.CorruptImage: 422,
    errors.TooManyPixels: 422,
    errors.InvalidOptions: 422,
    errors.InvalidLink: 403,
    errors.UnknownToken: 404,
    errors.Unauthorized: 401,
    errors.InsufficientScope: 403,
    errors.RateLimited: 429,
    errors.QuotaExceeded: 429,
    errors.TooManyPending: 429,
    errors.RecordUnavailable: 503,
    errors.NewerRecord: 503,
    errors.StoreUnavailable: 503,
    errors.BrokerUnavailable: 503,
    errors.IssuerUnavailable: 503,
    errors.Overloaded: 503,
    # A job ends with these, a request never does.
    errors.WorkerLost: 500,
    errors.TimeLimitExceeded: 500,
    errors.MemoryLimitExceeded: 500,
    errors.OriginalMissing: 500,
    errors.OutputTooLarge: 422,
    errors.WatermarkMissing: 500,
    errors.RenderFailed: 500,
    errors.LeaseLost: 500,
    errors.CommandRefused: 500,
    errors.ConfigurationError: 500,
}
"""The status of every concrete error class."""


@dataclass(frozen=True, slots=True)
class ProblemType:
    """What all problems of one code have in common.

    Args:
        code: stable for ever.
        title: in a few words.
        status: of the answer.
        meaning: a sentence, for the problem's page and where nothing more can be said.
        retryable: whether the same request can succeed later.
    """

    code: str
    title: str
    status: int
    meaning: str
    retryable: bool = False


_HTTP_TYPES = {
    kind.status: kind
    for kind in (
        ProblemType("malformed-request", "The request is malformed", 400, "The request does not parse."),
        ProblemType("not-found", "There is nothing here", 404, "No page and no image has this path."),
        ProblemType("method-not-allowed", "The method is not allowed", 405, "The header Allow lists what is."),
        ProblemType(
            "request-timeout", "The request took too long", 408, "The body did not arrive at a useful speed.", True
        ),
        ProblemType("precondition-failed", "A precondition failed", 412, "The image is not the one that was named."),
        ProblemType(
            "unsupported-media-type",
            "The body is of a type that is not read",
            415,
            "Send application/json, multipart/form-data, or the image itself as image/* or application/octet-stream, "
            "without Content-Encoding.",
        ),
        ProblemType("range-not-satisfiable", "The range is outside the image", 416, "Content-Range has its size."),
        ProblemType(
            "internal-error", "The service failed", 500, "A fault of the service; its log has the details.", True
        ),
    )
}


def _described() -> dict[str, ProblemType]:
    described = {
        kind.code: ProblemType(kind.code, kind.title, status, (kind.__doc__ or "").split("\n")[0], kind.retryable)
        for kind, status in STATUS.items()
    }
    described[Unavailable.code] = ProblemType(
        Unavailable.code,
        Unavailable.title,
        503,
        "A part of the service is away; Retry-After says when to ask again.",
        Unavailable.retryable,
    )
    return {**{kind.code: kind for kind in _HTTP_TYPES.values()}, **described}


TYPES: Mapping[str, ProblemType] = _described()
"""Every problem type by its code."""


def status_of(code: str) -> int:
    """The status of a problem by its code; 500 for a code of a release that is not this one."""
    return TYPES[code].status if code in TYPES else 500


def type_uri(code: str) -> str:
    """The `type` of a problem: a path, so that it is the same however the service is reached (RFC 9457, 3.1.1)."""
    return f"/problems/{code}"


def register(app: Flask) -> None:
    """Answer every error of the app with a problem document, and serve a page about each type."""
    app.register_error_handler(ImagemillError, _from_domain)
    app.register_error_handler(HTTPException, _from_http)
    app.register_error_handler(Exception, _from_fault)
    app.add_url_rule("/problems/<code>", view_func=_explain, endpoint="problem")


def _from_domain(error: ImagemillError) -> Response:
    status = STATUS[type(error)]
    if status == 500:
        return _from_fault(error)
    kind = TYPES[error.code]
    if isinstance(error, errors.CorruptImage | errors.UnsupportedImage) and (cause := observability.cause(error)):
        observability.bind(cause=cause)
    if isinstance(error, InvalidOptions):
        return _answer(kind, "One or more options are wrong; `errors` lists them.", status, _troubles(error))
    response = _answer(kind, error.detail, status)
    if isinstance(error, Refused):
        response.headers["WWW-Authenticate"] = _challenge(error)
    if isinstance(error, Unavailable):
        observability.logger().warning(
            "unavailable", part=type(error).__name__, reason=error.detail, cause=observability.cause(error)
        )
    if isinstance(error, Unavailable | TooMuch):
        response.headers["Retry-After"] = str(error.retry_after_seconds)
    return response


def _challenge(error: Refused) -> str:
    # Nothing in it depends on what was wrong with a key (RFC 6750, section 3).
    challenge = 'Bearer realm="imagemill"'
    if isinstance(error, InsufficientScope):
        return f'{challenge}, error="insufficient_scope", scope="{error.scope}"'
    return challenge


def _from_http(error: HTTPException) -> Response:
    status = error.code or 500
    kind = _HTTP_TYPES.get(status) or _HTTP_TYPES[400 if status < 500 else 500]
    response = _answer(kind, kind.meaning, status)
    response.headers.extend(
        (name, value) for name, value in error.get_headers(request.environ) if name.lower() != "content-type"
    )
    return response


def _from_fault(error: Exception) -> Response:
    observability.logger().error("fault", exc_info=error)
    return _answer(_HTTP_TYPES[500], _HTTP_TYPES[500].meaning, 500)


def _answer(kind: ProblemType, detail: str, status: int, troubles: tuple[OptionTrouble, ...] = ()) -> Response:
    observability.bind(code=kind.code)
    problem = Problem(
        type=type_uri(kind.code),
        title=kind.title,
        status=status,
        detail=detail,
        instance=quote(request.path[:_INSTANCE_CHARACTERS]),
        code=kind.code,
        retryable=kind.retryable,
        errors=troubles,
    )
    return Response(problem.model_dump_json(exclude_defaults=True), status, content_type=MEDIA_TYPE)


def _troubles(options: InvalidOptions) -> tuple[OptionTrouble, ...]:
    return tuple(OptionTrouble(pointer=problem.pointer, detail=problem.detail) for problem in options.problems)


def _explain(code: str) -> Response:
    kind = TYPES.get(code)
    if kind is None:
        raise NotFound
    again = "can" if kind.retryable else "cannot"
    page = f"{kind.title} ({kind.code})\n\n{kind.meaning}\nThe same request {again} succeed later.\n"
    return Response(page, content_type="text/plain; charset=utf-8")
