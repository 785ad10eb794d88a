"""The text of a key: what it is made of, what is told from it, and what is not."""

import re
import string
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagemill.domain.apikey import PATTERN, ApiKey, KeyState, compose, digest, is_name, is_owner, read_id
from imagemill.domain.caller import Scope

IDS = st.text("0123456789abcdef", min_size=12, max_size=12)
SECRETS = st.binary(min_size=32, max_size=32)
KEY = compose("0123456789ab", bytes(range(32)))


@given(IDS, SECRETS)
def test_a_key_is_recognised(id: str, secret: bytes) -> None:
    """Every key matches the pattern for secret scanners, also within a line, and its id is read back."""
    text = compose(id, secret)
    found = re.search(rf"\b{PATTERN}\b", f'KEY="{text}",')
    assert found is not None
    assert found[0] == text
    assert read_id(text) == id


@given(st.data())
def test_different_secrets_are_different_keys(data: st.DataObject) -> None:
    """No bit of the secret is lost on the way into the text."""
    first, second = data.draw(SECRETS), data.draw(SECRETS)
    assert (compose("0" * 12, first) == compose("0" * 12, second)) == (first == second)


@pytest.mark.parametrize("at", range(4, len(KEY)))
def test_a_mistyped_key_is_no_key(at: int) -> None:
    """One wrong character anywhere is noticed without asking the record."""
    if KEY[at] == "_":
        wrong = "-"
    else:
        digits = string.hexdigits[:16] if at < 16 else string.digits + string.ascii_letters
        wrong = digits[(digits.index(KEY[at]) + 1) % len(digits)]
    assert read_id(KEY[:at] + wrong + KEY[at + 1 :]) is None


@pytest.mark.parametrize("text", ["", "imk_", KEY[:-1], KEY + "0", f" {KEY}", f"{KEY}\n", KEY.upper(), f"{KEY},{KEY}"])
def test_what_is_not_whole_is_no_key(text: str) -> None:
    """Neither a part of a key nor two of them."""
    assert read_id(text) is None


@given(st.text())
def test_no_text_is_too_odd(text: str) -> None:
    """Whatever somebody sends, it is either a key or not."""
    assert read_id(f"imk_{text}") is None


def test_a_key_does_not_show_what_is_kept_of_it() -> None:
    """A digest opens nothing, yet it has no business in a traceback."""
    key = ApiKey("0" * 12, "web", "ada", frozenset({Scope.READ}), digest(KEY), KeyState.ACTIVE, datetime.now(UTC))
    assert digest(KEY) not in repr(key)


def test_the_former_text_opens_while_it_is_there() -> None:
    """During the grace of a rotation two texts are good; else one is."""
    made = datetime.now(UTC)
    key = ApiKey("0" * 12, "web", "ada", frozenset(), "b" * 64, KeyState.ACTIVE, made, former_digest="a" * 64)
    assert key.opens_with("a" * 64)
    assert key.opens_with("b" * 64)
    assert not key.opens_with("c" * 64)
    assert not ApiKey("0" * 12, "web", "ada", frozenset(), "b" * 64, KeyState.ACTIVE, made).opens_with("a" * 64)


@pytest.mark.parametrize(
    ("text", "name", "owner"),
    [
        ("web", True, True),
        ("web-2.prod_EU", True, True),
        ("x" * 64, True, True),
        ("oidc:0123", False, True),
        ("", False, False),
        ("x" * 65, False, False),
        ("-web", False, False),
        ("a|b", False, False),
        ("web\n", False, False),
        ("käse", False, False),
        ("a b", False, False),
    ],
)
def test_names_are_plain(text: str, name: bool, owner: bool) -> None:
    """They stand in logs and in what tokens are made of; only an owner may have a colon, as those of issuers have."""
    assert (is_name(text), is_owner(text)) == (name, owner)
