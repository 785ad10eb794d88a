"""Who asks: what is needed where, in which headers it may come, and what a refusal tells and what it does not."""

import pytest
import structlog
from flask.testing import FlaskClient
from structlog.testing import capture_logs
from werkzeug.test import TestResponse

from imagemill.domain.apikey import compose
from imagemill.domain.caller import Scope
from imagemill.flow.keyring import Keyring
from imagemill.web.app import create_app
from imagemill.web.auth import OPEN, SCOPES
from tests.fakes.engine import PICTURE
from tests.flow.house import House
from tests.unit.web.service import API, client, services

TOKEN = "8f0c8f0c-8f0c-5f0c-8f0c-8f0c8f0c8f0c"
REQUESTS = {
    "submit": ("POST", API),
    "page": ("GET", API),
    "show": ("GET", f"{API}/{TOKEN}"),
    "erase": ("DELETE", f"{API}/{TOKEN}"),
}


@pytest.fixture
def api(house: House) -> FlaskClient:
    """A client of it where a key is required."""
    return client(house, auth="required")


def key(house: House, *scopes: Scope, owner: str = "ada", name: str = "web") -> str:
    """The text of a new key; of all scopes but admin unless some are said."""
    chosen = frozenset(scopes) or frozenset(Scope) - {Scope.ADMIN}
    return Keyring(house.keys).create(name, chosen, owner=owner)[1]


def bearer(text: str) -> dict[str, str]:
    """The headers of a request with a key."""
    return {"Authorization": f"Bearer {text}"}


def logged(api: FlaskClient, **request: object) -> tuple[TestResponse, dict]:
    """An answer, and the line about its request."""
    with capture_logs(processors=[structlog.contextvars.merge_contextvars]) as lines:
        answer = api.get(API, **request)
    (line,) = [line for line in lines if line["event"] == "request"]
    return answer, line


def test_every_endpoint_has_its_place() -> None:
    """Whoever adds an endpoint says whether it is open or what it needs; nothing is forgotten on either side."""
    endpoints = set(create_app(services(House())).view_functions)
    assert endpoints == set(SCOPES) | OPEN
    assert not set(SCOPES) & OPEN


@pytest.mark.parametrize("scope", Scope)
@pytest.mark.parametrize("endpoint", REQUESTS)
def test_each_endpoint_wants_its_scope(house: House, api: FlaskClient, endpoint: str, scope: Scope) -> None:
    """With the scope or admin the request is looked at; with any other it is a 403 that names the one needed."""
    method, path = REQUESTS[endpoint]
    answer = api.open(path, method=method, headers=bearer(key(house, scope)))
    needed = SCOPES[endpoint]
    if scope in (needed, Scope.ADMIN):
        assert answer.status_code not in (401, 403)
        return
    assert (answer.status_code, answer.json["code"]) == (403, "insufficient-scope")
    assert f"`{needed}`" in answer.json["detail"]
    challenge = f'Bearer realm="imagemill", error="insufficient_scope", scope="{needed}"'
    assert answer.headers["WWW-Authenticate"] == challenge


@pytest.mark.parametrize("endpoint", REQUESTS)
def test_without_a_key_nothing_is_done(house: House, api: FlaskClient, endpoint: str) -> None:
    """401 with a challenge, whatever the request; its body is not even looked at."""
    method, path = REQUESTS[endpoint]
    answer = api.open(path, method=method, data=b"not an image", content_type="text/nonsense")
    assert (answer.status_code, answer.json["code"], answer.json["retryable"]) == (401, "unauthorized", False)
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="imagemill"'
    assert house.kept == []


@pytest.mark.parametrize("path", ["/", "/healthz", "/readyz", "/openapi.json", "/problems/unauthorized"])
def test_what_is_open_stays_open(api: FlaskClient, path: str) -> None:
    """Probes, the description and the pages about problems need no key."""
    assert api.get(path).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nothing", 404), ("PUT", API, 405), ("OPTIONS", API, 200), ("GET", f"{API}/", 404)],
)
def test_what_is_not_there_needs_no_key(api: FlaskClient, method: str, path: str, status: int) -> None:
    """A wrong path, a wrong method, and the question for the methods, as browsers ask it, without any key."""
    assert api.open(path, method=method).status_code == status


def test_an_image_is_open_to_who_has_its_url(house: House, api: FlaskClient) -> None:
    """The answer to a POST leads to an image that a page may show."""
    headers = bearer(key(house))
    token = api.post(API, data=PICTURE, content_type="image/jpeg", headers=headers).json["token"]
    attempt = house.attempt(house.queue.sent[0])
    attempt.work()
    url = api.get(f"{API}/{token}", headers=headers).json["resized_image_url"]
    assert api.get(url).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer {}"},
        {"Authorization": "bearer {}"},
        {"Authorization": "BEARER   {} "},
        {"X-API-Key": "{}"},
        {"Authorization": "Bearer {}", "X-API-Key": "{}"},
        {"Authorization": "Basic d2ViOnNlY3JldA==", "X-API-Key": "{}"},
    ],
)
def test_a_key_comes_in_either_header(house: House, api: FlaskClient, headers: dict[str, str]) -> None:
    """Or in both, if it is the same; another scheme is meant for a server in front."""
    text = key(house)
    assert api.get(API, headers={name: value.format(text) for name, value in headers.items()}).status_code == 200


def test_two_keys_at_once_are_refused(house: House, api: FlaskClient) -> None:
    """Nobody can tell which one is meant, even if both are good."""
    first, second = key(house, name="first"), key(house, name="second")
    for other in (second, "", "nonsense"):
        answer = api.get(API, headers={"Authorization": f"Bearer {other}", "X-API-Key": first})
        assert (answer.status_code, answer.json["code"]) == (400, "malformed-request")


