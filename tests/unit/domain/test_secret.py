"""What is taken for a secret, and what is not."""

import secrets

import pytest

from imagemill.domain.secret import weakness


@pytest.mark.parametrize(
    "secret",
    [
        "",
        "x" * 31,
        "x" * 32,
        "abab" * 10,
        "1234567" * 6,
        "change-me-change-me-change-me-change-me",
        "CHANGE_THIS_TO_A_LONG_RANDOM_STRING",
        "<insert your secret key of 32 characters>",
        "my super-secret key 0123456789abcdef",
        "correct-horse-password-battery-staple",
        "https://docs.example.com/0123456789",
    ],
)
def test_what_others_can_guess_is_weak(secret: str) -> None:
    """Too short, too plain, or what a template says in place of one; the reason does not repeat it."""
    reason = weakness(secret)
    assert reason
    assert not secret or secret not in reason


@pytest.mark.parametrize("make", [secrets.token_hex, secrets.token_urlsafe], ids=["hex", "base64"])
def test_what_is_random_is_not(make: "type[str]") -> None:
    """No random secret is refused, of 32 hexadecimal digits or more."""
    assert [weakness(make(16 if make is secrets.token_hex else 24)) for _ in range(500)] == [None] * 500
