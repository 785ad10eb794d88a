"""An issuer's keys: when they are fetched, how often, and what holds while they cannot be."""

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from joserfc.jwk import OctKey

from imagemill.errors import IssuerUnavailable
from imagemill.oidc.published import FRESH_SECONDS, RETRY_SECONDS, STALE_SECONDS, PublishedKeys
from tests.fakes.clock import Clock
from tests.issuer import WELL_KNOWN, Issuer, ec_key
from tests.servers import eventually


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    """An issuer with one key, `first`."""
    with Issuer() as issuer:
        yield issuer


@pytest.fixture
def clock() -> Clock:
    """A clock."""
    return Clock(1000.0)


@pytest.fixture
def published(issuer: Issuer, clock: Clock) -> PublishedKeys:
    """Its keys; none has been fetched yet."""
    return PublishedKeys(issuer.url, clock)


def looks(issuer: Issuer) -> int:
    """How often the keys were looked for."""
    return issuer.asked.count(WELL_KNOWN)


def ids(published: PublishedKeys, wanted: str | None = "first") -> set[str | None]:
    """The ids of the keys that there are."""
    return {key.kid for key in published.that_know(wanted)}


def test_nothing_is_fetched_before_it_is_needed(issuer: Issuer, published: PublishedKeys) -> None:
    """Then once, for all that follow."""
    assert looks(issuer) == 0
    for _ in range(3):
        assert ids(published) == {"first"}
    assert looks(issuer) == 1


def test_keys_are_fetched_again_after_a_while(issuer: Issuer, clock: Clock, published: PublishedKeys) -> None:
    """So that a key which was withdrawn is not good for ever."""
    ids(published)
    issuer.keys = [ec_key("second")]
    clock.now += FRESH_SECONDS - 1
    assert ids(published) == {"first"}
    clock.now += 1
    assert ids(published) == {"second"}


def test_an_unknown_key_makes_us_look_again(issuer: Issuer, clock: Clock, published: PublishedKeys) -> None:
    """An issuer changes its keys when it likes; whoever names keys that there are not makes us look seldom."""
    ids(published)
    issuer.keys.append(ec_key("second"))
    clock.now += RETRY_SECONDS
    assert ids(published, "second") == {"first", "second"}
    for number in range(20):
        assert ids(published, f"nobody's {number}") == {"first", "second"}
    assert looks(issuer) == 2
    clock.now += RETRY_SECONDS
    ids(published, "nobody's")
    assert looks(issuer) == 3


def test_while_the_issuer_is_away_known_keys_stay_good(issuer: Issuer, clock: Clock, published: PublishedKeys) -> None:
    """For a while, and without looking for it at each request; of an unknown key nobody can tell."""
    ids(published)
    issuer.away = True
    clock.now += FRESH_SECONDS
    for _ in range(5):
        assert ids(published) == {"first"}
    assert looks(issuer) == 2
    with pytest.raises(IssuerUnavailable):
        published.that_know("second")

    clock.now += STALE_SECONDS - FRESH_SECONDS - 1
    assert ids(published) == {"first"}
    clock.now += 1
    with pytest.raises(IssuerUnavailable):
        published.that_know("first")

    issuer.away = False
    clock.now += RETRY_SECONDS
    assert ids(published) == {"first"}


def test_an_issuer_that_was_never_there(issuer: Issuer, clock: Clock, published: PublishedKeys) -> None:
    """503, at once for those who come soon after, and good when it is there."""
    issuer.away = True
    for _ in range(5):
        with pytest.raises(IssuerUnavailable):
            published.that_know(None)
    assert looks(issuer) == 1
    issuer.away = False
    clock.now += RETRY_SECONDS
    assert ids(published, None) == {"first"}


def test_nobody_listens(clock: Clock) -> None:
    """A connection that is refused is an issuer that is away."""
    with Issuer() as issuer:
        pass
    with pytest.raises(IssuerUnavailable):
        PublishedKeys(issuer.url, clock).that_know(None)


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        (WELL_KNOWN, b"not JSON"),
        (WELL_KNOWN, b"[]"),
        (WELL_KNOWN, b"{}"),
        (WELL_KNOWN, b'{"issuer": "https://other.example", "jwks_uri": "URL/jwks"}'),
        (WELL_KNOWN, b'{"issuer": "URL", "jwks_uri": "file:///etc/passwd"}'),
        (WELL_KNOWN, b'{"issuer": "URL", "jwks_uri": 7}'),
        (WELL_KNOWN, b'{"issuer": "URL", "jwks_uri": "URL/moved"}'),
        (WELL_KNOWN, b" " * (2**20 + 1)),
        ("/jwks", b"\xff"),
        ("/jwks", b'{"keys": {}}'),
        ("/jwks", b'{"keys": []}'),
        ("/jwks", b'{"keys": [7]}'),
        ("/jwks", b'{"keys": [{"kty": "EC"}]}'),
        ("/jwks", b"[" * 100_000),
    ],
    ids=range(14),
)
def test_an_answer_that_is_none(issuer: Issuer, published: PublishedKeys, path: str, answer: bytes) -> None:
    """Whatever an issuer publishes, it is keys or it is away; a redirect is not followed."""
    issuer.answers[path] = answer.replace(b"URL", issuer.url.encode())
    with pytest.raises(IssuerUnavailable):
        published.that_know(None)
    assert issuer.asked.count("/jwks") == (path == "/jwks")


def test_keys_that_cannot_be_used_are_left_out(issuer: Issuer, published: PublishedKeys) -> None:
    """Shared secrets, keys to encrypt with, kinds of the future, broken ones: the others stay usable."""
    good = ec_key("good").as_dict(private=False)
    odd = [
        OctKey.import_key("a shared secret", {"kid": "shared"}).as_dict(private=True),
        {**ec_key("other").as_dict(private=False), "use": "enc"},
        {"kty": "ML-DSA", "kid": "future"},
        {"kty": "EC", "kid": "broken", "crv": "P-256", "x": "AA", "y": "AA"},
        {"kid": "no kind"},
    ]
    issuer.answers["/jwks"] = json.dumps({"keys": [*odd, good]}).encode()
    assert ids(published, "good") == {"good"}


def test_a_secure_issuer_has_secure_keys(issuer: Issuer, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """An issuer at https that points to http could be overheard, and answered for."""
    url = "https://issuer.example"
    monkeypatch.setattr(
        "imagemill.oidc.published._fetch", lambda _: {"issuer": url, "jwks_uri": f"{issuer.url}/jwks", "keys": []}
    )
    with pytest.raises(IssuerUnavailable):
        PublishedKeys(url, clock).that_know(None)


def test_one_of_many_looks(issuer: Issuer, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """While one fetches, those who need the new keys wait, and those who can do with the old ones do not."""
    published = PublishedKeys(issuer.url, clock)
    ids(published)
    asked, go = threading.Event(), threading.Event()
    page = issuer.page

    def slow(path: str) -> bytes | None:
        asked.set()
        assert go.wait(60)
        return page(path)

    monkeypatch.setattr(issuer, "page", slow)
    issuer.keys.append(ec_key("second"))
    clock.now += FRESH_SECONDS
    with ThreadPoolExecutor(4) as threads:
        first = threads.submit(ids, published)
        try:
            assert asked.wait(60)
            assert ids(published) == {"first"}
            needy = [threads.submit(ids, published, "second") for _ in range(3)]
            eventually(lambda: all(answer.running() for answer in needy), 60)
        finally:
            go.set()
        assert first.result(60) == {"first", "second"}
        assert [answer.result(60) for answer in needy] == [{"first", "second"}] * 3
    assert looks(issuer) == 2
