"""The API against its own description: whatever the description allows or forbids, the answers are as described."""

import base64
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    ignored_auth,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)

from imagemill.domain.geometry import MAX_SIDE
from imagemill.domain.limits import Limits
from imagemill.web.app import create_app
from imagemill.web.formats import FORMATS
from imagemill.web.plan import PLAN
from imagemill.web.usage import USAGE
from tests.fakes.doorbell import MemoryDoorbell
from tests.fakes.engine import PICTURE
from tests.fakes.keys import new_key
from tests.flow.house import House
from tests.unit.web.service import API, finishing, services

bounded = settings(
    max_examples=60, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck)
)


NEW_KEY, KEY = new_key()


def operations(**chosen: object) -> Iterator[APIOperation]:
    """Every method of every path, over a service in this process that works while somebody waits."""
    # Large enough for every box that the description allows: an area is nothing that a schema can bound.
    house = House(limits=Limits(image_bytes=1000, pixels=10_000, output_pixels=MAX_SIDE**2, frames=1000))
    house.doorbell = MemoryDoorbell(finishing(house))
    house.keys.create(NEW_KEY)
    schema = schemathesis.openapi.from_wsgi("/openapi.json", create_app(services(house, **chosen)))
    return (found.ok() for found in schema.get_all_operations())


OPERATIONS = {operation.label: operation for operation in operations()}
LOCKED = {
    operation.label: operation
    for operation in operations(auth="required")
    if operation.definition.raw.get("security") is not None
}
TAKE_AN_IMAGE = [f"POST {API}", f"POST {PLAN}"]
TAKES_NOTHING = [f"GET {path}" for path in ("/", "/healthz", "/readyz", "/openapi.json", FORMATS, USAGE)]
NEEDS_MORE_THAN_A_SCHEMA = [*TAKE_AN_IMAGE, f"GET {API}"]  # a real image, a real cursor


@pytest.mark.parametrize("label", sorted(OPERATIONS.keys() - NEEDS_MORE_THAN_A_SCHEMA))
def test_what_is_described_is_answered(label: str) -> None:
    """Requests that the description allows are not refused, and get answers that it has."""

    @bounded
    @given(case=OPERATIONS[label].as_strategy(generation_mode=GenerationMode.POSITIVE))
    def check(case: Case) -> None:
        case.call_and_validate()

    check()


@pytest.mark.parametrize("label", sorted(OPERATIONS.keys() - TAKES_NOTHING))
def test_what_is_not_described_is_refused(label: str) -> None:
    """Requests that the description forbids are refused with a problem that it has; none makes the service fail."""

    @bounded
    @given(case=OPERATIONS[label].as_strategy(generation_mode=GenerationMode.NEGATIVE))
    def check(case: Case) -> None:
        case.call_and_validate()

    check()


@pytest.mark.parametrize("label", sorted(LOCKED))
def test_what_is_described_as_locked_is_locked(label: str) -> None:
    """With a key the answers are as described; without one, or with a wrong one, there is none but a refusal."""

    @settings(bounded, max_examples=10)
    @given(case=LOCKED[label].as_strategy(generation_mode=GenerationMode.POSITIVE))
    def check(case: Case) -> None:
        # Generated ones are in the way: two keys at once are refused.
        case.headers = {name: value for name, value in case.headers.items() if name != "Authorization"}
        answer = case.call_and_validate(
            headers={"X-API-Key": KEY}, checks=[ignored_auth, status_code_conformance, response_schema_conformance]
        )
        assert answer.status_code not in (401, 403)

    check()


def plain(value: Any) -> Any:
    """The same options, without what JSON Schema cannot tell: a whole number is written without a point, lengths do not
    contradict each other, a cut lies in the picture, a watermark is there, widths go from less to more and suit the
    rest, and what is to be lossless can be."""
    if isinstance(value, dict):
        untold = {"dpr", "minWidth", "minHeight", "pad", "radius", "crop", "watermark", "lossless", "widths"}
        return {name: plain(item) for name, item in value.items() if name not in untold}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


@pytest.mark.parametrize("label", TAKE_AN_IMAGE)
def test_described_options_are_accepted_with_a_real_image(label: str) -> None:
    """Whatever options the description allows, in whichever way in, they make a job, or a plan of one."""

    @bounded
    @given(case=OPERATIONS[label].as_strategy(generation_mode=GenerationMode.POSITIVE))
    def check(case: Case) -> None:
        match case.media_type:
            case "application/json":
                case.body = plain(case.body) | {"imageData": base64.b64encode(PICTURE).decode()}
                case.query = {}
            case "multipart/form-data":
                case.body = plain(case.body) | {"image": PICTURE}
                case.query = {}
            case _:
                case.body = PICTURE
                case.query = plain(case.query)
        # With the image in its place the case is no longer one that the tool has made, so that it doubts it.
        case.call_and_validate(excluded_checks=[negative_data_rejection])

    check()
