"""The whole service over RabbitMQ: no job is lost with the broker, and a frozen one delays no client."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.ledger import QUICK, Ledger
from tests.functional.running import Service, command
from tests.images import photo_jpeg
from tests.rabbit import Rabbit

JOBS = 50


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, rabbit: Rabbit) -> Iterator[Service]:
    """`imagemill up` on RabbitMQ; one of its children is killed over the first job."""
    settings = {
        **QUICK,
        "broker_url": rabbit.url,
        "queue": rabbit.settled_queue("functional"),
        "faults": "job-claimed:kill:1",
    }
    with Service(tmp_path_factory.mktemp("rabbit"), **settings) as service:
        yield service


def test_a_killed_child_is_survived(service: Service, tmp_path: Path) -> None:
    """What a child had taken is not lost with it; the doctor finds broker and worker, and no broker was embedded."""
    job = service.client.ended(service.client.accepted(photo_jpeg(32, 24)))
    assert (job["status"], job["attempts"]) == ("SUCCESS", 2)

    examined = command("doctor", data=service.data, **service.settings).stdout
    assert {"broker answers", "worker answers"} <= {" ".join(line.split()[1:3]) for line in examined.splitlines()}
    assert not service.pids("broker")


def test_the_doorbell_rings(service: Service) -> None:
    """Who waits is woken when the job has ended, far earlier than he would look by himself."""
    seconds = []
    for seed in range(8):
        started = time.monotonic()
        _await(service, seed)
        seconds.append(time.monotonic() - started)
    assert min(seconds) < 0.4, "the first look comes after half a second"


def test_a_frozen_broker_delays_no_client(service: Service, rabbit: Rabbit) -> None:
    """POST answers 202 in under three seconds, readiness says `degraded`, and the jobs end when the broker is back."""
    ledger = Ledger(service)
    with rabbit.frozen():
        for seed in range(100, 103):
            started = time.monotonic()
            ledger.post(photo_jpeg(32, 24, seed), width=16)
            assert time.monotonic() - started < 3
        ready = service.client.http.get("/readyz")
        assert (ready.status_code, ready.json()["state"]) == (200, "degraded")

    assert {job["status"] for job in ledger.await_end()} == {"SUCCESS"}


def test_a_broker_killed_in_the_middle_loses_no_job(service: Service, rabbit: Rabbit) -> None:
    """Of 50 jobs some wait, some are worked and some still come when the broker is killed: all end, with one result."""
    ledger = Ledger(service)
    _post(ledger, range(200, 220))
    rabbit.kill()
    _post(ledger, range(220, 235))
    rabbit.start()
    _post(ledger, range(235, 200 + JOBS))

    jobs = ledger.await_end(90)

    assert len(set(ledger.tokens)) == JOBS
    assert {job["status"] for job in jobs} == {"SUCCESS"}
    outputs = {output["url"] for job in jobs for output in job["outputs"]}
    assert len(outputs) == JOBS
    # The worker is back at its queue.
    _await(service, 200 + JOBS)


def _await(service: Service, seed: int) -> None:
    answer = service.client.http.post(
        "/api/v1/resize",
        content=photo_jpeg(32, 24, seed),
        headers={"Content-Type": "application/octet-stream", "Prefer": "wait=20"},
    )
    assert (answer.status_code, answer.json()["status"]) == (200, "SUCCESS")


def _post(ledger: Ledger, seeds: range) -> None:
    for seed in seeds:
        ledger.post(photo_jpeg(32, 24, seed), width=16)
