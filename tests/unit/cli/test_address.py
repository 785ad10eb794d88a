"""Addresses: what to bind to, what to tell a client, whether the port can be had."""

import socket
import threading

import pytest

from imagemill.cli.address import ask, bracketed, client_url, exposure, is_loopback, require_free
from imagemill.config import Profile, Settings
from imagemill.errors import ConfigurationError


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:80"),
        ("images.example", "http://images.example:80"),
        ("0.0.0.0", "http://127.0.0.1:80"),
        ("::", "http://[::1]:80"),
        ("2001:db8::1", "http://[2001:db8::1]:80"),
    ],
)
def test_the_url_can_be_called(host: str, url: str) -> None:
    """A wildcard is replaced by the loopback address of its family; IPv6 stands in brackets."""
    assert client_url(host, 80) == url


def test_brackets_are_for_ipv6() -> None:
    """A name or an IPv4 address goes without."""
    assert (bracketed("::1"), bracketed("localhost")) == ("[::1]", "localhost")


def test_nobody_there_is_no_answer() -> None:
    """Neither where nobody listens, nor where somebody speaks another language."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]

        def hang_up() -> None:
            other.accept()[0].close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        assert ask("0.0.0.0", port, "/healthz") is None
        thread.join()

    assert ask("127.0.0.1", port, "/healthz") is None


def test_a_taken_port_is_refused() -> None:
    """As long as somebody listens, and not after."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigurationError, match=f"IMAGEMILL_PORT: port {port} is taken by another program"):
            require_free("127.0.0.1", port)

    require_free("127.0.0.1", port)


def test_a_strange_address_is_refused() -> None:
    """An address of another machine cannot be listened on (RFC 5737 keeps this one for documentation)."""
    with pytest.raises(ConfigurationError, match="IMAGEMILL_HOST: this machine cannot listen"):
        require_free("192.0.2.1", 5000)


def test_a_port_that_needs_rights_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ports below 1024 are for root on most systems."""

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(socket.socket, "bind", refuse)
    with pytest.raises(ConfigurationError, match="needs rights that this user lacks"):
        require_free("127.0.0.1", 80)


@pytest.mark.parametrize(
    ("host", "private"),
    [
        ("127.0.0.1", True),
        ("127.1.2.3", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("", False),
        ("192.0.2.1", False),
        ("nowhere.invalid", False),
    ],
)
def test_loopback_is_for_this_machine(host: str, private: bool) -> None:
    """By the address that a name leads to; what leads nowhere is not taken for private (RFC 6761: .invalid)."""
    assert is_loopback(host) is private


def test_an_open_door_is_told_of() -> None:
    """In development nobody has said that something in front asks who calls; in production it was required."""
    assert exposure(Settings()) is None
    assert (
        exposure(Settings(profile=Profile.PRODUCTION, secret_key="0123456789abcdef" * 2, auth="off", host="0.0.0.0"))
        is None
    )

    warning = exposure(Settings(host="0.0.0.0", port=6000))

    assert warning == "whoever reaches 0.0.0.0:6000 may use the API: nothing asks who they are"
