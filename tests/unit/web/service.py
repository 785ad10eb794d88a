"""The API over the whole service in one process, out of fakes."""

from collections.abc import Callable
from uuid import UUID

from flask.testing import FlaskClient

from imagemill.config import Settings
from imagemill.domain.job import ANONYMOUS, Job
from imagemill.domain.limits import Limits
from imagemill.flow.deliver import Deliver
from imagemill.flow.health import Health
from imagemill.web.app import create_app
from imagemill.wiring import WebServices
from tests.fakes.counter import MemoryCounter
from tests.flow.house import House

API = "/api/v1/resize"
LIMITS = Limits(image_bytes=1024, pixels=10_000, output_pixels=10_000, frames=1000)


def services(house: House, **settings: object) -> WebServices:
    """What the API uses, over a house of fakes."""
    return WebServices(
        settings=Settings(max_image_bytes=LIMITS.image_bytes, **settings),
        intake=house.intake,
        follow=house.follow,
        erase=house.erase,
        deliver=Deliver(house.store),
        health=Health(house.jobs, house.store, house.queue),
        quota=house.quota,
        counter=MemoryCounter(),
    )


def client(house: House, **settings: object) -> FlaskClient:
    """A client of the API over a house of fakes."""
    return create_app(services(house, **settings)).test_client()


def finish(house: House, token: str) -> Job:
    """Do the work of a job that was posted."""
    attempt = house.attempt(UUID(token))
    attempt.work()
    return house.job(attempt.token, ANONYMOUS)


def finishing(house: House) -> Callable[[float], None]:
    """What happens while somebody waits: the work of every job that was sent."""

    def work(_: float) -> None:
        for token in house.queue.sent:
            if attempt := house.render.claim(token):
                attempt.work()

    return work
