"""Keys and tokens over real HTTP: who is let in, and that owners never meet, whatever they ask for."""

from collections.abc import Iterator

import httpx2
import pytest

from imagemill.config import Settings
from imagemill.domain.caller import Scope
from imagemill.wiring import for_keys
from tests.functional.api_only import Api
from tests.functional.running import command
from tests.images import photo_jpeg
from tests.issuer import AUDIENCE, Issuer
from tests.servers import eventually

RESIZE = "/api/v1/resize"
IMAGE = photo_jpeg(64, 48)
CACHE_SECONDS = 0.2


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    """An issuer of tokens."""
    with Issuer() as issuer:
        yield issuer


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory, issuer: Issuer) -> Iterator[Api]:
    """An API that wants keys or tokens; no broker, no worker."""
    wanted = {"auth": "required", "oidc_issuer": issuer.url, "oidc_audience": AUDIENCE}
    with Api(tmp_path_factory.mktemp("keys"), auth_cache_seconds=CACHE_SECONDS, **wanted) as api:
        yield api


class Holder:
    """A client with a key."""

    def __init__(self, api: Api, key: str) -> None:
        self.key = key
        self.api = api

    def ask(self, method: str, path: str, **more: object) -> httpx2.Response:
        """One request with the key."""
        headers = {"X-API-Key": self.key, "Content-Type": "image/jpeg", "Connection": "close"}
        return self.api.client.http.request(method, path, headers=headers, **more)

    def post(self, width: int) -> dict:
        """The answer to a POST of the image."""
        answer = self.ask("POST", f"{RESIZE}?width={width}", content=IMAGE)
        assert answer.status_code == 202, answer.text
        return dict(answer.json())

    def listed(self, cursor: str | None = None) -> tuple[list[str], list[str]]:
        """All tokens of the list, and the cursors on the way, one job a page."""
        tokens, cursors = [], []
        while True:
            query = {"limit": "1", **({"cursor": cursor} if cursor else {})}
            answer = self.ask("GET", RESIZE, params=query)
            assert answer.status_code == 200, answer.text
            tokens += [job["token"] for job in answer.json()["jobs"]]
            cursor = answer.json()["next_cursor"]
            if cursor is None:
                return tokens, cursors
            cursors.append(cursor)


def holder(api: Api, name: str, owner: str | None = None) -> Holder:
    """A client with a new key."""
    scopes = frozenset(Scope) - {Scope.ADMIN}
    return Holder(api, for_keys(Settings(data=api.data)).create(name, scopes, owner=owner)[1])


def test_a_keys_life(api: Api) -> None:
    """Made by the command, rotated with a grace and without, revoked by the command: the running service sees it."""
    made = command("keys", "create", "life", "--scopes", "read", "--expires", "1d", data=api.data)
    assert made.returncode == 0, made.stderr
    first = Holder(api, made.stdout.strip())
    assert made.stdout == f"{first.key}\n"
    assert first.key not in made.stderr
    assert first.ask("GET", RESIZE).status_code == 200
    assert first.ask("POST", RESIZE, content=IMAGE).status_code == 403

    keyring = for_keys(Settings(data=api.data))
    second = Holder(api, keyring.rotate("life", grace_seconds=3600)[1])
    eventually(lambda: second.ask("GET", RESIZE).status_code == 200, what="the new text's turn")
    assert first.ask("GET", RESIZE).status_code == 200
    third = Holder(api, keyring.rotate("life", grace_seconds=0)[1])
    eventually(lambda: second.ask("GET", RESIZE).status_code == 401, what="the end of the former text")
    assert third.ask("GET", RESIZE).status_code == 200

    assert command("keys", "revoke", "life", data=api.data).returncode == 0
    eventually(lambda: third.ask("GET", RESIZE).status_code == 401, what="the end of the key")


