"""The three ways in: JSON, multipart and raw bytes. Each ends in the same two things, an image and a recipe."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import IO, Any, cast

from flask import Request
from werkzeug.datastructures import FileStorage, MultiDict
from werkzeug.exceptions import RequestEntityTooLarge, UnsupportedMediaType
from werkzeug.formparser import MultiPartParser

from imagemill.domain.limits import Limits
from imagemill.domain.options import pointer, refuse
from imagemill.domain.ports import Bytes
from imagemill.domain.recipe import Recipe
from imagemill.errors import EmptyImage, InvalidOptions, MalformedRequest, OptionProblem
from imagemill.web import imagedata
from imagemill.web.bounded import BoundedBody
from imagemill.web.imagedata import OPTIONS_BYTES

JSON, FORM, RAW = "application/json", "multipart/form-data", "application/octet-stream"
ACCEPTED = (JSON, FORM, RAW, "image/*")
"""The media types of a body that is read."""

IMAGE_PART = "image"
_FORM_PARTS = 64


class RefusedBody(UnsupportedMediaType):
    """415 with the headers that say what is read instead."""

    def get_headers(self, *args: Any, **kwargs: Any) -> list[tuple[str, str]]:
        """Source: RFC 9110, section 15.5.16; Linked Data Platform 1.0, section 7.1 for Accept-Post."""
        kinds = ", ".join(ACCEPTED)
        return [
            *super().get_headers(*args, **kwargs),
            ("Accept", kinds),
            ("Accept-Post", kinds),
            ("Accept-Encoding", "identity"),
        ]


@dataclass(frozen=True, slots=True)
class Submission:
    """What a client sent.

    Args:
        image: the bytes, not looked at yet.
        recipe: what to make of them.
    """

    image: Bytes
    recipe: Recipe


def read(request: Request, limits: Limits) -> Submission:
    """Read a body of any of the accepted types, never more of it than an image within the limits needs.

    Raises:
        EmptyImage, ImageTooLarge, InvalidBase64, MalformedRequest: the body is at fault.
        InvalidOptions: an option is.
        RefusedBody: it is of a type or a coding that is not read.
    """
    if not request.content_length and "Transfer-Encoding" not in request.headers:
        raise EmptyImage("The request has no body.")
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise RefusedBody
    kind = request.mimetype
    if kind == JSON:
        return _read_json(request, limits)
    if kind == FORM:
        return _read_form(request, limits)
    if kind == RAW or kind.startswith("image/"):
        return _read_raw(request, limits)
    raise RefusedBody


def _read_json(request: Request, limits: Limits) -> Submission:
    _refuse_query(request)
    body = BoundedBody(request, imagedata.body_limit_bytes(limits), limits.too_large()).read_all()
    if not body:
        raise EmptyImage("The request has no body.")
    options, encoded = imagedata.parse(body)
    recipe = Recipe.parse(options)
    return Submission(encoded.decode(limits), recipe)


def _read_raw(request: Request, limits: Limits) -> Submission:
    recipe = Recipe.parse_text(single(request.args))
    return Submission(BoundedBody(request, limits.image_bytes, limits.too_large()).read_all(), recipe)


def _read_form(request: Request, limits: Limits) -> Submission:
    _refuse_query(request)
    body = BoundedBody(request, limits.image_bytes + OPTIONS_BYTES, limits.too_large())
    form, files = _parse_form(body, request.mimetype_params.get("boundary", ""))
    refuse(_form_problems(form, files))
    recipe = Recipe.parse_text(single(form))
    if IMAGE_PART not in files:
        raise EmptyImage(f"The form has no file field `{IMAGE_PART}`.")
    return Submission(cast("BytesIO", files[IMAGE_PART].stream).getbuffer(), recipe)


def _parse_form(body: BoundedBody, boundary: str) -> tuple[MultiDict[str, str], MultiDict[str, FileStorage]]:
    if not boundary:
        raise MalformedRequest("The Content-Type has no boundary.")
    parser = MultiPartParser(
        stream_factory=_in_memory,
        max_form_memory_size=OPTIONS_BYTES,
        max_form_parts=_FORM_PARTS,
        buffer_size=OPTIONS_BYTES // 2,  # What it reads at a time counts as form memory too.
    )
    try:
        return parser.parse(cast("IO[bytes]", body), boundary.encode("ascii"), None)
    except RequestEntityTooLarge:
        raise MalformedRequest(
            f"Beside the image a form may have at most {OPTIONS_BYTES:,} bytes, in at most {_FORM_PARTS} parts."
        ) from None
    except ValueError:
        raise MalformedRequest("The body is not valid multipart/form-data, or it was cut short.") from None


def _in_memory(*_: object, **__: object) -> IO[bytes]:
    # Werkzeug would spool to a file; the bounded body makes memory safe, and the image is stored anyway.
    return BytesIO()


def _form_problems(form: MultiDict[str, str], files: MultiDict[str, FileStorage]) -> Iterator[OptionProblem]:
    if IMAGE_PART in form:
        yield OptionProblem(pointer(IMAGE_PART), "must be a file: a part with a filename")
    if len(files.getlist(IMAGE_PART)) > 1:
        yield OptionProblem(pointer(IMAGE_PART), "must be there once")
    for name in files:
        if name != IMAGE_PART:
            yield OptionProblem(pointer(name or ""), f"must not be a file; only `{IMAGE_PART}` is one")


def _refuse_query(request: Request) -> None:
    if request.args:
        raise InvalidOptions(*_misplaced(request.args))


def _misplaced(names: Iterable[str]) -> Iterator[OptionProblem]:
    for name in names:
        yield OptionProblem(pointer(name), "belongs into the body; the query is for raw bytes")


def single(values: MultiDict[str, str]) -> dict[str, str]:
    """Fields that may be there once each. Raises InvalidOptions for those that are there more often."""
    twice = [name for name, texts in values.lists() if len(texts) > 1]
    if twice:
        raise InvalidOptions(*(OptionProblem(pointer(name), "must be there once") for name in twice))
    return {name or "": text for name, text in values.items()}
