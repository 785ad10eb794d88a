"""The counter of requests, over a real server and without one: it counts, and never holds anyone up."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from imagemill.counter import QUIET_SECONDS, SharedCounter
from imagemill.domain.rate import Rate
from tests.servers import Valkey

RATE = Rate("key", 5, 60)


@pytest.fixture(scope="module")
def server() -> Iterator[Valkey]:
    """A server for all tests that leave it as it was."""
    server = Valkey().start()
    yield server
    server.close()


@pytest.fixture(params=["shared", "alone"])
def counter(request: pytest.FixtureRequest, server: Valkey) -> SharedCounter:
    """A counter on the server, and one that has none, as with another kind of broker."""
    server.client.flushall()
    return SharedCounter(server.url if request.param == "shared" else "amqp://elsewhere", "q")


def test_requests_are_allowed_up_to_the_rate(counter: SharedCounter) -> None:
    """Each request is one less that is left; past the rate none is allowed, and the wait is told."""
    standings = [counter.count(RATE, "ada") for _ in range(7)]
    assert [standing.allowed for standing in standings] == [True] * 5 + [False] * 2
    assert [standing.left for standing in standings] == [4, 3, 2, 1, 0, 0, 0]
    assert all(1 <= standing.again_seconds <= 61 for standing in standings)


def test_each_is_counted_for_himself(counter: SharedCounter) -> None:
    """Names do not share a count, nor do policies."""
    for _ in range(5):
        counter.count(RATE, "ada")
    assert not counter.count(RATE, "ada").allowed
    assert counter.count(RATE, "bob").allowed
    assert counter.count(Rate("address", 5, 60), "ada").allowed


def test_after_the_told_time_a_request_is_allowed(counter: SharedCounter) -> None:
    """Who waits as long as he was told to is served."""
    rate = Rate("key", 2, 1)
    while (standing := counter.count(rate, "ada")).allowed:
        pass
    time.sleep(standing.again_seconds)  # the very thing that is tested
    assert counter.count(rate, "ada").allowed


def test_threads_count_together(counter: SharedCounter) -> None:
    """Eight threads are allowed no more than one would be."""
    rate = Rate("key", 20, 60)
    with ThreadPoolExecutor(8) as threads:
        standings = list(threads.map(lambda _: counter.count(rate, "ada"), range(60)))
    assert sum(standing.allowed for standing in standings) == 20


def test_processes_count_together(server: Valkey) -> None:
    """Two counters on one server allow as much as one; their keys bear the service's prefix, and end by themselves."""
    server.client.flushall()
    one, other = SharedCounter(server.url, "q"), SharedCounter(server.url, "q")
    assert [counter.count(RATE, "ada").allowed for counter in (one, other) * 3] == [True] * 5 + [False]
    assert SharedCounter(server.url, "another service").count(RATE, "ada").allowed
    keys = server.client.keys("q:*")
    assert keys
    assert all(server.client.ttl(key) > 0 for key in keys)


def test_a_server_that_is_frozen_or_gone_holds_nobody(caplog: pytest.LogCaptureFixture) -> None:
    """The first request waits a moment, the others not at all: each process goes on alone, and says so once."""
    now = [0.0]
    server = Valkey().start()
    try:
        counter = SharedCounter(server.url, "q", clock=lambda: now[0])
        assert counter.count(RATE, "ada").left == 4
        server.freeze()
        started = time.monotonic()
        standings = [counter.count(RATE, "ada") for _ in range(6)]
        assert time.monotonic() - started < 1
        server.thaw()
        assert [standing.allowed for standing in standings] == [True] * 5 + [False]
        assert [record.levelname for record in caplog.records] == ["WARNING"]

        now[0] += QUIET_SECONDS
        assert counter.count(RATE, "ada").left < 4, "with what was counted together before"
        server.kill()
        assert counter.count(RATE, "bob").allowed
        server.start()
        assert counter.count(RATE, "bob").left == 3, "still alone"
        now[0] += QUIET_SECONDS
        assert counter.count(RATE, "bob").left == 4, "together again"
    finally:
        server.close()
