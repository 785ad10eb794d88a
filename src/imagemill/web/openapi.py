"""`/openapi.json`: the API, described by what it is made of.

Answers come from the pydantic models that serialise them, options from the kinds that check them, problems from the
table that maps them. Only what has no table, the paths and their methods, is written out here.
"""

import json
from typing import Any

from flask import Flask, Response

from imagemill import __version__
from imagemill.config import Settings
from imagemill.web.answers import API
from imagemill.web.auth import SCOPES
from imagemill.web.body import FORM, JSON, RAW
from imagemill.web.components import (
    BINARY,
    RATES,
    Fragment,
    answer,
    components,
    failures,
    in_path,
    in_query,
    key_with,
    query_options,
    ref,
    response,
)
from imagemill.web.formats import FORMATS
from imagemill.web.plan import PLAN
from imagemill.web.resize import PAGE_DEFAULT, PAGE_LIMIT
from imagemill.web.usage import USAGE


def register(app: Flask, settings: Settings) -> None:
    """Serve the description."""
    text = json.dumps(document(settings.public_url, locked=settings.auth_required))

    def describe() -> Response:
        return Response(text, content_type=JSON)

    app.add_url_rule("/openapi.json", "openapi", describe)


def document(public_url: str | None = None, *, locked: bool = False) -> Fragment:
    """The description.

    Args:
        public_url: base of all paths; None if they begin at the root of the host.
        locked: whether a key is needed.

    Source: OpenAPI Specification 3.1.
    """
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "imagemill",
            "version": __version__,
            "summary": "Post an image, get a token, fetch the resized image.",
            "license": {"name": "Apache License 2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": public_url or "/"}],
        "paths": _locked(_paths()) if locked else _paths(),
        "components": components(),
    }


def _paths() -> Fragment:
    return {
        API: {"post": _submit(), "get": _page()},
        PLAN: {"post": _plan()},
        USAGE: {"get": _usage()},
        FORMATS: {"get": _formats()},
        API + "/{token}": {"parameters": [ref("parameters", "token")], "get": _show(), "delete": _erase()},
        "/images/{shard}/{file}": {"get": _image()},
        "/problems/{code}": {"get": _problem()},
        "/healthz": {"get": _operation("healthz", "Whether the process answers", {"200": answer("AliveAnswer")})},
        "/readyz": {"get": _ready()},
        "/openapi.json": {"get": _description()},
        "/": {"get": _operation("entrance", "What this server is", {"200": answer("EntranceAnswer")})},
    }


_BODY = {
    "required": True,
    "content": {
        JSON: {"schema": ref("schemas", "ResizeRequest")},
        FORM: {"schema": ref("schemas", "ResizeForm")},
        RAW: {"schema": BINARY},
        "image/*": {"schema": BINARY},
    },
}
_REFUSALS_OF_A_BODY = (
    "malformed-request", "invalid-base64", "empty-image", "request-timeout", "image-too-large", "unsupported-image",
    "unsupported-media-type", "corrupt-image", "too-many-pixels", "invalid-options", "rate-limited",
)  # fmt: skip


def _submit() -> Fragment:
    headers = ("Location", "Preference-Applied", *RATES)
    codes = (*_REFUSALS_OF_A_BODY, "quota-exceeded", "too-many-pending", "overloaded", "unavailable")
    return _operation(
        "submit",
        "Send an image and say what to make of it",
        {
            "200": answer("JobAnswer", *headers, sentence="The job has ended while the answer was held"),
            "202": answer("AcceptedAnswer", *headers, "Retry-After", sentence="The job is durable"),
            **failures(*codes),
        },
        description="Options in the query belong to a raw body; JSON and forms carry their own.",
        parameters=[ref("parameters", "Prefer"), *query_options()],
        requestBody=_BODY,
    )


def _plan() -> Fragment:
    return _operation(
        "plan",
        "Ask what a request would make, without making it",
        {"200": answer("PlanAnswer", *RATES), **failures(*_REFUSALS_OF_A_BODY, "unavailable")},
        description="The same body as for a job. Only the header is read; nothing is stored, and no quota is charged.",
        parameters=query_options(),
        requestBody=_BODY,
    )


