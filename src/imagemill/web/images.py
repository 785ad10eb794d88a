"""`/images/<key>`: the bytes of an output, or the way to them, with what caches have to know."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from flask import Flask, Response, request
from werkzeug.exceptions import NotFound, PreconditionFailed
from werkzeug.wsgi import wrap_file

from imagemill.flow.deliver import Deliver, Image, Redirection
from imagemill.web.conditions import asked_part, is_conditional, status_by_conditions

_PIECE_BYTES = 2**16


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
        # Not for HEAD: nginx would cut a part out of what has no bytes.
        if self.accel_path and request.method == "GET":
            # Conditions and ranges are nginx's business then; it keeps the headers that say what the image is. It would
            # also keep them on a refusal, which is no image and not for ever.
            if not is_conditional(request):
                asked_part(request, image)
            response.headers["X-Accel-Redirect"] = self.accel_path + image.key
            del response.headers["Content-Length"]
            return response
        response.status_code = status_by_conditions(request, image)
        if response.status_code == PreconditionFailed.code:
            raise PreconditionFailed
        if response.status_code == 200:
            _attach(response, image, asked_part(request, image))
        return response


def _redirect(redirection: Redirection) -> Response:
    response = Response(status=302, content_type="text/plain")
    response.headers["Location"] = redirection.url
    response.headers["Cache-Control"] = redirection.cache_control
    return response


def _headers_of(image: Image) -> Response:
    response = Response(content_type=image.media_type)
    response.content_length = image.stat.bytes
    response.set_etag(image.etag)
    response.last_modified = image.stat.modified_at
    response.headers["Cache-Control"] = image.cache_control
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


def _attach(response: Response, image: Image, part: range | None) -> None:
    response.headers["Accept-Ranges"] = "bytes"
    if request.method == "HEAD":
        return  # Nobody would read the file, nor close it; and a bucket would begin to send it.
    file = image.open()
    if file is None:
        raise NotFound
    response.direct_passthrough = True
    if part is None:
        response.response = wrap_file(request.environ, file)
        return
    response.status_code = 206
    response.headers["Content-Range"] = f"bytes {part.start}-{part.stop - 1}/{image.stat.bytes}"
    response.content_length = len(part)
    # The server's own wrapper knows no seeking: all that comes before would be read, and fetched from a bucket.
    response.response = _Part(file, part)


class _Part:
    """The bytes of a file at these places. Closes it."""

    def __init__(self, file: BinaryIO, part: range) -> None:
        self._file = file
        self._part = part

    def __iter__(self) -> Iterator[bytes]:
        self._file.seek(self._part.start)
        left = len(self._part)
        while left and (piece := self._file.read(min(left, _PIECE_BYTES))):
            left -= len(piece)
            yield piece

    def close(self) -> None:
        self._file.close()
