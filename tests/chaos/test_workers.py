"""Workers killed at random, too slow, too hungry: a child is cheap, a job is not."""

import os
import random
import signal
import struct
import time
import zlib
from contextlib import suppress
from pathlib import Path

import pytest

from tests.chaos.ledger import QUICK, Ledger
from tests.functional.running import Service
from tests.images import photo_jpeg
from tests.servers import eventually

JOBS, KILLS = 200, 20


@pytest.mark.timeout(240)
def test_workers_killed_twenty_times_lose_no_job(tmp_path: Path) -> None:
    """In a run of 200 jobs a child or a whole worker is killed 20 times: all 200 end in SUCCESS, once each."""
    chance = random.Random(20)
    with Service(tmp_path, **QUICK | {"max_attempts": 20}) as service:
        ledger = Ledger(service)
        with ledger.watched():
            for number in range(JOBS):
                ledger.post(photo_jpeg(320, 240, number), width=160)
                if number % (JOBS // KILLS) == 0:
                    eventually(lambda: service.pids("pool"), 30, "a worker's child")
                    # Every fourth time the whole worker: it loses what it has taken from the queue, too.
                    victims = service.pids("worker" if number % (4 * JOBS // KILLS) == 0 else "pool")
                    with suppress(ProcessLookupError):
                        os.kill(chance.choice(victims), signal.SIGKILL)
            jobs = ledger.await_end(150)

        assert {job["status"] for job in jobs} == {"SUCCESS"}
        ledger.assert_one_result_each()


def test_a_job_over_its_time_ends_with_a_clear_reason(tmp_path: Path) -> None:
    """Past the soft limit a job fails as time-limit-exceeded; the worker lives on."""
    with Service(tmp_path, **QUICK, job_soft_seconds=1, job_hard_seconds=30, worker_concurrency=1) as service:
        children = service.pids("pool")
        outputs = ", ".join(f'{{"width": {width}, "format": "avif"}}' for width in range(1981, 2001))
        slow = service.client.accepted(photo_jpeg(2000, 1500), outputs=f"[{outputs}]", enlarge="true")

        job = service.client.ended(slow)

        assert job["status"] == "FAILURE"
        assert (job["error"]["code"], job["error"]["retryable"]) == ("time-limit-exceeded", True)
        assert job["resized_image_url"] is None
        quick = service.client.accepted(photo_jpeg(64, 48), width=32)
        assert service.client.ended(quick)["status"] == "SUCCESS"
        assert service.pids("pool") == children


def test_a_codec_that_takes_too_long_costs_a_child_and_ends_with_a_clear_reason(tmp_path: Path) -> None:
    """It cannot be interrupted: past the hard limit its child is killed, the job fails at once, and others go on."""
    settings = QUICK | {"job_soft_seconds": 1, "job_hard_seconds": 3, "worker_concurrency": 1}
    with Service(tmp_path, **settings) as service:
        (child,) = service.pids("pool")
        slow = service.client.accepted(photo_jpeg(2400, 1800), width=2400, format="avif", effort=9)
        job = service.client.ended(slow)

        assert (job["status"], job["attempts"]) == ("FAILURE", 1)
        assert (job["error"]["code"], job["error"]["retryable"]) == ("time-limit-exceeded", True)
        quick = service.client.accepted(photo_jpeg(64, 48), width=32)
        assert service.client.ended(quick)["status"] == "SUCCESS"
        assert service.pids("pool") != [child]


def test_a_job_whose_worker_is_frozen_costs_a_child_and_ends(tmp_path: Path) -> None:
    """Past the hard limit the child is killed; after its attempts the job fails, and others go on."""
    settings = QUICK | {"max_attempts": 2, "job_soft_seconds": 1, "job_hard_seconds": 2, "worker_concurrency": 1}
    with Service(tmp_path, **settings, faults="job-claimed:stop:2") as service:
        hanging = service.client.accepted(photo_jpeg(64, 48), width=32)
        job = service.client.ended(hanging)

        assert (job["status"], job["error"]["code"], job["attempts"]) == ("FAILURE", "worker-lost", 2)
        quick = service.client.accepted(photo_jpeg(64, 48, seed=1), width=32)
        assert service.client.ended(quick)["status"] == "SUCCESS"


def test_a_job_that_needs_too_much_memory_ends_with_a_clear_reason(tmp_path: Path) -> None:
    """Past its address space a job fails as memory-limit-exceeded; the worker and its neighbours go on."""
    with Service(tmp_path, **QUICK, worker_concurrency=1, worker_max_address_bytes=768 * 2**20) as service:
        hungry = service.client.accepted(interlaced_png(9990), width=32)
        job = service.client.ended(hungry)

        assert (job["status"], job["error"]["code"]) == ("FAILURE", "memory-limit-exceeded")
        quick = service.client.accepted(photo_jpeg(64, 48), width=32)
        assert service.client.ended(quick)["status"] == "SUCCESS"


def test_children_are_replaced_after_their_share_of_jobs(tmp_path: Path) -> None:
    """A child works a bounded number of jobs; its successor goes on where it ended."""
    with Service(tmp_path, **QUICK, worker_concurrency=1, worker_max_jobs=3) as service:
        (first,) = service.pids("pool")
        ledger = Ledger(service)
        for seed in range(10):
            ledger.post(photo_jpeg(64, 48, seed), width=32)

        assert {job["status"] for job in ledger.await_end()} == {"SUCCESS"}
        assert first not in service.pids("pool")


def test_what_is_being_worked_at_a_stop_is_finished_first(tmp_path: Path) -> None:
    """SIGTERM lets a running job end; it is SUCCESS at its first attempt after the next start."""
    with Service(tmp_path, **QUICK | {"shutdown_seconds": 30}, worker_concurrency=1) as service:
        token = service.client.accepted(photo_jpeg(3000, 2000), width=1500, format="avif")
        eventually(lambda: service.client.job(token)["status"] == "IN_PROGRESS" or time.sleep(0.001))
        assert service.stop() == 0
        service.start()

        job = service.client.ended(token)

        assert (job["status"], job["attempts"]) == ("SUCCESS", 1)


def interlaced_png(side: int) -> bytes:
    """A PNG of side × side clear pixels, 8 bytes each, in an order that makes a decoder keep them all.

    Source: PNG specification, third edition, section 8.2 (Adam7).
    """
    passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
    packer = zlib.compressobj(1)
    data = b""
    for left, top, across, down in passes:
        row = bytes(1 + 8 * len(range(left, side, across)))
        for _ in range(top, side, down):
            data += packer.compress(row)
    header = struct.pack(">IIBBBBB", side, side, 16, 6, 0, 0, 1)
    chunks = ((b"IHDR", header), (b"IDAT", data + packer.flush()), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in chunks
    )
