"""How long a client is waited for: a thread is lent to it while it keeps moving, and taken back when it stalls.

Gunicorn's threaded worker waits for ever for the rest of a request, and lets its main loop wait for clients that do not
hang up: as many idle connections as there are threads would stop the service. Knows sockets, and of HTTP how an
answer begins.
"""

import errno
import select
import selectors
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

from gunicorn.workers.gthread import TConn, ThreadWorker

from imagemill import config

BYTES_PER_SECOND = 16 * 2**10
"""Slower than any network that carries images."""

_HEAD = b"HTTP/"
_MORE: int = getattr(socket, "MSG_MORE", 0)
_NEXT_SECONDS = 0.005
_WAY_SECONDS = 0.001
_LINGER_SECONDS = 2.0
_LINGER_PIECES, _PIECE_BYTES = 16, 4096


class ClientSocket(socket.socket):
    """A connection whose client has to keep moving, and gets the head of an answer together with what follows.

    Gunicorn sends them one by one, which wakes the client twice.

    Args:
        connection: the accepted one; this takes its place.
        seconds: how long the client may take, beside a second for each 16 KiB that it moves.
    """

    def __init__(self, connection: socket.socket, seconds: float) -> None:
        super().__init__(fileno=connection.detach())
        self._seconds = seconds
        self._head = b""
        self.begin_request()

    def begin_request(self) -> None:
        """The time for head and body of a request begins now."""
        self._deadline = time.monotonic() + self._seconds

    def recv(self, size: int, flags: int = 0, /) -> bytes:
        """As of any socket. Raises TimeoutError once the request's time is over."""
        self.flush()
        with self._within(self._deadline - time.monotonic()):
            piece = super().recv(size, flags)
        self._deadline += len(piece) / BYTES_PER_SECOND
        return piece

    def sendall(self, data: Any, flags: int = 0, /) -> None:
        """As of any socket, but a head is kept back. Raises TimeoutError if the client does not take it in time."""
        if not self._head and bytes(data[: len(_HEAD)]) == _HEAD:
            self._head = bytes(data)
            return
        if self._head:
            data, self._head = b"".join((self._head, data)), b""
        with self._within(self._seconds + len(data) / BYTES_PER_SECOND):
            super().sendall(data, flags)

    def sendfile(self, file: Any, offset: int = 0, count: int | None = None) -> int:
        """As of any socket. Raises TimeoutError if the client takes nothing for a while."""
        self.flush(_MORE)
        with self._within(self._seconds):
            return super().sendfile(file, offset, count)

    def shutdown(self, how: int, /) -> None:
        """As of any socket."""
        with suppress(OSError):
            self.flush()
        super().shutdown(how)

    def flush(self, flags: int = 0) -> None:
        """Send a head that was kept back, by itself. Raises TimeoutError as `sendall`."""
        if self._head:
            self.sendall(b"", flags)

    def has_more(self, seconds: float) -> bool:
        """Whether the client sends something, or hangs up, within this time."""
        poll = select.poll()
        poll.register(self, select.POLLIN)
        return bool(poll.poll(seconds * 1000))

    def linger(self) -> None:
        """Say goodbye, and wait a moment for the client to do so; what it still sends could cost it the answer.

        Source: RFC 9112, section 9.6.
        """
        self._deadline = min(self._deadline, time.monotonic() + _LINGER_SECONDS)
        with suppress(OSError):
            self.shutdown(socket.SHUT_WR)
            for _ in range(_LINGER_PIECES):
                if not self.recv(_PIECE_BYTES):
                    break
        self._deadline = 0.0  # Gunicorn's main loop would linger once more.

    @contextmanager
    def _within(self, seconds: float) -> Iterator[None]:
        try:
            if seconds <= 0:
                raise TimeoutError
            self.settimeout(seconds)
            yield
        except TimeoutError:
            # By this number Gunicorn knows a client that has gone, which is worth no traceback.
            raise TimeoutError(errno.ECONNRESET, "the client is too slow") from None


class TimedWorker(ThreadWorker):  # type: ignore[misc]
    """Gunicorn's threaded worker, whose threads no client can keep by doing nothing."""

    def init_process(self) -> None:
        """Serve; returns when the process is to end."""
        self._client_seconds = config.load().client_seconds
        super().init_process()

    def accept(self, listener: socket.socket) -> None:
        """Accept a connection, unless a process that has fewer is quicker."""
        # The kernel wakes all processes, and the first on a core would take whatever waits: connections that live long
        # then share one interpreter while another has nothing to do. The price is a millisecond for a new connection
        # where each process has as many as threads.
        if self.cfg.workers > 1:
            time.sleep(_WAY_SECONDS * min(1, self.nr_conns / self.cfg.threads))
        super().accept(listener)

    def enqueue_req(self, conn: TConn) -> None:
        """Give a connection a thread; a new one when it has said its first word."""
        if conn.data_ready or conn.initialized:
            super().enqueue_req(conn)
            return
        conn.sock = ClientSocket(conn.sock, self._client_seconds)
        conn.sock.setblocking(False)
        conn.timeout = time.monotonic() + self._client_seconds
        self.pending_conns.append(conn)
        self.poller.register(conn.sock, selectors.EVENT_READ, partial(self.on_pending_socket_readable, conn))

    def murder_pending(self) -> None:
        """Close connections that never said a word, and at a stop all that have not yet."""
        if not self.alive:
            for conn in self.pending_conns:
                conn.timeout = 0.0
        super().murder_pending()

    def handle(self, conn: TConn) -> Any:
        """Serve a request in a thread, and those that follow at once; whether the connection goes on."""
        goes_on = self._serve(conn)
        while goes_on and self._has_next(conn):
            goes_on = self._serve(conn)
        if not goes_on:
            conn.sock.linger()
        return goes_on

    def _serve(self, conn: TConn) -> Any:
        conn.sock.begin_request()
        goes_on = super().handle(conn)
        try:
            conn.sock.flush()
        except OSError:
            return False
        return goes_on

    def _has_next(self, conn: TConn) -> bool:
        # The main loop would have to watch the connection and give it a thread again: a sixth of what an answer costs.
        # But one thread is left for whoever comes meanwhile.
        served = self.nr_conns - len(self.keepalived_conns) - len(self.pending_conns)
        if not self.alive or served >= self.cfg.threads:
            return False
        # What has been read already, the socket does not tell of.
        return bool(conn.parser.unreader.buf.getvalue()) or conn.sock.has_more(_NEXT_SECONDS)
