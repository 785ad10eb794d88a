"""The whole service over RabbitMQ: no job is lost with the broker, and a frozen one delays no client."""

import os
import signal
import time
from pathlib import Path

from tests.chaos.ledger import QUICK, Ledger
from tests.functional.running import Service, command
from tests.images import photo_jpeg
from tests.rabbit import Rabbit
from tests.servers import eventually

JOBS = 50


def test_a_broker_killed_in_the_middle_loses_no_job(tmp_path: Path, rabbit: Rabbit) -> None:
    """Of 50 jobs some are waiting, some worked and some only coming when the broker is killed: all 50 end, once each."""
    with Service(tmp_path, **QUICK, broker_url=rabbit.url, queue=rabbit.queue()) as service:
        ledger = Ledger(service)
        _post(ledger, range(20))
        rabbit.kill()
        _post(ledger, range(20, 35))
        rabbit.start()
        _post(ledger, range(35, JOBS))

        jobs = ledger.await_end(90)

        assert len(set(ledger.tokens)) == JOBS
        assert {job["status"] for job in jobs} == {"SUCCESS"}
        ledger.assert_one_result_each()
        assert not service.pids("broker"), "none of its own was started"
        # A job that comes now is worked at once: the worker is back at its queue.
        answer = service.client.http.post(
            "/api/v1/resize",
            content=photo_jpeg(32, 24, JOBS),
            headers={"Content-Type": "application/octet-stream", "Prefer": "wait=20"},
        )
        assert (answer.status_code, answer.json()["status"]) == (200, "SUCCESS")


def test_a_frozen_broker_delays_no_client(tmp_path: Path, rabbit: Rabbit) -> None:
    """POST answers 202 in under three seconds, readiness says `degraded`, and the job ends when the broker is back."""
    settings = {**QUICK, "broker_url": rabbit.url, "queue": rabbit.queue()}
    with Service(tmp_path, **settings) as service:
        examined = command("doctor", data=service.data, **(settings | {"port": service.port}))
        assert "broker      answers" in " ".join(examined.stdout.split("\t")) or "answers" in examined.stdout
        ledger = Ledger(service)
        with rabbit.frozen():
            for seed in range(3):
                started = time.monotonic()
                ledger.post(photo_jpeg(32, 24, seed), width=16)
                assert time.monotonic() - started < 3
            ready = service.client.http.get("/readyz")
            assert (ready.status_code, ready.json()["state"]) == (200, "degraded")

        assert {job["status"] for job in ledger.await_end()} == {"SUCCESS"}


def test_a_killed_child_is_survived(tmp_path: Path, rabbit: Rabbit) -> None:
    """What a worker had taken and not acknowledged is not lost with it: the record sends it again."""
    settings = {**QUICK, "faults": "job-claimed:kill:1", "worker_concurrency": 1}
    with Service(tmp_path, **settings, broker_url=rabbit.url, queue=rabbit.queue()) as service:
        job = service.client.ended(service.client.accepted(photo_jpeg(32, 24)))
        assert (job["status"], job["attempts"]) == ("SUCCESS", 2)


def _post(ledger: Ledger, seeds: range) -> None:
    for seed in seeds:
        ledger.post(photo_jpeg(32, 24, seed), width=16)
