"""Signed links: ours and in time, or nothing."""

import re
from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagemill.domain.formats import ImageFormat
from imagemill.domain.keys import output_key
from imagemill.domain.links import LinkSigner, link_end, link_key
from imagemill.errors import InvalidLink

KEY = output_key("5" * 32, "image", ImageFormat.JPEG)
SIGNER = LinkSigner(link_key("a secret"))
END = 1_800_000_000


def parts(query: str) -> tuple[str, str]:
    """Moment and signature of a link."""
    fields = parse_qs(query, strict_parsing=True)
    return fields["expires"][0], fields["signature"][0]


def test_a_link_works_until_its_end() -> None:
    """Up to the last moment before, and not at it."""
    expires, signature = parts(SIGNER.query(KEY, END))
    assert SIGNER.check(KEY, expires, signature, END - 0.001) == END
    with pytest.raises(InvalidLink, match="expired"):
        SIGNER.check(KEY, expires, signature, END)


def test_a_link_needs_no_quoting() -> None:
    """It can be pasted anywhere."""
    assert re.fullmatch(r"expires=1800000000&signature=[A-Za-z0-9_-]{43}", SIGNER.query(KEY, END))


@pytest.mark.parametrize(
    ("expires", "signature"),
    [("", ""), (str(END), ""), ("", "x"), (str(END), "x" * 43), (str(END), "é" * 43), ("never", "x" * 43)],
)
def test_what_is_not_signed_is_refused(expires: str, signature: str) -> None:
    """Nothing, something, or letters that no signature has."""
    with pytest.raises(InvalidLink, match="not a link"):
        SIGNER.check(KEY, expires, signature, 0)


def test_a_signature_is_for_one_output_moment_and_deployment() -> None:
    """Moved to another output, a later end or another secret, it is worth nothing."""
    expires, signature = parts(SIGNER.query(KEY, END))
    other = output_key("5" * 32, "other", ImageFormat.JPEG)
    for signer, key, end in (
        (SIGNER, other, expires),
        (SIGNER, KEY, str(END + 1)),
        (SIGNER, KEY, f"0{expires}"),
        (SIGNER, KEY, f"{expires} "),
        (LinkSigner(link_key("another secret")), KEY, expires),
    ):
        with pytest.raises(InvalidLink, match="not a link"):
            signer.check(key, end, signature, 0)


@pytest.mark.parametrize("expires", ["1e9", "-1", "", "٣", "9" * 13])
def test_a_moment_is_a_number(expires: str) -> None:
    """Even under our own signature: no code path reads what is not a plain number."""
    signature = SIGNER._sign(KEY, expires)
    with pytest.raises(InvalidLink, match="not a link"):
        SIGNER.check(KEY, expires, signature, 0)


@given(st.floats(0, 4e9), st.integers(10, 604_800))
def test_a_link_ends_in_time(now: float, seconds: int) -> None:
    """Never later than it may, and never much sooner."""
    assert 0.9 * seconds - 1 <= link_end(now, seconds) - now <= seconds


def test_links_are_the_same_for_a_while() -> None:
    """Who asks again within a tenth of a link's time mostly gets the same one, so that caches know it."""
    assert link_end(END + 1, 3600) == link_end(END + 359, 3600)
    assert link_end(END + 1, 3600) != link_end(END + 361, 3600)
