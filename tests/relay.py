"""TLS in front of a server that speaks none."""

import select
import socket
import socketserver
import ssl
import threading
from contextlib import suppress
from pathlib import Path
from typing import Self

import trustme


class TlsRelay(socketserver.ThreadingTCPServer):
    """Listens on loopback with a certificate for `localhost`, and passes on to a unix socket.

    Args:
        server: the socket.
    """

    def __init__(self, server: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Relay)
        self.inner = server
        self.port: int = self.server_address[1]
        self.authority = trustme.CA()
        self.context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self.authority.issue_cert("localhost").configure_cert(self.context)
        self.ended = threading.Event()
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02})

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        self.shutdown()
        self._thread.join()
        self.server_close()


class _Relay(socketserver.BaseRequestHandler):
    server: TlsRelay

    def handle(self) -> None:
        """Pass on both ways until one side hangs up, or the relay ends: clients keep their lines in pools."""
        with (
            suppress(OSError),
            self.server.context.wrap_socket(self.request, server_side=True) as outer,
            socket.socket(socket.AF_UNIX) as inner,
        ):
            inner.connect(str(self.server.inner))
            while not self.server.ended.is_set():
                ready = [outer] if outer.pending() else select.select([outer, inner], [], [], 0.05)[0]
                for side in ready:
                    data = side.recv(2**16)
                    if not data:
                        return
                    (inner if side is outer else outer).sendall(data)
