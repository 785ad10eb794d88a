"""What nginx keeps from the API, and from clients: slow bodies, and servers that die."""

import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from socket import socket
from ssl import SSLEOFError
from threading import Event

import httpx2
import pytest

from tests.deploy.proxy import Proxy
from tests.functional.api_only import Api
from tests.images import photo_jpeg
from tests.servers import eventually

RESIZE = "/api/v1/resize"
IMAGE = photo_jpeg(64, 48)
CLIENTS = 4
DROPPED = '"status":408'
Servers = tuple[Api, Api]


def rest_of(connection: socket) -> bytes:
    """All that comes until the other side closes."""
    with suppress(ConnectionError, SSLEOFError):
        return connection.recv(1000)
    return b""


@pytest.mark.parametrize("drip", [b"", b"a"], ids=["stalls", "drips"])
def test_slow_bodies_stay_with_nginx(servers: Servers, proxy: Proxy, drip: bytes) -> None:
    """More slow bodies than the API has threads: others are answered at once, and the API never hears of the slow."""
    before = [server.log().count("POST") for server in servers]
    dropped = proxy.log().count(DROPPED)
    with ExitStack() as stack:
        slow = [stack.enter_context(proxy.connection()) for _ in range(40)]
        for connection in slow:
            connection.sendall(b"POST /api/v1/resize HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nabc")
        for _ in range(20):
            for connection in slow:
                with suppress(OSError):  # A busy machine may have been too slow, and nginx has closed it.
                    connection.sendall(drip)
            assert proxy.client.http.get("/healthz").elapsed.total_seconds() < 5
        # Now all of them stall, and nginx closes them; 408 is for the log only.
        assert all(rest_of(connection) == b"" for connection in slow)
    assert [server.log().count("POST") for server in servers] == before
    eventually(lambda: proxy.log().count(DROPPED) == dropped + 40, what="forty lines about slow bodies")


@dataclass(frozen=True)
class Asked:
    """A request and what came of it: the status, or the error of the connection."""

    began: float
    ended: float
    answer: int | str

    @property
    def fine(self) -> bool:
        """Whether a client has nothing to complain about."""
        return self.answer in (200, 202)


def ask_on(proxy: Proxy, number: int, over: Event) -> list[Asked]:
    """POST and GET in turn, over kept connections, until it is over. No two POSTs are the same job."""
    asked: list[Asked] = []
    headers = {"Content-Type": "image/jpeg"}
    with httpx2.Client(base_url=proxy.url, verify=proxy.trust(), timeout=60, trust_env=False, headers=headers) as http:
        while not over.is_set():
            began, query = time.monotonic(), {"width": 1 + len(asked) % 4000 + 4000 * number}
            try:
                post = len(asked) % 2
                found = http.post(RESIZE, params=query, content=IMAGE) if post else http.get(RESIZE)
                answer: int | str = found.status_code
            except httpx2.HTTPError as error:
                answer = repr(error)
            asked.append(Asked(began, time.monotonic(), answer))
    return asked


def test_a_dead_server_is_not_noticed(servers: Servers, proxy: Proxy) -> None:
    """One of two servers is killed in a stream of requests: no client sees an error beyond what was in flight then.

    Back again, it gets its share.
    """
    one, two = servers
    over = Event()
    with ThreadPoolExecutor(CLIENTS) as pool:
        running = [pool.submit(ask_on, proxy, number, over) for number in range(CLIENTS)]
        try:
            eventually(lambda: "POST" in two.log(), what="a request to the second server")
            killed = time.monotonic()
            os.killpg(two.process.pid, signal.SIGKILL)
            two.stop()
            before = one.log().count("POST")
            eventually(lambda: one.log().count("POST") > before + 100, 60, "requests to the server that is left")
            two.start(tables=False)
            eventually(lambda: "POST" in two.log(), 60, "requests to the server that is back")
        finally:
            over.set()
    asked = [item for future in running for item in future.result()]
    failed = [item for item in asked if not item.fine]
    assert all(item.began <= killed <= item.ended for item in failed), failed
    assert len(failed) <= CLIENTS
