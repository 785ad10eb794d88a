"""What is hidden wherever something is printed."""

import pytest
from pydantic import SecretStr

from imagemill.cli.masking import MASK, masked, masked_text


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, ""),
        (5000, "5000"),
        (SecretStr("hush"), MASK),
        ("postgresql://user:hush@db.example/images", f"postgresql://user:{MASK}@db.example/images"),
        ("mysql://user:hush@db.example/images", f"mysql://user:{MASK}@db.example/images"),
        ("mysql+pymysql://db/images?passwd=hush", f"mysql+pymysql://db/images?passwd={MASK}"),
        ("mysql://db/images?ssl_key_password=hush&x=1", f"mysql://db/images?ssl_key_password={MASK}&x=1"),
        ("redis://:hush@broker.example", f"redis://:{MASK}@broker.example"),
        ("redis://:hush@[::1]:6379/0", f"redis://:{MASK}@[::1]:6379/0"),
        ("redis://broker.example:6379/0", "redis://broker.example:6379/0"),
        ("redis+socket:///run/broker.sock?virtual_host=0", "redis+socket:///run/broker.sock?virtual_host=0"),
        ("postgresql:///images?host=db.example&port=5433", "postgresql:///images?host=db.example&port=5433"),
        ("file:/srv/images", "file:/srv/images"),
    ],
)
def test_secrets_are_masked(value: object, shown: str) -> None:
    """A secret is not shown, nor is the password within a URL; the rest is."""
    assert masked(value) == shown


@pytest.mark.parametrize("password", ["hu/sh", "hu#sh", "hu?sh", "hu[sh", "hu]sh", "hu@sh", "hu:sh", "hu sh", "hu&sh"])
def test_a_password_that_was_not_quoted_is_masked_whole(password: str) -> None:
    """Up to the last @: where a URL parser would see the end of the password, the operator did not."""
    assert masked(f"postgresql://user:{password}@db.example/images") == f"postgresql://user:{MASK}@db.example/images"


@pytest.mark.parametrize("name", ["password", "sslpassword", "PASSWORD", "secret", "auth_token", "api_key", "pwd"])
def test_a_secret_in_the_query_is_masked(name: str) -> None:
    """A driver takes its password from there too, whatever stands in it; what comes after is shown."""
    shown = masked(f"postgresql://db.example:5432/images?sslmode=require&{name}=hu/sh#4711&port=1")

    assert shown == f"postgresql://db.example:5432/images?sslmode=require&{name}={MASK}&port=1"


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://db.example:5432/images?password=hush@4711",
        "postgresql://user:hu?password=sh@db.example/images",
        "postgresql://user:hush@db.example/images?password=4711&x=y@z",
    ],
)
def test_secrets_that_overlap_are_masked_all(url: str) -> None:
    """Nothing of either is left over, whichever is found first."""
    shown = masked(url)

    assert MASK in shown
    for secret in ("hu", "sh", "4711"):
        assert secret not in shown.removeprefix("postgresql://")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("connecting to redis://:hu/s h@b:1/0 failed", f"connecting to redis://:{MASK}@b:1/0 failed"),
        ("cannot resolve host 'sh@db.example': no", f"cannot resolve host '{MASK}@db.example': no"),
        ("invalid dsn: host=h password='hu sh' port=1", f"invalid dsn: host=h password={MASK} port=1"),
        ("invalid dsn: host=h password=hush port=1", f"invalid dsn: host=h password={MASK} port=1"),
        ('password authentication failed for user "images"', 'password authentication failed for user "images"'),
        ('server at "127.0.0.1", port 1: refused', 'server at "127.0.0.1", port 1: refused'),
    ],
)
def test_a_sentence_is_masked(text: str, shown: str) -> None:
    """Whatever looks like a credential in what a driver says; the reason stays readable."""
    assert masked_text(text) == shown