def _page() -> Fragment:
    limit = {**PAGE_LIMIT.schema(), "default": PAGE_DEFAULT}
    return _operation(
        "page",
        "List jobs, newest first",
        {
            "200": answer("JobsAnswer", "Link", *RATES),
            **failures("malformed-request", "invalid-options", "rate-limited", "unavailable"),
        },
        parameters=[
            in_query("cursor", {"type": "string"}, "Where to begin: the `next_cursor` of the page before."),
            in_query("limit", limit, "How many jobs at most."),
        ],
    )


def _show() -> Fragment:
    return _operation(
        "show",
        "Ask for a job",
        {
            "200": answer("JobAnswer", "Retry-After", "Preference-Applied", *RATES),
            **failures("unknown-token", "rate-limited", "unavailable"),
        },
        parameters=[ref("parameters", "Prefer")],
    )


def _erase() -> Fragment:
    return _operation(
        "erase",
        "Erase a job, its outputs, and its image if no other job needs it",
        {"204": response("Erased", *RATES), **failures("unknown-token", "rate-limited", "unavailable")},
    )


def _usage() -> Fragment:
    return _operation(
        "usage",
        "Ask what is used of the day's quota",
        {"200": answer("UsageAnswer", *RATES), **failures("rate-limited", "unavailable")},
    )


def _formats() -> Fragment:
    return _operation(
        "formats",
        "Ask what is read and written",
        {"200": answer("FormatsAnswer", *RATES), **failures("rate-limited")},
    )


def _image() -> Fragment:
    content = {"image/*": {"schema": BINARY}}
    headers = ("ETag", "Last-Modified", "Accept-Ranges")
    conditions = ("If-None-Match", "If-Match", "If-Modified-Since", "If-Unmodified-Since", "If-Range", "Range")
    return _operation(
        "image",
        "Fetch an output",
        {
            "200": response("The image", *headers, content=content),
            "206": response("A part of it", *headers, "Content-Range", content=content),
            "302": response("The store has it: the link in Location works for a while", "Location"),
            "304": response("The client has it already", "ETag"),
            **failures("invalid-link", "not-found", "precondition-failed", "range-not-satisfiable", "unavailable"),
        },
        parameters=[
            in_path("shard", {"type": "string", "pattern": "^[0-9a-f]{2}$"}),
            in_path("file", {"type": "string", "pattern": "^[0-9a-f]{32}-[a-z0-9-]{1,32}[.][a-z0-9]{3,4}$"}),
            in_query("expires", {"type": "string"}, "With signed links: when it ends, in seconds since the epoch."),
            in_query("signature", {"type": "string"}, "With signed links: proof that this service gave it."),
            *({"name": name, "in": "header", "schema": {"type": "string"}} for name in conditions),
        ],
    )


def _problem() -> Fragment:
    page = response("What it means", content={"text/plain": {"schema": {"type": "string"}}})
    return _operation(
        "problem",
        "Read about a type of problem",
        {"200": page, **failures("not-found")},
        parameters=[in_path("code", {"type": "string", "pattern": "^[a-z0-9-]+$", "examples": ["invalid-options"]})],
    )


def _ready() -> Fragment:
    unready = answer("ReadyAnswer", sentence="They cannot: database or store are away")
    return _operation("readyz", "Whether jobs can be accepted", {"200": answer("ReadyAnswer"), "503": unready})


def _description() -> Fragment:
    return _operation("openapi", "This description", {"200": response("OpenAPI 3.1", content={JSON: {"schema": {}}})})


def _operation(name: str, summary: str, responses: Fragment, **more: Any) -> Fragment:
    refusals = ("unauthorized", "insufficient-scope") if name in SCOPES else ()
    responses = responses | failures(*refusals, "internal-error")
    return {"operationId": name, "summary": summary, "responses": responses, **more}


def _locked(paths: Fragment) -> Fragment:
    # An operation is named after its endpoint.
    for operation in (found for path in paths.values() for found in path.values() if "operationId" in found):
        if operation["operationId"] in SCOPES:
            operation.update(key_with(SCOPES[operation["operationId"]]))
    return paths
