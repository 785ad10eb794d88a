"""`/images/<key>`: the bytes of an output, or the way to them, with what caches have to know."""

import re
from dataclasses import dataclass

from flask import Flask, Response, request
from werkzeug.exceptions import NotFound, PreconditionFailed, RequestedRangeNotSatisfiable
from werkzeug.wsgi import wrap_file

from imagemill.flow.deliver import Deliver, Image, Redirection

_ONE_RANGE = re.compile(r"bytes=(?:\d+-\d*|-\d+)")
"""The ranges that are served. Any other Range is ignored, as RFC 9110, section 14.2, allows."""


@dataclass(frozen=True)
class ImagePages:
    """Delivers outputs.

    Args:
        accel_path: the location under which nginx has the store's folder; None where the API sends images itself.
    """

    deliver: Deliver
    accel_path: str | None = None

    def register(self, app: Flask) -> None:
        """Put the images in their place: the path is the key."""
        app.add_url_rule("/images/<path:rest>", "image", self.show)

    def show(self, rest: str) -> Response:
        """The image, a part of it, the news that the client has it already, or the way to the store that has it."""
        link = (request.args.get(name, "") for name in ("expires", "signature"))
        image = self.deliver.find(f"images/{rest}", *link)
        if image is None:
            raise NotFound
        if redirection := self.deliver.redirection(image, "HEAD" if request.method == "HEAD" else "GET"):
            return _redirect(redirection)
        response = _headers_of(image)
        if self.accel_path:
            # Conditions and ranges are nginx's business then; it keeps the headers that say what the image is. It would
            # also keep them on a refusal, which is no image and not for ever.
            if _begins_behind(image):
                raise RequestedRangeNotSatisfiable(image.stat.bytes)
            response.headers["X-Accel-Redirect"] = self.accel_path + image.key
            del response.headers["Content-Length"]
            return response
        # Conditions come before ranges (RFC 9110, section 13.2.2); Werkzeug alone would do it the other way round.
        response.make_conditional(request)
        if response.status_code == PreconditionFailed.code:
            raise PreconditionFailed
        if response.status_code == 200:
            _attach(response, image)
        return response


def _redirect(redirection: Redirection) -> Response:
    response = Response(status=302, content_type="text/plain")
    response.headers["Location"] = redirection.url
    response.headers["Cache-Control"] = redirection.cache_control
    return response


def _begins_behind(image: Image) -> bool:
    """Whether the request asks for a part behind the image's end, and for nothing that would come first."""
    conditions = {"If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since", "If-Range"}
    if request.range is None or not _ONE_RANGE.fullmatch(request.headers["Range"].strip()):
        return False
    return conditions.isdisjoint(request.headers.keys()) and request.range.range_for_length(image.stat.bytes) is None


def _headers_of(image: Image) -> Response:
    response = Response(content_type=image.media_type)
    response.content_length = image.stat.bytes
    response.set_etag(image.etag)
    response.last_modified = image.stat.modified_at
    response.headers["Cache-Control"] = image.cache_control
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


def _attach(response: Response, image: Image) -> None:
    file = image.open()
    if file is None:
        raise NotFound
    response.response = wrap_file(request.environ, file)
    response.direct_passthrough = True
    one_range = _ONE_RANGE.fullmatch(request.headers.get("Range", "").strip())
    try:
        response.make_conditional(request, accept_ranges=bool(one_range), complete_length=image.stat.bytes)
    except RequestedRangeNotSatisfiable:
        file.close()
        raise
    response.headers["Accept-Ranges"] = "bytes"
