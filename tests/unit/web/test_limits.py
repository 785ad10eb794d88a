"""Rates: who asks too often is told so, when to come back, and how everyone stands."""

from dataclasses import replace

import pytest
from flask.testing import FlaskClient

from imagemill.domain.caller import Caller, Scope
from imagemill.web.app import create_app
from tests.fakes.counter import AGAIN_SECONDS, MemoryCounter
from tests.fakes.engine import PICTURE
from tests.flow.house import House
from tests.unit.web.service import API, known_to, services

ADA, BOB = (Caller(name, name, frozenset(Scope)) for name in ("ada", "bob"))


EVE = Caller("eve", "eve", frozenset())


def client(counter: MemoryCounter, **settings: object) -> FlaskClient:
    """A client of the API, which counts there and knows two of the three."""
    return known_to(House(), ADA, BOB, counter=counter, **settings)


def as_(caller: Caller, address: str = "192.0.2.1") -> dict[str, object]:
    """Whose request it is and where it comes from."""
    return {"environ_overrides": {"HTTP_X_API_KEY": caller.name, "REMOTE_ADDR": address}}


def test_nothing_is_counted_where_no_rate_is_set() -> None:
    """No rate: no count, and no header."""
    counter = MemoryCounter()
    answer = client(counter).get(API, **as_(ADA))
    assert answer.status_code == 200
    assert not counter.counts
    assert not {"RateLimit", "RateLimit-Policy"} & set(answer.headers.keys())


def test_every_answer_tells_how_the_key_stands() -> None:
    """In the form of the draft: quota and window of the policy; what is left, and for how long."""
    api = client(MemoryCounter(), requests_per_minute_per_key=100)
    answer = api.get(API, **as_(ADA))
    assert answer.headers["RateLimit-Policy"] == '"key";q=100;w=60'
    assert answer.headers["RateLimit"] == '"key";r=99;t=60'
    unknown = api.get(f"{API}/nonsense", **as_(ADA))
    assert (unknown.status_code, unknown.headers["RateLimit"]) == (404, '"key";r=98;t=60')


def test_who_asks_too_often_is_refused() -> None:
    """429 as a problem document, with the time after which it is of use to ask again; others are not concerned."""
    api = client(MemoryCounter(), requests_per_minute_per_key=2)
    for _ in range(2):
        assert api.get(API, **as_(ADA)).status_code == 200
    refused = api.get(API, **as_(ADA))
    assert refused.status_code == 429
    assert refused.content_type == "application/problem+json"
    assert (refused.json["code"], refused.json["retryable"]) == ("rate-limited", True)
    assert refused.headers["Retry-After"] == str(AGAIN_SECONDS)
    assert refused.headers["RateLimit"] == f'"key";r=0;t={AGAIN_SECONDS}'
    assert api.get(API, **as_(BOB)).status_code == 200


def test_a_refused_post_is_not_accepted() -> None:
    """The image is neither read nor kept."""
    house = House()
    api = known_to(house, ADA, requests_per_minute_per_key=1)
    headers = {"Content-Type": "image/jpeg"}
    assert api.post(API, data=PICTURE, headers=headers, **as_(ADA)).status_code == 202
    assert api.post(API, data=PICTURE + b"2", headers=headers, **as_(ADA)).status_code == 429
    assert len(house.kept) == 1


def test_an_address_is_counted_whoever_it_says_it_is() -> None:
    """So that trying one key after the other is of no use; other addresses are not concerned."""
    counter = MemoryCounter()
    api = client(counter, requests_per_minute_per_address=2, requests_per_minute_per_key=100)
    assert api.get(API, **as_(ADA)).headers["RateLimit"] == '"address";r=1;t=60, "key";r=99;t=60'
    api.get(API, **as_(BOB))
    refused = api.get(API, **as_(EVE))
    assert refused.status_code == 429
    assert refused.headers["RateLimit-Policy"] == '"address";q=2;w=60'
    assert ("key", "eve") not in counter.counts
    assert api.get(API, **as_(ADA, "192.0.2.2")).status_code == 200


def test_while_auth_is_off_there_is_no_key() -> None:
    """Everybody would be one and the same; addresses are what is left to tell people apart."""
    counter = MemoryCounter()
    limits = {"requests_per_minute_per_key": 1, "requests_per_minute_per_address": 100}
    api = create_app(replace(services(House(), **limits), counter=counter)).test_client()
    for _ in range(3):
        assert api.get(API).status_code == 200
    assert set(counter.counts) == {("address", "127.0.0.1")}


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/images/ab/nothing", "/openapi.json", "/"])
def test_only_the_api_is_limited(path: str) -> None:
    """Probes, images and pages are free."""
    counter = MemoryCounter()
    answer = client(counter, requests_per_minute_per_address=1, requests_per_minute_per_key=1).get(path, **as_(ADA))
    assert answer.status_code != 429
    assert not counter.counts


def test_behind_a_proxy_its_clients_are_counted() -> None:
    """A trusted proxy tells whom it asks for; nobody else can choose under which address he is counted."""
    counter = MemoryCounter()
    api = client(counter, requests_per_minute_per_address=100, trusted_proxies="10.0.0.0/8")
    api.get(API, headers={"X-Forwarded-For": "203.0.113.9, 198.51.100.7"}, **as_(ADA, "10.1.2.3"))
    api.get(API, headers={"X-Forwarded-For": "198.51.100.8"}, **as_(ADA, "192.0.2.1"))
    assert set(counter.counts) == {("address", "198.51.100.7"), ("address", "192.0.2.1")}