@pytest.mark.parametrize("name", ["access_token", "api_key", "key", "token", "X-API-Key", "Authorization"])
def test_a_key_in_the_query_is_none(house: House, api: FlaskClient, name: str) -> None:
    """URLs end up in logs and histories."""
    assert api.get(API, query_string={name: key(house)}).status_code == 401


def wrong(house: House) -> dict[str, str]:
    """Every kind of credential that is not good, by what the log says of it."""
    keyring = Keyring(house.keys)
    revoked, expired = key(house, name="revoked"), key(house, name="expired")
    keyring.revoke("revoked")
    known = key(house)
    id = next(kept.id for kept in keyring.all() if kept.name == "web")
    return {
        "revoked key": revoked,
        "wrong secret": compose(id, bytes(32)),
        "unknown key": compose("f" * 12, bytes(32)),
        "not a key": known[:-1],
        "not a key ": "imk_" + "é" * 62,
        "not a key  ": "x" * 100_000,
        "not a key   ": "",
        "not a key    ": f"{known},{expired}",
        "not a key     ": "eyJhbGciOiJub25lIn0.e30.",
    }


def test_a_refusal_tells_the_log_why_and_the_client_nothing(house: House, api: FlaskClient) -> None:
    """Whatever was wrong, the answer is the same to the byte; the line about it holds no key, whole or in part."""
    answers = set()
    for reason, text in wrong(house).items():
        answer, line = logged(api, headers={"X-API-Key": text})
        answers.add((answer.status_code, answer.text, answer.headers["WWW-Authenticate"]))
        assert line["refused"] == reason.strip()
        assert not text or text not in str(line)
    assert {status for status, *_ in answers} == {401}
    assert len(answers) == 1


def test_a_line_names_the_key(house: House, api: FlaskClient) -> None:
    """Of a good one, of one without the scope, and of one that is no longer good; the next request's line does not."""
    text = key(house, name="shop")
    answer, line = logged(api, headers=bearer(text))
    assert (answer.status_code, line["key"]) == (200, "shop")
    assert text not in str(line)
    assert text[17:] not in str(line)
    assert "key" not in logged(api)[1]

    Keyring(house.keys).revoke("shop")
    answer, line = logged(api, headers=bearer(text))
    assert (answer.status_code, line["key"], line["refused"]) == (401, "shop", "revoked key")


def test_while_auth_is_off_keys_are_not_looked_at(house: House) -> None:
    """Not even wrong ones; every job is the same nobody's."""
    open_door = client(house)
    assert open_door.get(API, headers={"Authorization": "Bearer x", "X-API-Key": "y"}).status_code == 200
    assert house.keys.reads == 0


def test_while_the_record_is_away_it_is_not_the_keys_fault(house: House, api: FlaskClient) -> None:
    """503 with Retry-After, never 401: a client must not throw away a good key."""
    text = key(house)
    house.keys.away = True
    answer = api.get(API, headers=bearer(text))
    assert (answer.status_code, answer.json["code"]) == (503, "unavailable")
    assert answer.headers["Retry-After"]


def test_owners_do_not_meet(house: House, api: FlaskClient) -> None:
    """The same image and options of two owners: two jobs, two images under URLs that tell nothing of each other."""
    ada, bob = bearer(key(house, owner="ada", name="ada")), bearer(key(house, owner="bob", name="bob"))
    made = {}
    for name, headers in (("ada", ada), ("bob", bob)):
        answer = api.post(f"{API}?width=5", data=PICTURE, content_type="image/jpeg", headers=headers)
        assert (answer.status_code, answer.json["reused"]) == (202, False)
        made[name] = answer.json["token"]
    while house.queue.sent:
        house.attempt(house.queue.sent.pop()).work()
    assert made["ada"] != made["bob"]

    for own, other, headers in (("ada", "bob", ada), ("bob", "ada", bob)):
        assert [job["token"] for job in api.get(API, headers=headers).json["jobs"]] == [made[own]]
        for method in ("GET", "DELETE"):
            answer = api.open(f"{API}/{made[other]}", method=method, headers=headers)
            assert (answer.status_code, answer.json["code"]) == (404, "unknown-token")

    urls = [
        api.get(f"{API}/{made[name]}", headers=by).json["resized_image_url"]
        for name, by in (("ada", ada), ("bob", bob))
    ]
    assert urls[0] != urls[1]
    assert api.delete(f"{API}/{made['ada']}", headers=ada).status_code == 204
    assert [api.get(url).status_code for url in urls] == [404, 200]


def test_an_outputs_key_cannot_be_worked_out() -> None:
    """The same image, options, owner and even deployment secret: the URL is another one each time it is made."""
    urls = set()
    for _ in range(3):
        house = House()
        api = client(house, auth="required")
        headers = bearer(key(house))
        token = api.post(API, data=PICTURE, content_type="image/jpeg", headers=headers).json["token"]
        house.attempt(house.queue.sent[0]).work()
        urls.add(api.get(f"{API}/{token}", headers=headers).json["resized_image_url"])
    assert len(urls) == 3


def test_keys_of_one_owner_share_its_jobs(house: House, api: FlaskClient) -> None:
    """A job that one of them made is seen, reused and erased by another."""
    first, second = bearer(key(house, name="first")), bearer(key(house, name="second"))
    token = api.post(API, data=PICTURE, content_type="image/jpeg", headers=first).json["token"]
    again = api.post(API, data=PICTURE, content_type="image/jpeg", headers=second).json
    assert (again["token"], again["reused"]) == (token, True)
    assert api.delete(f"{API}/{token}", headers=second).status_code == 204
    assert [job["status"] for job in api.get(API, headers=first).json["jobs"]] == ["REVOKED"]
