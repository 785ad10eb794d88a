"""The Makefile, as far as it decides anything."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def made_with(path: Path, *arguments: str) -> str:
    """The command that would make the environment, where PATH has nothing but this folder."""
    make = shutil.which("make")
    assert make
    command = [make, "--dry-run", "--always-make", ".venv/bin/python", *arguments]
    return subprocess.run(command, cwd=ROOT, env={"PATH": str(path)}, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("there", ["python3.11", "python3.12", "python3.13"])
def test_any_python_that_is_tried_will_do(tmp_path: Path, there: str) -> None:
    """A machine seldom has all of them; whoever has another one is told what is missing by its name."""
    assert made_with(tmp_path).startswith("python3 -m venv")

    (tmp_path / there).touch(mode=0o755)

    assert made_with(tmp_path).startswith(f"{tmp_path / there} -m venv")
    assert made_with(tmp_path, "PYTHON=pypy3").startswith("pypy3 -m venv")