def test_owners_never_meet(api: Api) -> None:
    """Two owners, the same images and options: neither sees, reuses, erases or counts what is the other's."""
    ada, bob = holder(api, "ada"), holder(api, "bob")
    made: dict[Holder, list[str]] = {ada: [], bob: []}
    for width in (11, 12, 13):
        for owner in (ada, bob):
            answer = owner.post(width)
            assert answer["reused"] is False
            made[owner].append(answer["token"])
            assert owner.post(width)["reused"] is True
    for token in (*made[ada], *made[bob]):
        api.work(token)
    assert not set(made[ada]) & set(made[bob])

    for own, other in ((ada, bob), (bob, ada)):
        tokens, cursors = own.listed()
        assert tokens == made[own][::-1]
        for cursor in cursors:
            # Another's cursor is a place in time: from there on, one sees what is one's own.
            assert set(other.listed(cursor)[0]) <= set(made[other])
        for token in made[other]:
            for method in ("GET", "DELETE"):
                answer = own.ask(method, f"{RESIZE}/{token}")
                assert (answer.status_code, answer.json()["code"]) == (404, "unknown-token")
            waited = api.client.http.get(f"{RESIZE}/{token}", headers={"X-API-Key": own.key, "Prefer": "wait=1"})
            assert waited.status_code == 404

    keys = {}
    for owner in (ada, bob):
        jobs = [owner.ask("GET", f"{RESIZE}/{token}").json() for token in made[owner]]
        keys[owner] = [job["resized_image_url"] for job in jobs]
        assert all(api.client.http.get(url).status_code == 200 for url in keys[owner])
    assert not set(keys[ada]) & set(keys[bob])

    for token in made[ada]:
        assert ada.ask("DELETE", f"{RESIZE}/{token}").status_code == 204
    assert [api.client.http.get(url).status_code for url in keys[ada]] == [404] * 3
    assert [api.client.http.get(url).status_code for url in keys[bob]] == [200] * 3
    assert bob.listed()[0] == made[bob][::-1]
    assert bob.post(11)["reused"] is True


def test_keys_of_one_owner_are_one(api: Api) -> None:
    """A key for each environment, and the same jobs."""
    first, second = holder(api, "shop-web", "shop"), holder(api, "shop-batch", "shop")
    token = first.post(21)["token"]
    assert second.post(21) == {**first.post(21), "token": token, "reused": True}
    assert second.listed()[0] == [token]


@pytest.mark.parametrize(
    "lines",
    [
        b"Authorization: Bearer \xc3\xa9\xff\r\n",
        b"X-API-Key: imk_\xff\xfe\r\n",
        b"Authorization: Bearer \r\n",
        b"Authorization:\r\n",
        b"Authorization: Bearer a\r\nAuthorization: Bearer b\r\n",
        b"X-API-Key: a\r\nX-API-Key: b\r\n",
        b"X-API-Key: " + b"k" * 8000 + b"\r\n",
        b"Authorization: Bearer " + b"a.b." + b"c" * 8000 + b"\r\n",
        b"Authorization: Basic d2ViOnNlY3JldA==\r\n",
        b"Cookie: key=imk_0\r\n",
    ],
    ids=range(10),
)
def test_odd_headers_are_refused(api: Api, lines: bytes) -> None:
    """What no key looks like is a plain 401, and nothing worse."""
    with api.connection() as connection:
        connection.sendall(
            b"GET " + RESIZE.encode() + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + lines + b"\r\n"
        )
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 401 ")
    assert b'"code":"unauthorized"' in answer


def test_headers_without_end_are_not_read(api: Api) -> None:
    """The server in front of the application ends that; the service goes on."""
    with api.connection() as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nX-API-Key: " + b"k" * 20_000 + b"\r\n\r\n")
        assert connection.recv(12).startswith(b"HTTP/1.1 4")
    assert api.client.http.get("/healthz").status_code == 200


def test_a_token_of_the_issuer_is_good(api: Api, issuer: Issuer) -> None:
    """Its subject is an owner like any other, with the scopes that the token has."""
    alice, bob = Holder(api, issuer.token()), Holder(api, issuer.token(sub="bob", scope="read"))
    token = alice.post(31)["token"]
    assert alice.listed()[0] == [token]
    assert bob.listed()[0] == []
    assert bob.ask("GET", f"{RESIZE}/{token}").status_code == 404
    assert bob.ask("POST", RESIZE, content=IMAGE).status_code == 403
    assert alice.ask("DELETE", f"{RESIZE}/{token}").status_code == 403
    assert Holder(api, issuer.token(aud="another")).ask("GET", RESIZE).status_code == 401


def test_nothing_secret_is_logged(api: Api, issuer: Issuer) -> None:
    """After all of the above: lines name keys and reasons, and hold no key, no token, and no part of one."""
    shown = holder(api, "logged")
    shown.ask("GET", RESIZE)
    token = issuer.token()
    Holder(api, token).ask("GET", RESIZE)
    log = api.log()
    assert "key=logged" in log
    assert "refused='not a key'" in log
    assert "imk_" not in log
    assert shown.key[17:40] not in log
    assert not any(part in log for part in token.split("."))
