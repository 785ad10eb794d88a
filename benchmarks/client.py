"""A load generator that costs little, since its share of the cores is counted against the service.

Blocking sockets that stay open, one thread for each, no parsing beyond the status and the length.
"""

import socket
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Self

Part = bytes | memoryview
Address = tuple[str, int]

JPEG = b"Content-Type: image/jpeg\r\n"
"""The headers of what is posted most."""

WARM_SECONDS = 0.5
"""What is done before the clock starts, so that the pipeline is full when it does."""


class UnexpectedAnswer(Exception):
    """The other side did not answer as it should; nothing measured from here on would mean anything."""


class Connection:
    """One client's open connection.

    Args:
        address: host and port.
        timeout_seconds: the longest silence.
    """

    def __init__(self, address: Address, timeout_seconds: float = 60) -> None:
        self._host = f"{address[0]}:{address[1]}".encode()
        self._socket = socket.create_connection(address, timeout_seconds)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def post(self, target: bytes, *body: Part, headers: bytes = JPEG) -> tuple[int, bytes]:
        """Send a body in parts; return status and body of the answer. `headers` are whole lines."""
        length = sum(map(len, body))
        self._send(b"POST", target, headers + b"Content-Length: %d\r\n" % length)
        for part in body:
            self._socket.sendall(part)
        return self._answer()

    def get(self, target: bytes, headers: bytes = b"") -> tuple[int, bytes]:
        """Status and body of the answer."""
        self._send(b"GET", target, headers)
        return self._answer()

    def _send(self, method: bytes, target: bytes, headers: bytes) -> None:
        self._socket.sendall(b"%b %b HTTP/1.1\r\nHost: %b\r\n%b\r\n" % (method, target, self._host, headers))

    def _answer(self) -> tuple[int, bytes]:
        received = self._receive()
        while b"\r\n\r\n" not in received:
            received += self._receive()
        head, _, body = received.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
        while len(body) < length:
            body += self._receive()
        return int(head[9:12]), body

    def _receive(self) -> bytes:
        received = self._socket.recv(65_536)
        if not received:
            raise UnexpectedAnswer("the connection was closed")
        return received


@dataclass(frozen=True)
class Load:
    """What a window of time has seen.

    Args:
        rate: requests that ended in it, per second.
        latencies_ms: of these, sorted.
        requests: how many.
    """

    rate: float
    latencies_ms: list[float]
    requests: int

    def percentile_ms(self, percent: float) -> float:
        """The latency that so many per cent of the requests did not exceed."""
        return self.latencies_ms[min(self.requests - 1, int(self.requests * percent / 100))]


def drive(
    addresses: Iterable[Address],
    seconds: float,
    work: Callable[[Connection], object],
    *,
    opened: Callable[[], object] = lambda: None,
    closed: Callable[[], object] = lambda: None,
) -> Load:
    """Keep connections busy, each with the next request as soon as the last is answered.

    Args:
        addresses: one for each connection.
        seconds: length of the window in which answers count; before it come `WARM_SECONDS`.
        work: one request and its answer; called by many threads.
        opened: called when the window opens.
        closed: called when it closes; requests still under way are then awaited but not counted.
    """
    addresses = list(addresses)
    ended: list[tuple[float, float]] = []
    over = threading.Event()

    def keep_busy(address: Address) -> None:
        with Connection(address) as connection:
            while not over.is_set():
                began = time.perf_counter()
                work(connection)
                ended.append((began, time.perf_counter()))

    with ThreadPoolExecutor(len(addresses)) as pool:
        clients = [pool.submit(keep_busy, address) for address in addresses]
        try:
            time.sleep(WARM_SECONDS)
            opened()
            opening = time.perf_counter()
            time.sleep(seconds)
            closing = time.perf_counter()
            closed()
        finally:
            over.set()
        for client in clients:
            client.result()
    latencies = sorted((end - began) * 1000 for began, end in ended if opening <= end < closing)
    if not latencies:
        raise UnexpectedAnswer("nothing was answered in time")
    return Load(len(latencies) / (closing - opening), latencies, len(latencies))
