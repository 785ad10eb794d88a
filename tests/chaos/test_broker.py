"""The broker killed, emptied, frozen: it holds nothing that cannot be had again."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.chaos.ledger import QUICK, Ledger
from tests.functional.running import Service
from tests.images import photo_jpeg
from tests.servers import Valkey, eventually

JOBS = 200
CLIENTS = 8


@pytest.fixture
def valkey() -> Iterator[Valkey]:
    server = Valkey().start()
    yield server
    server.close()


def test_a_broker_killed_and_emptied_loses_no_job(tmp_path: Path, valkey: Valkey) -> None:
    """With 200 jobs queued the broker is killed, comes back, and is emptied: all 200 end."""
    with Service(tmp_path, **QUICK, broker_url=valkey.url) as service:
        (worker,) = service.pids("worker")[:1]
        ledger = Ledger(service)
        with _frozen(worker):
            for seed in range(JOBS):
                ledger.post(_image(seed), width=16)
            assert valkey.client.llen("imagemill") >= JOBS - 10
            valkey.kill()
            valkey.start()
            valkey.client.flushall()

        jobs = ledger.await_end(90)

        assert len(set(ledger.tokens)) == JOBS
        assert {job["status"] for job in jobs} == {"SUCCESS"}
        ledger.assert_one_result_each()


def test_a_frozen_broker_delays_no_client(tmp_path: Path, valkey: Valkey) -> None:
    """While the broker answers nothing, POSTs are accepted in under three seconds each, and the jobs end afterwards."""
    with Service(tmp_path, **QUICK, broker_url=valkey.url) as service:
        ledger = Ledger(service)
        valkey.freeze()
        try:
            with ThreadPoolExecutor(CLIENTS) as clients:
                assert (
                    max(clients.map(lambda seed: _seconds(lambda: ledger.post(_image(seed), width=16)), range(CLIENTS)))
                    < 3
                )
            ready = service.client.http.get("/readyz")
            assert (ready.status_code, ready.json()["state"]) == (200, "degraded")
        finally:
            valkey.thaw()

        assert {job["status"] for job in ledger.await_end()} == {"SUCCESS"}


def test_without_a_broker_jobs_wait_for_it(tmp_path: Path, valkey: Valkey) -> None:
    """What is accepted while there is no broker is worked when there is one, and status is answered all the time."""
    with Service(tmp_path, **QUICK, broker_url=valkey.url) as service:
        valkey.kill()
        ledger = Ledger(service)
        for seed in range(5):
            ledger.post(_image(seed), width=16)
        assert {ledger.look(token)["status"] for token in ledger.tokens} == {"PENDING"}

        valkey.start()

        assert {job["status"] for job in ledger.await_end()} == {"SUCCESS"}


def test_a_message_that_comes_twice_is_one_result(tmp_path: Path, valkey: Valkey) -> None:
    """Every message is doubled in the queue: each job is still worked once."""
    with Service(tmp_path, **QUICK, broker_url=valkey.url) as service:
        (worker,) = service.pids("worker")[:1]
        ledger = Ledger(service)
        with _frozen(worker):
            for seed in range(20):
                ledger.post(_image(seed), width=16)
            client = valkey.client
            eventually(lambda: client.llen("imagemill") > 0)
            for message in client.lrange("imagemill", 0, -1):
                client.lpush("imagemill", message)

        jobs = ledger.await_end()
        eventually(lambda: client.llen("imagemill") == 0)

        assert {(job["status"], job["attempts"]) for job in jobs} == {("SUCCESS", 1)}
        ledger.assert_one_result_each()


def _seconds(work: Callable[[], object]) -> float:
    started = time.monotonic()
    work()
    return time.monotonic() - started


def _image(seed: int) -> bytes:
    return photo_jpeg(32, 24, seed)


@contextmanager
def _frozen(pid: int) -> Iterator[None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)
