"""`/api/v1/formats`: what this build reads and writes, from the tables that reading and writing go by."""

from collections.abc import Collection

from flask import Flask, Response

from imagemill.domain.encoding import ANIMATIONS
from imagemill.domain.formats import FACTS, ImageFormat
from imagemill.web.answers import respond
from imagemill.web.schemas import FormatAnswer, FormatsAnswer

FORMATS = "/api/v1/formats"


def register(app: Flask, taken: Collection[ImageFormat]) -> None:
    """Serve the list.

    Args:
        app: that serves it.
        taken: the formats that are taken in.
    """
    answer = FormatsAnswer(formats=tuple(_entry(format, taken) for format in ImageFormat if _is_known(format, taken)))

    def formats() -> Response:
        return respond(answer)

    app.add_url_rule(FORMATS, "formats", formats, methods=["GET"])


def _is_known(format: ImageFormat, taken: Collection[ImageFormat]) -> bool:
    return format in taken or FACTS[format].writable


def _entry(format: ImageFormat, taken: Collection[ImageFormat]) -> FormatAnswer:
    facts = FACTS[format]
    return FormatAnswer(
        name=format,
        media_type=facts.media_type,
        extension=facts.extension,
        reads=format in taken,
        writes=facts.writable,
        alpha=facts.alpha,
        reads_animation=format in taken and format in ANIMATIONS,
        writes_animation=facts.frames,
        options=facts.options,
    )
