"""What `/openapi.json` is put together from: schemas, parameters, headers, and the forms of an answer."""

from collections.abc import Iterable
from typing import Any

from pydantic.json_schema import models_json_schema

from imagemill.domain import apikey
from imagemill.domain.limits import MAX_OUTPUTS
from imagemill.domain.output import OPTIONS
from imagemill.domain.table import Option
from imagemill.web import auth, problems, schemas
from imagemill.web.body import IMAGE_PART, JSON
from imagemill.web.imagedata import FIELD

Fragment = dict[str, Any]
"""A piece of the description."""

BINARY: Fragment = {"type": "string", "format": "binary"}

_ANSWERS = (
    schemas.Problem,
    schemas.AcceptedAnswer,
    schemas.JobAnswer,
    schemas.JobsAnswer,
    schemas.PlanAnswer,
    schemas.UsageAnswer,
    schemas.FormatsAnswer,
    schemas.AliveAnswer,
    schemas.ReadyAnswer,
    schemas.EntranceAnswer,
)

_HEADERS = {
    "Accept-Ranges": ("string", "`bytes`."),
    "Content-Range": ("string", "Which part, of how many bytes."),
    "ETag": ("string", "Strong entity tag."),
    "Last-Modified": ("string", "When the image was made."),
    "Link": ("string", 'The next page, as rel="next"; not there at the end.'),
    "Location": ("string", "Where to ask for the job, or where the image is."),
    "Preference-Applied": ("string", "The wait that was granted; not there if none was."),
    "RateLimit": (
        "string",
        "What is left, by policy (draft-ietf-httpapi-ratelimit-headers-11); not there where none is set.",
    ),
    "RateLimit-Policy": ("string", "How many requests are allowed in how many seconds, by policy."),
    "Retry-After": ("integer", "Seconds after which to ask again; not there once a job has ended."),
    "WWW-Authenticate": ("string", "That a key is wanted; with 403, the scope that it needs."),
}


_SCHEMES = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": f"A key (`{apikey.PREFIX}…`), or a token of the issuer that the service trusts.",
    },
    "apiKey": {"type": "apiKey", "in": "header", "name": auth.HEADER, "description": "The same, in another header."},
}

RATES = ("RateLimit", "RateLimit-Policy")
"""Headers of every answer of the API, where rates are set."""

_HEADERS_OF_STATUS = {
    401: ("WWW-Authenticate",),
    403: ("WWW-Authenticate",),
    429: ("Retry-After", *RATES),
    503: ("Retry-After",),
}


def ref(kind: str, name: str) -> Fragment:
    """A reference to a component."""
    return {"$ref": f"#/components/{kind}/{name}"}


def components() -> Fragment:
    """Everything that references lead to."""
    headers = {name: {"schema": {"type": kind}, "description": text} for name, (kind, text) in _HEADERS.items()}
    return {
        "schemas": _schemas(),
        "headers": headers,
        "parameters": {"token": _token(), "Prefer": _prefer()},
        "securitySchemes": _SCHEMES,
    }


def answer(model: str, *headers: str, sentence: str = "") -> Fragment:
    """An answer whose body is one of the models."""
    return response(sentence or model, *headers, content={JSON: {"schema": ref("schemas", model)}})


def response(sentence: str, *headers: str, **more: Fragment) -> Fragment:
    """An answer with a description and the headers of these names."""
    named = {"headers": {name: ref("headers", name) for name in headers}} if headers else {}
    return {"description": sentence, **named, **more}


def failures(*codes: str) -> Fragment:
    """The problem documents of these codes, by status."""
    kinds: dict[int, list[problems.ProblemType]] = {}
    for code in codes:
        kinds.setdefault(problems.TYPES[code].status, []).append(problems.TYPES[code])
    return {str(status): _failure(status, alike) for status, alike in sorted(kinds.items())}


def key_with(scope: str) -> Fragment:
    """What an operation has that needs a key with this scope, sent in either way."""
    return {"security": [{name: [scope]} for name in _SCHEMES]}


def in_path(name: str, schema: Fragment) -> Fragment:
    """A parameter in the path."""
    return {"name": name, "in": "path", "required": True, "schema": schema}


def in_query(name: str, schema: Fragment, sentence: str) -> Fragment:
    """A parameter in the query."""
    return {"name": name, "in": "query", "schema": schema, "description": sentence}


def query_options() -> list[Fragment]:
    """The options of a raw body."""
    several = {
        "name": "outputs",
        "in": "query",
        "content": {JSON: {"schema": _outputs()}},
        "description": "Several outputs of one image.",
    }
    return [*(_in_query(option) for option in OPTIONS.values()), several]


def _failure(status: int, kinds: Iterable[problems.ProblemType]) -> Fragment:
    sentence = "; ".join(f"`{kind.code}`: {kind.meaning}" for kind in kinds)
    content = {problems.MEDIA_TYPE: {"schema": ref("schemas", "Problem")}}
    return response(sentence, *_HEADERS_OF_STATUS.get(status, ()), content=content)


def _schemas() -> Fragment:
    _, models = models_json_schema(
        [(model, "serialization") for model in _ANSWERS], ref_template="#/components/schemas/{model}"
    )
    options = {name: _option(option, option.kind.schema()) for name, option in OPTIONS.items()}
    texts = {name: _option(option, option.kind.text_schema()) for name, option in OPTIONS.items()}
    image = {"type": "string", "minLength": 1, "description": "Base64 (RFC 4648, section 4), or a data: URI of it."}
    file = {**BINARY, "description": "The image, as a part with a filename."}
    # A form's fields are texts, so the list stands in one.
    text = {"type": "string", "contentMediaType": JSON, "contentSchema": _outputs()}
    return {
        **models["$defs"],
        "OutputOptions": {"type": "object", "properties": options, "additionalProperties": False},
        "ResizeRequest": _request(FIELD, image, options, _outputs()),
        "ResizeForm": _request(IMAGE_PART, file, texts, text),
    }


def _request(field: str, image: Fragment, options: Fragment, outputs: Fragment) -> Fragment:
    return {
        "type": "object",
        "properties": {field: image, **options, "outputs": outputs},
        "required": [field],
        "additionalProperties": False,
        # Beside `outputs` the options are the defaults of each, and a name cannot be.
        "dependentSchemas": {"outputs": {"properties": {"name": False}}},
    }


def _outputs() -> Fragment:
    return {"type": "array", "minItems": 1, "maxItems": MAX_OUTPUTS, "items": ref("schemas", "OutputOptions")}


def _option(option: Option, rule: Fragment) -> Fragment:
    return {**rule, "description": option.sentence}


def _in_query(option: Option) -> Fragment:
    rule = option.kind.text_schema()
    if "contentSchema" not in rule:
        return in_query(option.name, rule, option.sentence)
    content = {rule["contentMediaType"]: {"schema": rule["contentSchema"]}}
    return {"name": option.name, "in": "query", "content": content, "description": option.sentence}


def _token() -> Fragment:
    return in_path("token", {"type": "string", "format": "uuid"})


def _prefer() -> Fragment:
    return {
        "name": "Prefer",
        "in": "header",
        "schema": {"type": "string", "examples": ["wait=10"]},
        "description": "`wait=N` holds the answer until the job has ended, for at most N seconds (RFC 7240).",
    }
