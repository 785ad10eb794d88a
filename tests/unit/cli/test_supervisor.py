"""The supervisor, with small shell scripts for children."""

import logging
import os
import signal
import threading
import time
from pathlib import Path

import pytest

from imagemill.cli import supervisor
from imagemill.cli.leash import Leash
from imagemill.cli.supervisor import Child, Stopped, Supervisor, restart_delay_seconds
from tests.servers import eventually


def shell(name: str, script: str, *, stop_seconds: float = 5.0, once: bool = False) -> Child:
    """A child that is a shell script."""
    path = {"PATH": os.environ["PATH"]}
    return Child(name=name, command=["sh", "-c", script], environment=path, stop_seconds=stop_seconds, once=once)


def lines(path: Path) -> list[str]:
    """What the children have written so far."""
    return path.read_text().splitlines() if path.exists() else []


def interrupt_when(path: Path, count: int, number: signal.Signals = signal.SIGTERM) -> threading.Thread:
    """Send this process a signal as soon as the file has so many lines."""

    def send() -> None:
        eventually(lambda: len(lines(path)) >= count)
        os.kill(os.getpid(), number)

    thread = threading.Thread(target=send)
    thread.start()
    return thread


def test_the_delay_doubles_up_to_a_bound() -> None:
    """Half a second first, then twice as long each time, ten seconds at most, however often it dies."""
    assert [restart_delay_seconds(deaths) for deaths in range(1, 7)] == [0.5, 1.0, 2.0, 4.0, 8.0, 10.0]
    assert restart_delay_seconds(100_000) == 10.0


def test_a_child_that_runs_once_tells_its_exit_code() -> None:
    """It is not started again; None until it has ended."""
    with Supervisor() as watcher:
        watcher.start(shell("task", "exit 3", once=True))
        watcher.wait_until(lambda: watcher.exit_code("task") is not None, "the task")

        assert watcher.exit_code("task") == 3


def test_a_child_that_dies_is_started_again_later_each_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The log says how it ended and when it starts again; the delays grow."""
    monkeypatch.setattr(supervisor, "FIRST_DELAY_SECONDS", 0.1)
    born = tmp_path / "born"
    with Supervisor() as watcher:
        watcher.start(shell("mayfly", f"echo born >> {born}; kill -9 $$"))
        watcher.wait_until(lambda: len(lines(born)) >= 4, "four lives")

    ends = "mayfly was ended by SIGKILL; starting it again in {} s"
    assert caplog.messages[:3] == [ends.format(delay) for delay in ("0.1", "0.2", "0.4")]


def test_a_long_life_makes_up_for_early_deaths(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A child that lived long enough is started again after the first delay."""
    monkeypatch.setattr(supervisor, "FIRST_DELAY_SECONDS", 0.1)
    monkeypatch.setattr(supervisor, "HEALTHY_SECONDS", 0.0)
    born = tmp_path / "born"
    with Supervisor() as watcher:
        watcher.start(shell("mayfly", f"echo born >> {born}; exit 7"))
        watcher.wait_until(lambda: len(lines(born)) >= 3, "three lives")

    assert "mayfly ended with exit code 7; starting it again in 0.1 s" in caplog.messages
    assert not any("in 0.2 s" in message for message in caplog.messages)


def test_a_program_that_vanished_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """That it cannot be started for a while does not end the others."""
    monkeypatch.setattr(supervisor, "FIRST_DELAY_SECONDS", 0.01)
    program, born = tmp_path / "program", tmp_path / "born"
    program.write_text(f"#!/bin/sh\necho born >> {born}\nrm {program}\n")
    program.chmod(0o755)
    with Supervisor() as watcher:
        watcher.start(Child(name="program", command=[str(program)], environment={"PATH": os.environ["PATH"]}))
        watcher.wait_until(lambda: any("could not be started" in message for message in caplog.messages), "its absence")

    assert lines(born) == ["born"]


