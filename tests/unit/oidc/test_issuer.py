"""Tokens of an issuer: which are good, which are not, and whom they stand for. The issuer is real, on loopback."""

import base64
import hmac
import json
import time
from collections.abc import Iterator
from contextlib import nullcontext

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from joserfc.jwk import OKPKey, RSAKey

from imagemill.domain.apikey import is_owner
from imagemill.domain.caller import Scope
from imagemill.errors import Unauthorized
from imagemill.oidc.issuer import SKEW_SECONDS, OidcIssuer
from tests.issuer import AUDIENCE, Issuer, ec_key

NOW = 1_800_000_000
YEAR_3000 = 32_503_680_000


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    """An issuer with a key of each common kind."""
    with Issuer() as issuer:
        issuer.keys += [
            RSAKey.generate_key(2048, parameters={"kid": "rsa"}),
            OKPKey.generate_key("Ed25519", parameters={"kid": "edwards"}),
        ]
        yield issuer


@pytest.fixture(scope="module")
def tokens(issuer: Issuer) -> OidcIssuer:
    """What judges its tokens."""
    return OidcIssuer(issuer.url, AUDIENCE)


def compact(header: object, claims: object, signature: bytes = b"") -> str:
    """A token of any parts."""
    parts = (json.dumps(header).encode(), json.dumps(claims).encode(), signature)
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


def test_a_token_says_who_asks(issuer: Issuer, tokens: OidcIssuer) -> None:
    """Its scopes are those of ours that it has; its owner is bounded, plain, and does not show the subject."""
    caller = tokens.identify(issuer.token(sub="alice@shop.example" * 20, scope="openid resize read fly"))
    assert caller.scopes == {Scope.RESIZE, Scope.READ}
    assert caller.name == caller.owner
    assert is_owner(caller.owner)
    assert caller.owner.startswith("oidc:")
    assert "alice" not in caller.owner
    assert caller.megapixels_per_day is None


def test_an_owner_is_a_subject_of_an_issuer(issuer: Issuer, tokens: OidcIssuer) -> None:
    """The same for every token of a subject, another for every other subject, and for another issuer's."""
    first = tokens.identify(issuer.token(sub="1")).owner
    assert tokens.identify(issuer.token(sub="1", scope="", jti="other")).owner == first
    assert tokens.identify(issuer.token(sub="2")).owner != first
    with Issuer() as other:
        assert OidcIssuer(other.url, AUDIENCE).identify(other.token(sub="1")).owner != first


@pytest.mark.parametrize(("algorithm", "at"), [("ES256", 0), ("RS256", 1), ("RS512", 1), ("PS256", 1), ("Ed25519", 2)])
def test_every_kind_of_key_pair_is_good(issuer: Issuer, tokens: OidcIssuer, algorithm: str, at: int) -> None:
    """Elliptic curves, RSA, Edwards curves."""
    assert tokens.identify(issuer.token(issuer.keys[at], algorithm=algorithm)).may(Scope.READ)


@pytest.mark.parametrize("typ", ["JWT", "at+jwt", "AT+JWT", "application/at+jwt"])
def test_what_an_access_token_calls_itself(issuer: Issuer, tokens: OidcIssuer, typ: str) -> None:
    """By RFC 9068, or as most issuers still do; a field of the header that nobody knows does no harm."""
    assert tokens.identify(issuer.token(header={"typ": typ, "x-of-theirs": "1"}))


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": None},
        {"iss": "https://other.example"},
        {"iss": ["x"]},
        {"aud": None},
        {"aud": "https://other.example"},
        {"aud": []},
        {"aud": [AUDIENCE + "/"]},
        {"aud": {"x": AUDIENCE}},
        {"exp": None},
        {"exp": "tomorrow"},
        {"exp": 1},
        {"nbf": YEAR_3000},
        {"iat": YEAR_3000},
        {"sub": None},
        {"sub": ""},
        {"sub": 7},
    ],
    ids=str,
)
def test_claims_that_are_refused(issuer: Issuer, tokens: OidcIssuer, claims: dict) -> None:
    """Another issuer's, another service's, of another time, nobody's."""
    with pytest.raises(Unauthorized):
        tokens.identify(issuer.token(**claims))


@pytest.mark.parametrize(
    ("claims", "good"),
    [
        ({"exp": NOW - SKEW_SECONDS + 1}, True),
        ({"exp": NOW - SKEW_SECONDS}, False),
        ({"nbf": NOW + SKEW_SECONDS}, True),
        ({"nbf": NOW + SKEW_SECONDS + 1}, False),
        ({"iat": NOW + SKEW_SECONDS}, True),
        ({"iat": NOW + SKEW_SECONDS + 1}, False),
    ],
    ids=str,
)
def test_clocks_may_differ_a_little(issuer: Issuer, claims: dict, good: bool) -> None:
    """By up to the bound, in both directions, to the second."""
    token = issuer.token(**{"iat": NOW, "exp": NOW + 60, **claims})
    with nullcontext() if good else pytest.raises(Unauthorized):
        OidcIssuer(issuer.url, AUDIENCE, now=lambda: NOW).identify(token)


