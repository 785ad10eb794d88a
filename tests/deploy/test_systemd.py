"""The units for systemd: understood by it, sandboxed, and of use to imagemill."""

import re
import subprocess
from pathlib import Path

import pytest

from imagemill.config import Settings
from tests.deploy.told import DEPLOY, loaded, variables_of
from tests.programs import required

SYSTEMD = DEPLOY / "systemd"
UNITS = sorted(SYSTEMD.glob("imagemill-*.service"))
COMMON = (SYSTEMD / "imagemill-.service.d" / "common.conf").read_text()
MOST_EXPOSED = 20
"""Tenths on systemd's scale from 0 to 10; what is left is that they use the network and a user that is not dynamic."""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The units in a folder of their own, with a program that exists everywhere in the place of imagemill."""
    folder = tmp_path_factory.mktemp("units")
    for path in SYSTEMD.rglob("*"):
        target = folder / path.relative_to(SYSTEMD)
        if path.is_dir():
            target.mkdir()
        else:
            target.write_text(path.read_text().replace("/opt/imagemill/bin/imagemill", "/bin/true"))
    return folder


def analyzed(installed: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    """What systemd-analyze says, with these units only before the system's own."""
    command = [required("systemd-analyze", "systemd"), *words]
    environment = {"SYSTEMD_UNIT_PATH": f"{installed}:", "PATH": "/usr/bin:/bin", "SYSTEMD_COLORS": "0"}
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=environment)


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_systemd_understands_it(installed: Path, unit: Path) -> None:
    """No line is unknown, misspelt or ignored."""
    answer = analyzed(installed, "verify", "--man=no", unit.name)
    complaints = [line for line in (answer.stdout + answer.stderr).splitlines() if "imagemill" in line]
    assert (answer.returncode, complaints) == (0, []), answer.stderr


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_it_is_sandboxed(installed: Path, unit: Path) -> None:
    """systemd's own measure of what a unit could do stays low."""
    answer = analyzed(
        installed, "security", "--offline=true", f"--threshold={MOST_EXPOSED}", "--no-pager", str(installed / unit.name)
    )
    assert answer.returncode == 0, answer.stdout


@pytest.mark.parametrize("role", ["api", "worker", "beat"])
def test_a_stop_waits_for_work(role: str) -> None:
    """A role has the time that its work may take to end, and its children are not hit by the first signal."""
    settings = Settings()
    text = (SYSTEMD / f"imagemill-{role}.service").read_text()
    assert f"ExecStart=/opt/imagemill/bin/imagemill {role}\n" in text
    assert "Requires=imagemill-upgrade.service\n" in text
    needed = {"api": settings.shutdown_seconds, "worker": 2 * settings.job_hard_seconds}.get(role)
    if needed is not None:
        assert int(re.findall(r"^TimeoutStopSec=(\d+)$", text, re.MULTILINE)[0]) > needed
        assert "KillMode=mixed\n" in text


def test_imagemill_starts_with_what_it_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The file of settings and the units' variables are settings; the secrets are credentials of the unit."""
    variables = dict(re.findall(r"^Environment=(\w+)=(.*)$", COMMON, re.MULTILINE))
    credentials = set(re.findall(r"^LoadCredential=(\w+):", COMMON, re.MULTILINE))
    assert {value.removeprefix("%d/") for value in variables.values()} == credentials
    settings = loaded(variables_of(SYSTEMD / "imagemill.env") | variables, monkeypatch, tmp_path)
    assert settings.auth == "required"
    assert f"StateDirectory={settings.data.name}\n" in COMMON
