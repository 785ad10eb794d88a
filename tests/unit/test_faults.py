"""Fault points: asleep by default, exact when asked."""

import signal
import subprocess
import sys
from pathlib import Path
from uuid import UUID

import pytest

from imagemill import faults
from imagemill.domain.ports import FaultPoint
from imagemill.errors import ConfigurationError

TOKEN = UUID(int=1)
OTHER = UUID(int=2)


@pytest.fixture
def struck(monkeypatch: pytest.MonkeyPatch) -> list[signal.Signals]:
    """The signals that would have been sent."""
    signals: list[signal.Signals] = []
    monkeypatch.setattr(faults.os, "kill", lambda _, number: signals.append(number))
    return signals


def test_without_a_rule_nothing_happens(tmp_path: Path, struck: list[signal.Signals]) -> None:
    """An empty setting is no faults at all."""
    faults.from_setting("", tmp_path).reach(FaultPoint.JOB_CLAIMED, TOKEN)
    assert struck == []


def test_a_rule_strikes_at_its_point_once(tmp_path: Path, struck: list[signal.Signals]) -> None:
    """One point, one time, unless the rule says otherwise."""
    scripted = faults.from_setting("job-claimed:kill", tmp_path)
    scripted.reach(FaultPoint.OUTPUT_PUT, TOKEN)
    assert struck == []
    scripted.reach(FaultPoint.JOB_CLAIMED, TOKEN)
    scripted.reach(FaultPoint.JOB_CLAIMED, TOKEN)
    assert struck == [signal.SIGKILL]


def test_processes_count_together(tmp_path: Path, struck: list[signal.Signals]) -> None:
    """How often a rule strikes is counted over every process with the same folder."""
    for _ in range(3):
        faults.from_setting("output-put:stop:2", tmp_path).reach(FaultPoint.OUTPUT_PUT, TOKEN)
    assert struck == [signal.SIGSTOP, signal.SIGSTOP]


def test_a_rule_without_end_for_one_job(tmp_path: Path, struck: list[signal.Signals]) -> None:
    """A poison image: it kills each time, and only for its own token."""
    scripted = faults.from_setting(f"original-put:stop,job-claimed:kill:*:{TOKEN}", tmp_path)
    for _ in range(4):
        scripted.reach(FaultPoint.JOB_CLAIMED, TOKEN)
        scripted.reach(FaultPoint.JOB_CLAIMED, OTHER)
    assert struck == [signal.SIGKILL] * 4


@pytest.mark.parametrize(
    "text", ["x", "job-claimed", "job-claimed:explode", "job-claimed:kill:x", "job-claimed:kill:1:x"]
)
def test_a_rule_that_cannot_be_read_is_refused(tmp_path: Path, text: str) -> None:
    """A test that scripts nothing must not pass for one that does."""
    with pytest.raises(ConfigurationError, match="IMAGEMILL_FAULTS"):
        faults.from_setting(text, tmp_path)


@pytest.mark.parametrize(("action", "ended_by"), [("kill", signal.SIGKILL), ("crash", signal.SIGSEGV)])
def test_a_kill_is_a_kill(tmp_path: Path, action: str, ended_by: signal.Signals) -> None:
    """The process is gone at once, without any clean-up."""
    program = (
        "import sys, pathlib, uuid\n"
        "from imagemill import faults\n"
        "from imagemill.domain.ports import FaultPoint\n"
        "scripted = faults.from_setting(sys.argv[2], pathlib.Path(sys.argv[1]))\n"
        "scripted.reach(FaultPoint.JOB_CLAIMED, uuid.UUID(int=1))\n"
    )
    ended = subprocess.run([sys.executable, "-c", program, str(tmp_path), f"job-claimed:{action}"], check=False)
    assert ended.returncode == -ended_by
