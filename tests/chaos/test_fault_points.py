"""At each step between two durable states: kill the process, or stop it past its lease and let it go on.

Random killing does not find what gets lost between two steps; being stopped exactly there does.
"""

import os
import signal
from pathlib import Path

import pytest

from imagemill.domain.ports import FaultPoint
from tests.chaos.ledger import QUICK, Ledger
from tests.functional.running import Service
from tests.images import photo_jpeg
from tests.servers import eventually

WORKER_POINTS = [FaultPoint.JOB_CLAIMED, FaultPoint.OUTPUT_PUT, FaultPoint.JOB_FINISHED]


@pytest.mark.parametrize("point", list(FaultPoint))
def test_a_process_killed_at_any_point_loses_no_job(tmp_path: Path, point: FaultPoint) -> None:
    """Whoever is killed wherever: every accepted job ends in SUCCESS, once, and stays as it ended."""
    with Service(tmp_path, **QUICK, faults=f"{point}:kill") as service:
        ledger = Ledger(service)
        with ledger.watched():
            for seed in range(3):
                ledger.post(photo_jpeg(64, 48, seed), width=32)
            jobs = ledger.await_end()

        assert [job["status"] for job in jobs] == ["SUCCESS"] * 3
        assert (service.data / "faults").exists(), "the fault point was never reached"
        ledger.assert_one_result_each()


@pytest.mark.parametrize("point", WORKER_POINTS)
def test_a_worker_stopped_past_its_lease_publishes_nothing(tmp_path: Path, point: FaultPoint) -> None:
    """A worker that sleeps while another takes its job over changes nothing when it wakes."""
    with Service(tmp_path, **QUICK, faults=f"{point}:stop", job_hard_seconds=120, job_soft_seconds=100) as service:
        ledger = Ledger(service)
        with ledger.watched():
            token = ledger.post(photo_jpeg(64, 48), width=32)
            eventually(lambda: _stopped(service), what="a stopped worker")
            (job,) = ledger.await_end()
            os.kill(_stopped(service)[0], signal.SIGCONT)
            eventually(lambda: not _stopped(service), what="the worker's waking")
            # The worker that woke is the one that works this: when it is done, so is all that it had to do before.
            others = [service.client.accepted(photo_jpeg(64, 48, seed), width=32) for seed in range(1, 6)]
            for other in others:
                service.client.ended(other)

        assert job["status"] == "SUCCESS"
        assert job["attempts"] == (1 if point is FaultPoint.JOB_FINISHED else 2)
        assert ledger.look(token) == job
        ledger.tokens += others
        ledger.assert_one_result_each()


@pytest.mark.parametrize("action", ["kill", "crash"])
def test_an_image_that_kills_its_worker_ends_while_others_go_on(tmp_path: Path, action: str) -> None:
    """An image that is killed for its memory or makes a codec crash fails as worker-lost after its attempts; its
    neighbours succeed meanwhile, and the worker itself lives."""
    poison, *others = (photo_jpeg(64, 48, seed) for seed in range(8))
    with Service(tmp_path, **QUICK) as service:
        # The token is the same on every run with the same secret, so it can be known before.
        token = service.client.accepted(poison, width=32)
        service.client.ended(token)
        assert service.client.http.delete(f"/api/v1/resize/{token}").status_code == 204
        service.stop()
        service.start(faults=f"job-claimed:{action}:*:{token}")
        workers = service.pids("worker")

        ledger = Ledger(service)
        with ledger.watched():
            assert ledger.post(poison, width=32) == token
            for image in others:
                ledger.post(image, width=32)
            failed, *rest = ledger.await_end()
        assert service.pids("worker") == workers

    assert failed["status"] == "FAILURE"
    assert failed["error"]["code"] == "worker-lost"
    assert failed["attempts"] == 3
    assert [job["status"] for job in rest] == ["SUCCESS"] * len(others)


def _stopped(service: Service) -> list[int]:
    """Children of the worker that are stopped by a signal."""
    return [pid for pid in service.pids("pool") if _state(pid) == "T"]


def _state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
