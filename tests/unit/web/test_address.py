"""The client's address: believed from proxies that are trusted, and from nobody else."""

from ipaddress import ip_address, ip_network

import pytest
from flask import Request

from imagemill.web.address import client_address, subscriber

PROXIES = (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))


def asked(peer: str | None, forwarded: str | None = None) -> Request:
    """A request from a peer, with what it says of whom it was asked by."""
    environ = {"REMOTE_ADDR": peer} if peer is not None else {}
    return Request(environ | ({"HTTP_X_FORWARDED_FOR": forwarded} if forwarded is not None else {}))


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("192.0.2.1", None, "192.0.2.1"),
        ("192.0.2.1", "198.51.100.7", "192.0.2.1"),  # who is not trusted may say what he likes
        ("10.0.0.1", "198.51.100.7", "198.51.100.7"),
        ("10.0.0.1", "203.0.113.9, 198.51.100.7", "198.51.100.7"),  # what a client made up stands further left
        ("10.0.0.1", "198.51.100.7, 10.0.0.2", "198.51.100.7"),
        ("10.0.0.1", "198.51.100.7, 192.0.2.5, 10.0.0.2", "192.0.2.5"),
        ("10.0.0.1", None, "10.0.0.1"),
        ("10.0.0.1", "10.0.0.9", "10.0.0.9"),
        ("10.0.0.1", "unknown", "10.0.0.1"),
        ("10.0.0.1", "198.51.100.7,", "10.0.0.1"),
        ("::ffff:10.0.0.1", "198.51.100.7", "198.51.100.7"),
        ("fd00::1", "2001:db8::7", "2001:db8::7"),
        ("fd00::1", "::ffff:198.51.100.7", "198.51.100.7"),
    ],
)
def test_the_chain_is_read_from_its_trusted_end(peer: str, forwarded: str | None, client: str) -> None:
    """Each proxy vouches for the one before it only; whatever cannot be read ends the chain."""
    assert client_address(asked(peer, forwarded), PROXIES) == ip_address(client)


def test_a_connection_may_have_no_address() -> None:
    """As over a unix socket; then there is nobody to trust."""
    assert client_address(asked(None, "198.51.100.7"), PROXIES) is None
    assert client_address(asked("", "198.51.100.7"), PROXIES) is None


@pytest.mark.parametrize(
    ("address", "who"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
    ],
)
def test_a_subscriber_is_counted_once(address: str, who: str) -> None:
    """IPv6 gives everyone 2⁶⁴ addresses; they count as one."""
    assert subscriber(ip_address(address)) == who


def test_no_address_is_a_name_too() -> None:
    """All who come without an address are counted together."""
    assert subscriber(None) == "None"
