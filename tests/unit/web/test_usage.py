"""Usage: what a caller may know of his quota."""

from datetime import datetime

from imagemill.domain.formats import ImageFormat
from imagemill.domain.geometry import Size
from imagemill.domain.header import Header
from imagemill.domain.limits import Limits
from tests.fakes.engine import PICTURE
from tests.flow.house import House, caller
from tests.unit.web.service import API, client, known_to

USAGE = "/api/v1/usage"
MINE = {"environ_overrides": {"HTTP_X_API_KEY": "ada"}}
POST = {"headers": {"Content-Type": "image/jpeg"}, **MINE}


def house() -> House:
    """A service whose every image has 1.2 megapixels."""
    house = House()
    house.limits = Limits(image_bytes=1000, pixels=10_000_000, output_pixels=10_000, frames=1)
    house.engine.header = Header(ImageFormat.JPEG, Size(1200, 1000), frames=1, alpha=False)
    return house


def test_usage_goes_up_with_each_new_job() -> None:
    """In megapixels of the day, with the moment at which it begins anew."""
    api = known_to(house(), caller(megapixels_per_day=2))
    assert api.get(USAGE, **MINE).json["megapixels_used"] == 0
    assert api.post(API, data=PICTURE, **POST).status_code == 202
    usage = api.get(USAGE, **MINE).json
    assert (usage["megapixels_per_day"], usage["megapixels_used"]) == (2, 1.2)
    assert datetime.fromisoformat(usage["resets_at"]).hour == 0


def test_a_used_up_quota_is_refused_until_it_resets() -> None:
    """429 with a code of its own, and Retry-After until the end of the day."""
    service = house()
    api = known_to(service, caller(megapixels_per_day=2))
    api.post(API, data=PICTURE, **POST)
    refused = api.post(API, data=PICTURE + b"2", **POST)
    assert (refused.status_code, refused.json["code"]) == (429, "quota-exceeded")
    assert int(refused.headers["Retry-After"]) == 86_400 - int(service.jobs.now) % 86_400


def test_without_a_quota_there_is_nothing_to_tell() -> None:
    """All is null."""
    assert client(House()).get(USAGE).json == {"megapixels_per_day": None, "megapixels_used": None, "resets_at": None}
