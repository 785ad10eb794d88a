"""The running service, as an operator sees it: metrics, log, traces, reports of faults, and Flower."""

import json
import re
import shutil
import signal
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pybase64
import pytest

from imagemill.cli.leash import Leash
from imagemill.config import Settings
from imagemill.domain.ports import Stage
from tests.functional.listener import Listener
from tests.functional.running import COMMAND, STOP_SECONDS, Service, environment, free_port
from tests.images import photo_jpeg
from tests.servers import eventually

WAIT_SECONDS = 60.0
SECRET = "im_live_a-key-that-nobody-may-read-in-a-log"
TRACE = "0af7651916cd43dd8448eb211c80319c"
WATCHED = {"X-Request-ID": "seen-1", "traceparent": f"00-{TRACE}-b7ad6b7169203331-01", "X-API-Key": SECRET}


@pytest.fixture(scope="module")
def listener() -> Iterator[Listener]:
    """Where traces and reports go."""
    with Listener() as listener:
        yield listener


@pytest.fixture(scope="module")
def seen(listener: Listener, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service that is seen in every way. Its first job kills its worker once."""
    service = Service(
        tmp_path_factory.mktemp("seen"),
        metrics_port=free_port(),
        log_format="json",
        otlp_endpoint=f"http://{listener.address}",
        sentry_dsn=f"http://key@{listener.address}/1",
        task_events=True,
        faults="job-claimed:kill:1",
        lease_seconds=1,
        sweep_seconds=0.2,
        api_processes=2,
    )
    folder = Settings(data=service.data, metrics_port=service.settings["metrics_port"]).metrics_folder
    assert folder is not None
    try:
        with service:
            yield service
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def flower(seen: Service) -> Iterator[str]:
    """The address of Flower beside the service, before there was any job."""
    port, leash = free_port(), Leash()
    settings = {**seen.settings, "flower_port": port, "flower_users": "ada:wonderland"}
    process = subprocess.Popen(
        [*COMMAND, "flower"],
        env=environment(seen.data, **settings),
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=leash.tie,  # noqa: PLW1509 - Leash.tie only writes to a pipe
    )
    url = f"http://127.0.0.1:{port}/flower"
    try:
        eventually(lambda: status(f"{url}/healthcheck") == 200, WAIT_SECONDS, "Flower's answer")
        yield url
        process.send_signal(signal.SIGTERM)
        assert process.wait(STOP_SECONDS) == 0
    finally:
        leash.close()
        process.wait()


@pytest.fixture(scope="module")
def job(seen: Service, flower: str) -> dict[str, Any]:
    """A job that lost its worker, then one that a client wants to follow; the second one."""
    lost = seen.client.accepted(photo_jpeg(30, 20), width=9)
    assert seen.client.ended(lost, WAIT_SECONDS)["attempts"] == 2
    headers = WATCHED | {"Content-Type": "image/jpeg"}
    answer = seen.client.http.post("/api/v1/resize?width=8", content=photo_jpeg(40, 30), headers=headers)
    assert answer.headers["X-Request-ID"] == "seen-1"
    return seen.client.ended(answer.json()["token"], WAIT_SECONDS)


def status(url: str, **options: Any) -> int:
    """The status of a GET; 0 if nobody answers."""
    try:
        return httpx2.get(url, trust_env=False, **options).status_code
    except httpx2.HTTPError:
        return 0


def scrape(service: Service) -> dict[str, float]:
    """Every metric, by name and labels."""
    with urllib.request.urlopen(f"http://127.0.0.1:{service.settings['metrics_port']}/metrics") as answer:
        lines = answer.read().decode().splitlines()
    parts = (line.rpartition(" ") for line in lines if not line.startswith("#"))
    return {name.removeprefix("imagemill_"): float(value) for name, _, value in parts}


def lines(service: Service, event: str, **fields: object) -> list[dict[str, Any]]:
    """The lines of the log with an event and these fields."""
    found = (json.loads(line) for line in service.log().splitlines() if line.startswith("{"))
    return [line for line in found if line["event"] == event and fields.items() <= line.items()]


def test_metrics_cover_every_role(seen: Service, job: dict[str, Any]) -> None:
    """One scrape, whoever answers: requests of all API processes, stages, ends, and the loss of a worker."""
    # The worker counts an end just after the client can see it.
    eventually(lambda: scrape(seen)['jobs_ended_total{code="",status="SUCCESS"}'] == 2, WAIT_SECONDS, "the count")
    shown = scrape(seen)
    assert {f'stage_seconds_count{{stage="{stage}"}}' for stage in Stage} <= shown.keys()
    assert shown['requests_total{method="POST",route="/api/v1/resize",status="202"}'] == 2
    assert shown['worker_losses_total{outcome="returned"}'] == 1
    assert shown['processes{role="api"}'] == 2
    assert shown['processes{role="beat"}'] == 1
    assert shown['processes{role="worker"}'] >= 1
    assert shown["original_pixels_total"] == 30 * 20 + 40 * 30
    assert shown['sweeps_total{outcome="whole"}'] > 0
    assert shown["vips_peak_bytes"] > 0
    assert shown["record_up"] == 1
    assert shown['jobs{status="PENDING"}'] == 0


def test_the_world_sees_no_metrics(seen: Service) -> None:
    """They are on a port of their own, and nowhere else."""
    assert status(f"{seen.url}/metrics") == 404


def test_the_log_follows_a_request_to_its_job(seen: Service, job: dict[str, Any]) -> None:
    """One line for the request and one for the job, each with the request's id, the token and its times."""
    eventually(lambda: lines(seen, "job", token=job["token"]), WAIT_SECONDS, "the job's line")
    (request,) = lines(seen, "request", request_id="seen-1")
    (work,) = lines(seen, "job", request_id="seen-1")
    assert (request["token"], request["role"], request["status"]) == (job["token"], "api", 202)
    assert (work["token"], work["role"], work["status"]) == (job["token"], "worker", "SUCCESS")
    assert all(work[f"{stage}_ms"] >= 0 for stage in Stage if stage is not Stage.ACCEPT)


def test_a_trace_goes_from_the_post_to_the_stages(seen: Service, job: dict[str, Any], listener: Listener) -> None:
    """The client's trace holds the spans of both processes."""
    wanted = {
        ("api", "POST /api/v1/resize"),
        ("api", "accept"),
        *(("worker", name) for name in ("render", "wait", "fetch", "process", "encode", "store")),
    }
    eventually(lambda: wanted <= set(listener.spans(TRACE)), WAIT_SECONDS, "the spans of the trace")


def test_a_dead_worker_is_reported(seen: Service, job: dict[str, Any], listener: Listener) -> None:
    """Whoever collects reports is told what ended it."""
    eventually(
        lambda: [event for event in listener.events() if "SIGKILL" in json.dumps(event)], WAIT_SECONDS, "the report"
    )


def test_nothing_secret_is_told(seen: Service, job: dict[str, Any], listener: Listener) -> None:
    """No key, no secret of the deployment, no piece of an image: not in the log, not in traces, not in reports."""
    eventually(lambda: listener.spans(TRACE), WAIT_SECONDS, "a span")
    image = photo_jpeg(40, 30)
    told = seen.log().encode() + b"".join(body for _, body in listener.received)
    secrets = [SECRET.encode(), b"known to the tests, and to nobody else", b"wonderland", b"key@127"]
    for secret in (*secrets, image[200:240], pybase64.b64encode(image[201:231]), b"width=8"):
        assert secret not in told
    assert not re.search(rb"originals/[0-9a-f]{2}/", told)


def test_flower_shows_our_tasks(flower: str, job: dict[str, Any]) -> None:
    """To whom it knows, under its path; and lets nobody do anything."""
    assert status(f"{flower}/") == 401
    assert status(f"{flower}/api/tasks") == 401
    ada = {"auth": ("ada", "wonderland"), "trust_env": False}
    assert status(f"{flower}/", auth=ada["auth"]) == 200

    def shown() -> bool:
        task = httpx2.get(f"{flower}/api/tasks", **ada).json().get(job["token"])
        return task is not None and (task["name"], task["state"]) == ("imagemill.render", "SUCCESS")

    eventually(shown, WAIT_SECONDS, "the task in Flower")
    assert httpx2.post(f"{flower}/api/task/revoke/{job['token']}", **ada).status_code == 403


def test_flower_is_not_open_by_accident(tmp_path: Path) -> None:
    """Outside development it wants to know whom to let in."""
    ended = subprocess.run(
        [*COMMAND, "flower"], env=environment(tmp_path), capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 2
    assert "IMAGEMILL_FLOWER_USERS must be set" in ended.stderr
