"""The delivery pipeline. Nothing here can run it: its form is checked, and that it says what the project says."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.told import ROOT

GITHUB = ROOT / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
PINNED = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def workflow(name: str) -> dict[str, Any]:
    """A workflow, as its server reads it."""
    read: dict[str, Any] = yaml.safe_load((GITHUB / "workflows" / f"{name}.yml").read_text())
    return read


def run(tool: str, *words: str | Path) -> str:
    """What a tool of this environment says; it must be content."""
    found = subprocess.run(
        [Path(sys.executable).with_name(tool), *words], capture_output=True, text=True, timeout=60, check=False
    )
    assert found.returncode == 0, found.stdout + found.stderr
    return found.stdout


def test_workflows_are_ones() -> None:
    """Each has the form that GitHub publishes, and so has what tells Dependabot."""
    run("check-jsonschema", "--builtin-schema", "vendor.github-workflows", *WORKFLOWS)
    run("check-jsonschema", "--builtin-schema", "vendor.dependabot", GITHUB / "dependabot.yml")


def test_workflows_are_safe() -> None:
    """zizmor finds no injection, no credential that stays, no right that is not needed."""
    found = json.loads(run("zizmor", "--offline", "--no-config", "--persona=regular", "--format=json", GITHUB))
    assert found == []


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_actions_are_pinned_by_commit(path: Path) -> None:
    """A tag can be moved to other code, a commit cannot; the version beside it is for people, and for Dependabot."""
    uses = re.findall(r"uses: (?!\./)(.*)", path.read_text())
    assert all(PINNED.fullmatch(line) for line in uses), uses


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_job_may_what_it_says(path: Path) -> None:
    """By default nothing; each job names its rights, and ends by itself if it hangs."""
    read = workflow(path.stem)
    assert read["permissions"] == {}
    for job in read["jobs"].values():
        assert "permissions" in job
        assert "uses" in job or "timeout-minutes" in job


def test_every_python_is_checked_on_both_machines() -> None:
    """By the one script, so that whoever runs `.ci/run` sees what the server sees."""
    job = workflow("ci")["jobs"]["check"]
    minor = int(PROJECT["requires-python"].removeprefix(">=3."))
    assert job["strategy"]["matrix"]["python"] == [f"3.{minor + step}" for step in range(3)]
    assert any(machine.endswith("-arm") for machine in job["strategy"]["matrix"]["machine"])
    assert job["steps"][-1]["run"] == ".ci/run"
    assert "PYTHON" in job["steps"][-1]["env"]


def test_nothing_is_released_unchecked() -> None:
    """What builds waits for the whole of CI, and what publishes waits for what builds."""
    jobs = workflow("release")["jobs"]
    assert jobs["check"]["uses"] == "./.github/workflows/ci.yml"
    assert {"check", "plan"} <= set(jobs["distributions"]["needs"]) & set(jobs["image"]["needs"])
    assert {"distributions", "image"} <= set(jobs["publish"]["needs"])
    machines = {each["platform"] for each in jobs["image"]["strategy"]["matrix"]["include"]}
    assert machines == {"amd64", "arm64"}


def test_a_release_names_what_there_is() -> None:
    """Its parts read the version, the base and the notes from files: they stand where it looks for them."""
    (plan,) = [step["run"] for step in workflow("release")["jobs"]["plan"]["steps"] if "run" in step]
    look = next(line for line in plan.splitlines() if line.startswith("version="))
    bare = ["env", "-i", "PATH=/usr/bin:/bin", "bash", "-euc"]
    found = subprocess.run([*bare, f"{look}; echo $version"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == PROJECT["version"]
    look = next(line for line in plan.splitlines() if line.startswith("base="))
    found = subprocess.run([*bare, f"{look}; echo $base"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert re.fullmatch(r"python:3\.\d+-slim-\w+", found.stdout.strip())
