"""Where the API listens, and what a client calls that."""

import errno
import ipaddress
import socket

from imagemill.errors import ConfigurationError


def bracketed(host: str) -> str:
    """The host as it stands before a port: an IPv6 address goes into brackets (RFC 3986, section 3.2.2)."""
    return f"[{host}]" if ":" in host else host


def client_url(host: str, port: int) -> str:
    """The URL that reaches the API from this machine; a wildcard such as 0.0.0.0 is no address to call."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return f"http://{host}:{port}"
    if address.is_unspecified:
        host = "127.0.0.1" if address.version == 4 else "::1"
    return f"http://{bracketed(host)}:{port}"


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


def _explain(error: OSError, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"IMAGEMILL_PORT: port {port} is taken by another program; stop that one, or choose a port with --port"
    if error.errno == errno.EACCES:
        return f"IMAGEMILL_PORT: port {port} needs rights that this user lacks; choose one from 1024 on with --port"
    return f"IMAGEMILL_HOST: this machine cannot listen on the address: {error.strerror}"
