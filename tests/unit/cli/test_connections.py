"""Connections: whoever moves is waited for, whoever does not is not."""

import io
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from gunicorn.workers.gthread import ThreadWorker

from imagemill.cli import connections
from imagemill.cli.connections import BYTES_PER_SECOND, ClientSocket, TimedWorker

SECONDS = 0.05


@pytest.fixture
def ends() -> Iterator[tuple[ClientSocket, socket.socket]]:
    """Our end of a connection, and the client's."""
    ours, theirs = socket.socketpair()
    with ClientSocket(ours, SECONDS) as served, theirs:
        yield served, theirs


def test_a_silent_client_is_given_up(ends: tuple[ClientSocket, socket.socket]) -> None:
    """A read ends with the request's time, and the next one at once."""
    served, _ = ends
    for _ in range(2):
        with pytest.raises(TimeoutError):
            served.recv(1)


def test_a_client_that_moves_earns_time(ends: tuple[ClientSocket, socket.socket]) -> None:
    """Each 16 KiB are worth a second."""
    served, client = ends
    client.sendall(bytes(BYTES_PER_SECOND))
    received = 0
    while received < BYTES_PER_SECOND:
        received += len(served.recv(BYTES_PER_SECOND))
    time.sleep(2 * SECONDS)
    client.sendall(b"more")
    assert served.recv(4) == b"more"


def test_each_request_has_its_own_time(ends: tuple[ClientSocket, socket.socket]) -> None:
    """The time between two requests of a connection is not counted."""
    served, client = ends
    with pytest.raises(TimeoutError):
        served.recv(1)
    client.sendall(b"next")
    served.begin_request()
    assert served.recv(4) == b"next"


def test_a_client_that_takes_nothing_is_given_up(
    ends: tuple[ClientSocket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An answer that is larger than the system's buffers does not hold a thread."""
    served, _ = ends
    monkeypatch.setattr(connections, "BYTES_PER_SECOND", 2**30)
    with pytest.raises(TimeoutError):
        served.sendall(bytes(2**24))


def test_a_file_that_nobody_takes_is_given_up(ends: tuple[ClientSocket, socket.socket], tmp_path: Path) -> None:
    """The same for what the kernel sends."""
    served, _ = ends
    (tmp_path / "file").write_bytes(bytes(2**24))
    with (tmp_path / "file").open("rb") as file, pytest.raises(TimeoutError):
        served.sendfile(file)


def test_a_head_comes_with_what_follows(ends: tuple[ClientSocket, socket.socket]) -> None:
    """Head and body of an answer arrive at once, and the next answer is none of theirs."""
    served, client = ends
    client.settimeout(0.05)
    for _ in range(2):
        served.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        with pytest.raises(TimeoutError):
            client.recv(100)
        served.sendall(b"body")
        assert client.recv(100) == b"HTTP/1.1 200 OK\r\n\r\nbody"
        served.sendall(b"more")
        assert client.recv(100) == b"more"


def test_a_head_alone_is_sent_too(ends: tuple[ClientSocket, socket.socket], tmp_path: Path) -> None:
    """Where nothing follows, before a file, and before anything is read: an expectation is met at once."""
    served, client = ends
    served.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
    served.flush()
    served.flush()
    assert client.recv(100) == b"HTTP/1.1 204 No Content\r\n\r\n"

    served.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    client.sendall(b"body")
    assert served.recv(100) == b"body"
    assert client.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"

    (tmp_path / "file").write_bytes(b"file")
    served.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    with (tmp_path / "file").open("rb") as file:
        served.sendfile(file)
    served.close()
    received = b""
    while piece := client.recv(100):
        received += piece
    assert received == b"HTTP/1.1 200 OK\r\n\r\nfile"


def test_a_next_request_is_noticed(ends: tuple[ClientSocket, socket.socket]) -> None:
    """There is more once the client has sent something or hung up, and not before."""
    served, client = ends
    assert not served.has_more(0.01)
    client.sendall(b"GET")
    assert served.has_more(0.01)
    served.recv(3)
    assert not served.has_more(0.01)
    client.shutdown(socket.SHUT_WR)
    assert served.has_more(0.01)


THREADS = 4


def worker(served: int = 1, alive: bool = True) -> TimedWorker:
    """A worker with so many connections that have a thread, or wait for one."""
    worker = TimedWorker.__new__(TimedWorker)
    worker.alive, worker.cfg = alive, SimpleNamespace(threads=THREADS)
    worker.nr_conns, worker.keepalived_conns, worker.pending_conns = served + 2, [object()], [object()]
    return worker


def connection(served: ClientSocket, read_ahead: bytes = b"") -> SimpleNamespace:
    """What Gunicorn knows of a connection, of which its parser has read so much more than it has used."""
    return SimpleNamespace(sock=served, parser=SimpleNamespace(unreader=SimpleNamespace(buf=io.BytesIO(read_ahead))))


def requests_served(
    worker: TimedWorker, ends: tuple[ClientSocket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> int:
    """How many of three requests a thread serves at a stretch; each comes when the one before has been answered."""
    served, client = ends
    requests = []

    def handle(_: object, conn: Any) -> bool:
        requests.append(conn.sock.recv(3))
        if len(requests) < 3:
            client.sendall(b"GET")
        return True

    monkeypatch.setattr(ThreadWorker, "handle", handle)
    client.sendall(b"GET")
    assert worker.handle(connection(served))
    return len(requests)


def test_a_thread_goes_on_with_a_connection(
    ends: tuple[ClientSocket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It serves what follows at once, and then lets go of the connection, which goes on."""
    assert requests_served(worker(THREADS - 1), ends, monkeypatch) == 3


@pytest.mark.parametrize(("served", "alive"), [(THREADS, True), (1, False)], ids=["others-wait", "stopping"])
def test_a_thread_that_is_wanted_elsewhere_goes(
    ends: tuple[ClientSocket, socket.socket], monkeypatch: pytest.MonkeyPatch, served: int, alive: bool
) -> None:
    """Where others may wait for a thread, or the service stops, a thread serves one request."""
    assert requests_served(worker(served, alive), ends, monkeypatch) == 1


def test_what_was_read_ahead_is_served_without_a_look_at_the_socket(
    ends: tuple[ClientSocket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Requests that came together lie in the parser, and the socket is silent."""
    monkeypatch.setattr(ClientSocket, "has_more", lambda *_: pytest.fail("looked"))
    monkeypatch.setattr(ThreadWorker, "handle", lambda *_: next(answers))
    answers = iter([True, True, False])
    assert not worker().handle(connection(ends[0], read_ahead=b"GET"))


def test_a_head_goes_out_before_the_end(ends: tuple[ClientSocket, socket.socket]) -> None:
    """Who closes in the middle of an answer has sent what he had."""
    served, client = ends
    served.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    served.shutdown(socket.SHUT_WR)
    assert client.recv(100) == b"HTTP/1.1 200 OK\r\n\r\n"


def test_a_goodbye_waits_for_the_other(ends: tuple[ClientSocket, socket.socket]) -> None:
    """The client reads to the end; what it still sent is taken, and nothing waits for it afterwards."""
    served, client = ends
    client.sendall(b"late")
    client.shutdown(socket.SHUT_WR)
    served.linger()
    assert client.recv(1) == b""
    with pytest.raises(TimeoutError):
        served.recv(1)
