"""The dry run over HTTP: the same bodies and refusals as a job, and no trace of it."""

import base64

import pytest
from flask.testing import FlaskClient

from imagemill.domain.caller import Caller, Scope
from tests.fakes.engine import PICTURE
from tests.flow.house import House
from tests.unit.web.service import LIMITS, known_to

PLAN = "/api/v1/plan"


def test_what_would_be_made_is_told(api: FlaskClient) -> None:
    """The source, and each output with its names, formats and size."""
    answer = api.post(PLAN, data=PICTURE, content_type="image/jpeg", query_string="widths=auto&format=webp")
    assert answer.status_code == 200
    assert answer.get_json() == {
        "source": {"format": "jpeg", "width": 40, "height": 30, "bytes": len(PICTURE), "frames": 1},
        "megapixels": 0.0012,
        "outputs": [
            {
                "names": ["image-1", "image-2", "image-3", "image-4", "image-5"],
                "formats": ["webp"],
                "width": 10,
                "height": 10,
                "frames": 1,
                "megapixels": 0.0001,
                "steps": [],
                "warnings": [],
            }
        ],
    }


def test_every_way_in_is_open(api: FlaskClient) -> None:
    """JSON and forms say the same as raw bytes."""
    encoded = base64.b64encode(PICTURE).decode()
    by_json = api.post(PLAN, json={"imageData": encoded, "width": 10})
    raw = api.post(PLAN, data=PICTURE, content_type="image/jpeg", query_string="width=10")
    assert by_json.get_json() == raw.get_json()


def test_nothing_is_left_behind(api: FlaskClient, house: House) -> None:
    """No object, no job, no message."""
    api.post(PLAN, data=PICTURE, content_type="image/jpeg")
    assert (house.kept, house.queue.sent) == ([], [])
    assert api.get("/api/v1/resize").get_json()["jobs"] == []


@pytest.mark.parametrize(
    ("data", "query", "code"),
    [
        (b"", "", "empty-image"),
        (b"x" * (LIMITS.image_bytes + 1), "", "image-too-large"),
        (PICTURE, "width=0", "invalid-options"),
        (PICTURE, "width=5000&height=5000", "invalid-options"),
    ],
)
def test_refusals_are_those_of_a_job(api: FlaskClient, data: bytes, query: str, code: str) -> None:
    """What would be refused there is refused here, in the same words."""
    plan, job = (
        api.post(path, data=data, content_type="image/jpeg", query_string=query) for path in (PLAN, "/api/v1/resize")
    )
    told, refused = plan.get_json(), job.get_json()
    assert plan.status_code == job.status_code
    assert told.pop("instance") != refused.pop("instance")
    assert told == refused
    assert told["code"] == code


def test_the_scope_is_that_of_a_job(house: House) -> None:
    """Who may not make jobs may not have headers read either."""
    reader, maker = (Caller(name, name, frozenset({scope})) for name, scope in (("r", Scope.READ), ("m", Scope.RESIZE)))
    locked = known_to(house, reader, maker)
    answers = [
        locked.post(PLAN, data=PICTURE, content_type="image/jpeg", headers={"X-API-Key": name}).status_code
        for name in ("r", "m")
    ]
    assert answers == [403, 200]
