"""The Flask application, put together from its rooms."""

from flask import Flask, Response

from imagemill import __version__, allocation, config, observability, wiring
from imagemill.observability.exposition import serve
from imagemill.observability.instruments import instruments
from imagemill.web import access, auth, formats, metrics, openapi, problems
from imagemill.web.answers import API, respond, site_of
from imagemill.web.health import HealthPages
from imagemill.web.images import ImagePages
from imagemill.web.limits import Limits
from imagemill.web.plan import PlanApi
from imagemill.web.prefer import WaitSlots
from imagemill.web.resize import ResizeApi
from imagemill.web.schemas import EntranceAnswer
from imagemill.web.usage import UsagePage
from imagemill.wiring import WebServices

_USUAL_BYTES, _KEPT_BYTES = 16 * 2**20, 32 * 2**20
"""What a phone's camera writes is smaller; and a few of them."""


def create_app(services: WebServices) -> Flask:
    """The API over the given services. One for each process: the bound on waiting requests is the process's."""
    app = Flask("imagemill", static_folder=None)
    app.url_map.merge_slashes = False  # A path with an empty segment is another path: 404, not a redirect.
    access.register(app, services.instruments)
    problems.register(app)
    limits = Limits(services.counter, services.settings)
    limits.register_addresses(app)  # before keys are looked at, so that nobody tries many
    auth.register(app, services.admission, required=services.settings.auth_required)
    limits.register_keys(app)
    ResizeApi(services, WaitSlots(services.settings.waits)).register(app)
    PlanApi(services.plan, services.settings.limits).register(app)
    UsagePage(services.quota).register(app)
    formats.register(app, services.settings.taken)
    ImagePages(services.deliver, services.settings.accel_path).register(app)
    HealthPages(services.health).register(app)
    metrics.register(app, services.exposition)
    openapi.register(app, services.settings)

    def entrance() -> Response:
        site = site_of(services.settings)
        return respond(EntranceAnswer(version=__version__, openapi=f"{site}/openapi.json", resize=f"{site}{API}"))

    app.add_url_rule("/", "entrance", entrance)
    return app


def for_gunicorn() -> Flask:
    """What a Gunicorn process calls: `imagemill.web.app:for_gunicorn()`."""
    # Python lets one thread work at a time: more arenas keep more and win no time.
    allocation.keep_usual_buffers(_USUAL_BYTES, kept_bytes=_KEPT_BYTES, arenas=2)
    settings = config.load()
    observability.configure(settings, "api")
    serve(wiring.for_scrapes(settings), settings)
    return create_app(wiring.for_web(settings, instruments(settings, "api")))