def test_grandchildren_go_with_their_parent(tmp_path: Path) -> None:
    """What a dead child leaves behind is killed, so that the next one finds its port free."""
    pids = tmp_path / "pids"
    with Supervisor() as watcher:
        watcher.start(shell("parent", f"sleep 60 & echo $! > {pids}; exit 0", once=True))
        watcher.wait_until(lambda: watcher.exit_code("parent") is not None, "the parent's end")

        eventually(lambda: not _runs(int(lines(pids)[0])), what="the grandchild's end")


def _runs(pid: int) -> bool:
    try:
        return bool(Path(f"/proc/{pid}/cmdline").read_bytes())
    except FileNotFoundError:
        return False


def test_a_torn_leash_is_replaced(tmp_path: Path) -> None:
    """The children that run are tied to the new one, so that they still go with the supervisor."""
    with Supervisor() as watcher:
        watcher.start(shell("done", "exit 0", once=True))
        watcher.wait_until(lambda: watcher.exit_code("done") is not None, "its end")
        watcher.start(shell("child", f"echo $$ > {tmp_path / 'pid'}; sleep 60"))
        torn = watcher._leash
        torn._process.kill()
        watcher.wait_until(lambda: watcher._leash is not torn and bool(lines(tmp_path / "pid")), "another leash")
        watcher._leash.close()

        eventually(lambda: not _runs(int(lines(tmp_path / "pid")[0])), what="the child's end")
        watcher._leash = Leash()


def test_children_stop_in_the_opposite_order(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The last started is the first to go, and the next is not asked before it has gone."""
    caplog.set_level(logging.INFO)
    said = tmp_path / "said"
    script = "trap 'echo {0} >> {1}; exit 0' TERM; echo up >> {1}; while :; do sleep 0.01; done"
    with Supervisor() as watcher:
        for name in ("first", "second", "third"):
            watcher.start(shell(name, script.format(name, said)))
        sender = interrupt_when(said, 3)
        with pytest.raises(Stopped):
            watcher.watch()
    sender.join()

    assert lines(said)[3:] == ["third", "second", "first"]


def test_a_stubborn_child_is_killed_in_time(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A child that ignores SIGTERM has as long as it was given."""
    said = tmp_path / "said"
    with Supervisor() as watcher:
        watcher.start(shell("mule", f"trap '' TERM; echo up >> {said}; while :; do sleep 0.01; done", stop_seconds=0.2))
        sender = interrupt_when(said, 1)
        with pytest.raises(Stopped):
            watcher.wait_until(lambda: False, "nothing")
    sender.join()

    assert "mule did not end in 0 s and is killed" in caplog.messages


def test_a_second_ctrl_c_hurries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a child was given counts no more; a second SIGTERM, in contrast, changes nothing."""
    monkeypatch.setattr(supervisor, "HURRIED_SECONDS", 0.1)
    said = tmp_path / "said"
    began = time.monotonic()
    with Supervisor() as watcher:
        trap = f"trap 'echo asked >> {said}' TERM"
        watcher.start(shell("mule", f"{trap}; echo up >> {said}; while :; do sleep 0.01; done", stop_seconds=60))
        senders = [interrupt_when(said, count, signal.SIGINT) for count in (1, 2)]
        with pytest.raises(Stopped):
            watcher.watch()
    for sender in senders:
        sender.join()

    assert time.monotonic() - began < 30


def test_signals_mean_what_they_meant_afterwards() -> None:
    """The block leaves no handler behind."""
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD, signal.SIGHUP)]
    with Supervisor():
        assert signal.getsignal(signal.SIGTERM) != before[0]

    after = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD, signal.SIGHUP)]
    assert after == before


def test_a_long_wait_is_told(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """Who looks at the log learns what is missing."""
    monkeypatch.setattr(supervisor, "_PATIENCE_SECONDS", 0.05)
    with Supervisor() as watcher:
        watcher.wait_until(lambda: bool(caplog.messages), "the thing")

    assert caplog.messages == ["still waiting for the thing"]


def test_a_long_wait_is_explained(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """Where the reason is known when the reminder is due, it is told too."""
    monkeypatch.setattr(supervisor, "_PATIENCE_SECONDS", 0.05)
    with Supervisor() as watcher:
        watcher.wait_until(lambda: bool(caplog.messages), "the thing", lambda: "it is raining")

    assert caplog.messages == ["still waiting for the thing: it is raining"]
