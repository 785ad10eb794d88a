"""`Prefer: wait`: what is read, and how many may wait."""

import pytest

from imagemill.web.prefer import WaitSlots, wait_seconds


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("", 0),
        ("wait=10", 10),
        ("Wait = 10", 10),
        ('wait="10"', 10),
        ("respond-async, wait=5", 5),
        ('foo="a, wait=7", wait=3', 3),
        ("wait=5; strict", 5),
        ("wait=4, wait=9", 4),
        ("wait", 0),
        ("wait=", 0),
        ("wait=-1", 0),
        ("wait=1.5", 0),
        ("wait=soon", 0),
        ("wait=٣", 0),
        ("waiting=5", 0),
        (",,;=", 0),
    ],
)
def test_a_wait_is_read_or_ignored(header: str, seconds: int) -> None:
    """The first wait counts; what is no number of seconds is as if it were not there (RFC 7240, section 2)."""
    assert wait_seconds(header) == seconds


def test_a_huge_wait_is_a_number() -> None:
    """Thousands of digits are no reason to fail."""
    assert wait_seconds("wait=" + "9" * 5000) == 999_999_999


def test_slots_are_bounded_and_given_back() -> None:
    """With all slots taken the next one is refused at once; afterwards it is free again."""
    slots = WaitSlots(1)
    with slots.take() as first, slots.take() as second:
        assert (first, second) == (True, False)
    with slots.take() as third:
        assert third


def test_a_slot_is_given_back_when_waiting_fails() -> None:
    """An error while waiting costs no slot."""
    slots = WaitSlots(1)
    with pytest.raises(ZeroDivisionError), slots.take():
        raise ZeroDivisionError
    with slots.take() as granted:
        assert granted


def test_no_slots_at_all() -> None:
    """With no slot nobody waits."""
    with WaitSlots(0).take() as granted:
        assert not granted