def test_one_of_several_audiences_is_enough(issuer: Issuer, tokens: OidcIssuer) -> None:
    """A token may be meant for other services too."""
    assert tokens.identify(issuer.token(aud=["https://other.example", AUDIENCE]))


def test_signatures_that_are_refused(issuer: Issuer, tokens: OidcIssuer) -> None:
    """None, a stranger's under a known id, one that was made with the public key as a shared secret, one cut off."""
    now = int(time.time())
    claims = {"iss": issuer.url, "aud": AUDIENCE, "sub": "alice", "exp": now + 60}
    good = issuer.token()
    head, body, signature = good.split(".")
    shared = compact({"alg": "HS256", "kid": "rsa"}, claims).rpartition(".")[0]
    mac = hmac.digest(issuer.keys[1].as_pem(private=False), shared.encode(), "sha256")
    forged = {
        "none": compact({"alg": "none"}, claims),
        "none with kid": compact({"alg": "none", "kid": "first"}, claims),
        "stranger's": issuer.token(ec_key("first")),
        "shared secret": f"{shared}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}",
        "other algorithm": ".".join((compact({"alg": "RS256", "kid": "first"}, {}).split(".")[0], body, signature)),
        "key in the header": issuer.token(ec_key("x"), header={"jwk": ec_key("x").as_dict(private=False)}),
        "cut off": good[:-10],
        "no signature": f"{head}.{body}.",
        "other claims": ".".join((head, issuer.token(sub="eve").split(".")[1], signature)),
    }
    for name, token in forged.items():
        with pytest.raises(Unauthorized):
            pytest.fail(f"{name} was accepted: {tokens.identify(token)}")


@pytest.mark.parametrize("header", [{"typ": "logout+jwt"}, {"typ": "JOSE"}, {"crit": ["exp"], "exp": 1}])
def test_headers_that_are_refused(issuer: Issuer, tokens: OidcIssuer, header: dict) -> None:
    """Another kind of token, and one that must be understood in a way that is not."""
    plain = issuer.token().split(".")
    token = compact({"alg": "ES256", "kid": "first", **header}, {}).split(".")
    with pytest.raises(Unauthorized):
        tokens.identify(".".join((token[0], plain[1], plain[2])))


@settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(
    st.one_of(
        st.text(),
        st.binary().map(lambda data: f"{base64.urlsafe_b64encode(data).decode()}.e30."),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=5),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(st.sampled_from(["alg", "kid", "typ", "crit"]), inner, max_size=4)
            ),
            max_leaves=6,
        ).map(lambda header: compact(header, {})),
    )
)
@example("..")
@example("a.b.c.d.e")
@example(compact(["alg"], {}))
@example(compact("alg", {}))
@example(compact({"alg": "ES256", "kid": {"x": 1}}, {}))
@example(compact({"alg": "ES256", "kid": "first"}, ["iss"]))
@example(compact({"alg": "ES256", "kid": "first", "b64": False, "crit": ["b64"]}, {}))
@example("e" * 100_000)
def test_rubbish_is_refused(tokens: OidcIssuer, token: str) -> None:
    """Whatever somebody sends, it is a token of the issuer or a 401, never a fault."""
    with pytest.raises(Unauthorized):
        tokens.identify(token)


@pytest.mark.parametrize(
    ("claims", "scopes"),
    [
        ({"roles": ["img:resize", "img:delete", "read"]}, {Scope.RESIZE, Scope.DELETE}),
        ({"roles": "img:admin img:read"}, {Scope.ADMIN, Scope.READ}),
        ({"roles": 7}, set()),
        ({"roles": [7, None, ["img:read"]]}, set()),
        ({"roles": {"img:read": True}}, set()),
        ({}, set()),
    ],
    ids=str,
)
def test_scopes_come_from_the_chosen_claim(issuer: Issuer, claims: dict, scopes: set[Scope]) -> None:
    """A list or words, with a prefix; what else may be there allows nothing."""
    tokens = OidcIssuer(issuer.url, AUDIENCE, "roles", "img:")
    assert tokens.identify(issuer.token(**claims)).scopes == scopes


def test_an_issuer_may_have_a_path_and_a_slash(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its discovery document lies below it, with one slash (OpenID Connect Discovery 1.0, section 4)."""
    with Issuer("/realms/shop/") as issuer:
        assert OidcIssuer(issuer.url, AUDIENCE).identify(issuer.token())
        assert issuer.asked[0] == "/realms/shop/.well-known/openid-configuration"
