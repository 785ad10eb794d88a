"""Where a request comes from: the client's address, told by proxies that are trusted and by no one else."""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from flask import Request

Address = IPv4Address | IPv6Address
Networks = Sequence[IPv4Network | IPv6Network]

_SUBSCRIBER_BITS = 64
"""Of an IPv6 address: whoever has one has all that share them (RFC 6177)."""


def client_address(request: Request, trusted: Networks) -> Address | None:
    """The address of whoever sent a request; None if the connection has none.

    Each proxy adds the address that it was asked from at the end of X-Forwarded-For. So the header is read from its
    end, as long as the one who wrote that part is trusted.
    """
    client = _parse(request.remote_addr or "")
    told = request.headers.get("X-Forwarded-For", "").split(",")
    while client and told and _is_trusted(client, trusted):
        before = _parse(told.pop().strip())
        if before is None:
            break
        client = before
    return client


def subscriber(address: Address | None) -> str:
    """Whom an address stands for in a count: itself, or the network that one subscriber has of IPv6."""
    if isinstance(address, IPv6Address):
        return str(IPv6Network((address, _SUBSCRIBER_BITS), strict=False))
    return str(address)


def _parse(text: str) -> Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


def _is_trusted(address: Address, trusted: Networks) -> bool:
    return any(address in network for network in trusted)
