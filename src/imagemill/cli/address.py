"""Where the API listens, what a client calls that, and whether it answers."""

import errno
import http.client
import ipaddress
import socket
from typing import TYPE_CHECKING

from imagemill.errors import ConfigurationError

if TYPE_CHECKING:
    from imagemill.config import Settings

_ANSWER_SECONDS = 2.0
_LONGEST_ANSWER_BYTES = 2**16


def bracketed(host: str) -> str:
    """The host as it stands before a port: an IPv6 address goes into brackets (RFC 3986, section 3.2.2)."""
    return f"[{host}]" if ":" in host else host


def client_url(host: str, port: int) -> str:
    """The URL that reaches the API from this machine; a wildcard such as 0.0.0.0 is no address to call."""
    return f"http://{bracketed(_reachable(host))}:{port}"


def ask(host: str, port: int, path: str) -> tuple[int, bytes] | None:
    """Status and body of a GET over HTTP; None where nobody answers."""
    link = http.client.HTTPConnection(_reachable(host), port, timeout=_ANSWER_SECONDS)
    try:
        link.request("GET", path)
        answer = link.getresponse()
        return answer.status, answer.read(_LONGEST_ANSWER_BYTES)
    except (OSError, http.client.HTTPException):
        return None
    finally:
        link.close()


def require_free(host: str, port: int) -> None:
    """Raise ConfigurationError unless the port can be listened on."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            # Connections of an earlier run may still be winding down; they do not stand in the way.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        raise ConfigurationError(_explain(error, port)) from error


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches what listens on the host; a name that leads nowhere is not known to be."""
    try:
        # Passive, as for listening: an empty host is every address then.
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError:
        return False
    return all(ipaddress.ip_address(address[0]).is_loopback for *_, address in found)


def exposure(settings: "Settings") -> str | None:
    """What there is to say against the address that the API listens on; None if nothing.

    In a guarded profile, auth that is off means that something in front of imagemill decides who may use it: there
    the operator had to say so.
    """
    if settings.auth_required or settings.profile.guarded or is_loopback(settings.host):
        return None
    return f"whoever reaches {settings.host}:{settings.port} may use the API: nothing asks who they are"


def _reachable(host: str) -> str:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if address.is_unspecified:
        return "127.0.0.1" if address.version == 4 else "::1"
    return host


def _explain(error: OSError, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"IMAGEMILL_PORT: port {port} is taken by another program; stop that one, or choose a port with --port"
    if error.errno == errno.EACCES:
        return f"IMAGEMILL_PORT: port {port} needs rights that this user lacks; choose one from 1024 on with --port"
    return f"IMAGEMILL_HOST: this machine cannot listen on the address: {error.strerror}"
