"""The API over the whole service in one process, out of fakes."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from uuid import UUID

from flask.testing import FlaskClient

from imagemill.config import Settings
from imagemill.domain.caller import Caller
from imagemill.domain.job import ANONYMOUS, Job
from imagemill.domain.limits import Limits
from imagemill.errors import Unauthorized
from imagemill.flow.admission import Admission, RecentKeys
from imagemill.flow.health import Health
from imagemill.web.app import create_app
from imagemill.wiring import WebServices, create_deliver
from tests.fakes.counter import MemoryCounter
from tests.flow.house import House

API = "/api/v1/resize"
LIMITS = Limits(image_bytes=1024, pixels=10_000, output_pixels=10_000, frames=1000)


def services(house: House, **settings: object) -> WebServices:
    """What the API uses, over a house of fakes."""
    loaded = Settings(max_image_bytes=LIMITS.image_bytes, **settings)
    return WebServices(
        settings=loaded,
        admission=Admission(RecentKeys(house.keys, 0)),
        intake=house.intake,
        follow=house.follow,
        erase=house.erase,
        deliver=create_deliver(loaded, house.store),
        health=Health(house.jobs, house.store, house.queue),
        quota=house.quota,
        plan=house.plan,
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


def known_to(house: House, *callers: Caller, counter: MemoryCounter | None = None, **settings: object) -> FlaskClient:
    """A client of a service where a key is required, and a caller's name is the key of his."""
    served = replace(services(house, auth="required", **settings), admission=_ByName(callers))
    return create_app(replace(served, counter=counter or served.counter)).test_client()


class _ByName:
    def __init__(self, callers: Iterable[Caller]) -> None:
        self._callers = {caller.name: caller for caller in callers}

    def admit(self, text: str) -> Caller:
        if text not in self._callers:
            raise Unauthorized("unknown key")
        return self._callers[text]
