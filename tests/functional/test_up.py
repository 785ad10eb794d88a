"""`imagemill up` as an operator meets it: ready, killed, stopped, started again; and the roles without it."""

import os
import pty
import select
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.functional.running import COMMAND, Client, Service, command, environment, free_port
from tests.images import opened, photo_jpeg
from tests.servers import Valkey, eventually

ROLES = ("broker", "beat", "worker", "api")
LEAN = {"api_processes": 1, "worker_concurrency": 1, "lease_seconds": 2, "resend_seconds": 1, "sweep_seconds": 0.5}
"""Few processes, and a service that soon takes up again what a killed one had left."""


@pytest.fixture(scope="module")
def lean(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service that these tests may hurt; the next test finds it recovered."""
    with Service(tmp_path_factory.mktemp("lean"), **LEAN) as service:
        yield service


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Service]:
    """A service for one test, not started yet."""
    service = Service(tmp_path, **LEAN)
    yield service
    service.close()
    print(service.log())


def running_roles(service: Service) -> dict[str, int]:
    """The process of each role that the supervisor started."""
    return {role: service.pids(role)[0] for role in ROLES}


def slow_recipe(outputs: int) -> str:
    """So many outputs that take a moment each, as the option `outputs`."""
    return "[" + ",".join('{"width": 900, "format": "avif"}' for _ in range(outputs)) + "]"


def test_says_ready_once_and_how_to_try_it(service: Service) -> None:
    """Standard output is the line `ready: URL` and a curl line that works; all else goes to standard error."""
    ready, attempt = service.output.read_text().splitlines()
    assert ready == f"ready: {service.url}"

    line = attempt.removeprefix("try: ")
    answer = subprocess.run(["sh", "-c", f"{line} --silent"], capture_output=True, text=True, timeout=30, check=True)

    assert '"SUCCESS"' in answer.stdout


def test_is_ready_soon(own: Service) -> None:
    """On an idle machine it takes about two seconds, and six at most; a busy one may take three times that."""
    began = time.monotonic()
    own.start()
    seconds = time.monotonic() - began
    print(f"ready after {seconds:.1f} s")

    assert seconds < 18


def test_takes_an_image_all_the_way(service: Service) -> None:
    """A posted JPEG comes back from the URL in the answer, as a JPEG of the asked size with the same picture."""
    original = photo_jpeg(640, 480)
    job = service.client.ended(service.client.accepted(original, width=160, height=160, fit="inside"))
    output = opened(service.client.image(job))

    assert (output.format, output.size) == ("JPEG", (160, 120))
    assert job["resized_image_url"] == job["outputs"][0]["url"]
    expected = opened(original).resize((160, 120))
    differences = [abs(a - b) for a, b in zip(output.tobytes(), expected.tobytes(), strict=True)]
    assert sum(differences) / len(differences) < 6


@pytest.mark.parametrize("role", ROLES)
def test_a_killed_child_is_started_again(lean: Service, role: str) -> None:
    """Whichever child dies, another takes its place, the others stay, and work goes on."""
    before = running_roles(lean)
    os.kill(before[role], signal.SIGKILL)

    eventually(lambda: set(lean.pids(role)) - {before[role]}, what=f"another {role}")
    eventually(lean.client.accepts, what="a POST that is accepted")
    token = lean.client.accepted(photo_jpeg(64, 48, seed=ROLES.index(role)), width=31)

    assert lean.client.ended(token)["status"] == "SUCCESS"
    assert {name: pid for name, pid in running_roles(lean).items() if name != role} == {
        name: pid for name, pid in before.items() if name != role
    }
    assert f"{role} was ended by SIGKILL; starting it again in" in lean.log()


def test_stops_in_order(own: Service) -> None:
    """SIGTERM stops the API first, then worker, beat and broker, leaves no process, and the exit code is 0."""
    own.start()

    assert own.stop() == 0
    assert own.processes() == []
    places = [own.log().index(f"stopping {role}") for role in ("api", "worker", "beat", "broker")]
    assert places == sorted(places)
    assert "is killed" not in own.log()


def test_a_running_job_ends_before_the_worker_does(own: Service) -> None:
    """A job that runs when the stop is asked for is finished by the same worker; nothing has to run it again."""
    own.start()
    token = own.client.accepted(photo_jpeg(2000, 1500), outputs=slow_recipe(8))
    eventually(lambda: own.client.job(token)["status"] == "IN_PROGRESS", what="a running job")
    assert own.stop() == 0

    job = own.start().client.job(token)

    assert (job["status"], job["attempts"]) == ("SUCCESS", 1)


def test_what_was_pending_is_done_after_the_next_start(tmp_path: Path) -> None:
    """Jobs that nobody had begun when it was stopped are done by the next run; here in a folder of a difficult name."""
    with Service(tmp_path / ("a long name " * 9), shutdown_seconds=1, **LEAN) as service:
        for pid in service.pids("worker") + service.pids("pool"):
            os.kill(pid, signal.SIGSTOP)
        tokens = [service.client.accepted(photo_jpeg(64, 48, seed), width=20) for seed in range(5)]
        assert service.stop() == 0
        assert service.processes() == []

        service.start()

        assert [service.client.ended(token)["status"] for token in tokens] == ["SUCCESS"] * 5


def test_ctrl_c_stops_and_a_second_one_hurries(own: Service) -> None:
    """Ctrl-C waits for a worker that does not end, for as long as the settings say; a second one cuts that short."""
    own.start(shutdown_seconds=300)
    for pid in own.pids("worker"):
        os.kill(pid, signal.SIGSTOP)
    own.signal(signal.SIGINT)
    eventually(lambda: "stopping worker" in own.log(), what="the turn of the worker")
    own.signal(signal.SIGINT)

    assert own.wait(seconds=15) == 0
    assert own.processes() == []
    assert "worker did not end in 1 s and is killed" in own.log()


def test_a_killed_supervisor_leaves_no_orphan(own: Service) -> None:
    """SIGKILL of the supervisor ends every process below it, and the folder and the port are free at once."""
    own.start()
    token = own.client.accepted(photo_jpeg(64, 48), width=20)
    own.kill()

    own.start()

    assert own.client.ended(token)["status"] == "SUCCESS"


def test_a_killed_leash_is_replaced(own: Service) -> None:
    """A supervisor whose leash was killed ties its children to another one, so that even then no orphan is left."""
    own.start()
    (leash,) = own.pids("leash")
    os.kill(leash, signal.SIGKILL)
    eventually(lambda: own.pids("leash") not in ([], [leash]), what="another leash")

    own.kill()


def test_a_second_one_on_the_same_folder_is_refused(service: Service) -> None:
    """One folder is for one service: the second says which process has it, and exits with 2."""
    assert service.process is not None

    second = command("up", data=service.data, port=free_port())

    assert second.returncode == 2
    assert f"in use by another `imagemill up`, process {service.process.pid}" in second.stderr
    assert "Traceback" not in second.stderr


def test_a_taken_port_is_refused_before_anything_starts(tmp_path: Path) -> None:
    """A port that somebody listens on is named, the exit code is 2, and no child was started."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused = command("up", data=tmp_path / "data", port=port)

    assert refused.returncode == 2
    assert f"port {port} is taken" in refused.stderr
    assert "started" not in refused.stderr


def test_a_database_that_cannot_be_upgraded_ends_it(tmp_path: Path) -> None:
    """Without its tables nothing can work: it says so, stops what it had started, and the exit code is not 0."""
    (tmp_path / "record").write_bytes(b"this is no database" * 100)
    refused = command("up", data=tmp_path, port=free_port(), database_url=f"sqlite:///{tmp_path / 'record'}")

    assert refused.returncode == 1
    assert "The database could not be brought up to date" in refused.stderr


def test_ctrl_c_under_make_ends_with_0(own: Service) -> None:
    """With --foreground the program that started it, as make does, does not hear Ctrl-C and sees the exit code."""
    line = f"{shlex.join([*COMMAND, 'up', '--foreground'])}; echo exit code $?, that was it"
    child, terminal = pty.fork()
    if child == 0:
        os.execve("/bin/sh", ["sh", "-c", line], environment(own.data, **own.settings))
    try:
        _read_until(terminal, b"ready:", 60.0)
        os.write(terminal, b"\x03")
        seen = _read_until(terminal, b"that was it", 30.0)
    finally:
        os.close(terminal)
        os.waitpid(child, 0)

    assert b"exit code 0, that was it" in seen
    assert own.processes() == []


def _read_until(terminal: int, mark: bytes, seconds: float) -> bytes:
    """What the terminal shows, up to the mark."""
    seen = b""
    deadline = time.monotonic() + seconds
    while mark not in seen:
        assert select.select([terminal], [], [], max(0.0, deadline - time.monotonic()))[0], seen.decode()
        seen += os.read(terminal, 65536)
    return seen


def test_the_roles_work_alone(tmp_path: Path) -> None:
    """API, worker and beat do without the supervisor, over a broker that somebody else runs, and end with 0."""
    port = free_port()
    valkey = Valkey().start()
    settings = {"broker_url": valkey.url, "port": port, "api_processes": 1, "queue": "two"}
    roles = (["api"], ["worker", "--concurrency", "1", "--queues", "one,two"], ["beat"])
    assert command("db", "upgrade", data=tmp_path, **settings).returncode == 0
    with (tmp_path / "log").open("w") as log:
        processes = [
            subprocess.Popen([*COMMAND, *role], env=environment(tmp_path, **settings), stdout=log, stderr=log)
            for role in roles
        ]
    client = Client(f"http://127.0.0.1:{port}")
    try:
        eventually(client.accepts, 30, "an API")
        token = client.accepted(photo_jpeg(64, 48), width=20)
        status = client.ended(token)["status"]
        for process in processes:
            process.terminate()
        codes = [process.wait(30) for process in processes]
    finally:
        client.http.close()
        for process in processes:
            process.kill()
            process.wait()
        valkey.close()
    print((tmp_path / "log").read_text(), file=sys.stderr)

    assert status == "SUCCESS"
    assert codes == [0, 0, 0]
