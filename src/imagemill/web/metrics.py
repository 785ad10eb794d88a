"""`/metrics` on the API's own port: in development only. Elsewhere it has a port that the world does not reach."""

from flask import Flask, Response

from imagemill.observability.exposition import CONTENT_TYPE, PATH, Exposition


def register(app: Flask, exposition: Exposition | None) -> None:
    """Put the page in its place; without an exposition there is none."""
    if exposition is None:
        return

    def show() -> Response:
        return Response(exposition.text(), content_type=CONTENT_TYPE)

    app.add_url_rule(PATH, "metrics", show)
