"""What Prometheus and Grafana are told of the metrics: the names are the code's, and alerts fire when they should."""

import json
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from imagemill.errors import JobFailure, Unavailable
from imagemill.observability.metrics import FAMILIES, PREFIX
from tests.programs import required

ROOT = Path(__file__).parents[2]
DASHBOARD = ROOT / "deploy" / "grafana" / "imagemill.json"
ALERTS = ROOT / "deploy" / "prometheus" / "alerts.yaml"
RUNBOOK = ROOT / "docs" / "operations.md"

SERIES = {
    f"{PREFIX}{name}{part}": family
    for name, family in FAMILIES.items()
    for part in (("_bucket", "_sum", "_count") if family.kind == "histogram" else ("",))
}
"""Every name that a scrape can show."""


def expressions(path: Path) -> list[str]:
    """Every expression of a dashboard or of a file of rules."""
    if path is ALERTS:
        return [rule["expr"] for group in yaml.safe_load(path.read_text())["groups"] for rule in group["rules"]]
    panels = json.loads(path.read_text())["panels"]
    return [target["expr"] for panel in panels for target in panel.get("targets", ())]


@pytest.mark.parametrize("path", [DASHBOARD, ALERTS], ids=lambda path: path.name)
def test_every_name_is_one_of_ours(path: Path) -> None:
    """A panel or an alert on a metric that is not there would be silent for ever; so would one on another's label."""
    for expression in expressions(path):
        assert PREFIX in expression
        for name, _, labels in re.findall(rf"({PREFIX}\w+)({{([^}}]*)}})?", expression):
            assert name in SERIES, f"{name} is no metric"
            assert set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)\s*\"", labels)) <= set(SERIES[name].labels)


def test_the_dashboard_shows_every_metric() -> None:
    """What is counted can be looked at."""
    shown = " ".join(expressions(DASHBOARD))
    assert [name for name in FAMILIES if f"{PREFIX}{name}" not in shown] == []


def test_every_alert_has_an_entry_in_the_runbook() -> None:
    """Who is woken by it finds out what to do."""
    headings = set(re.findall(r"^### (\w+)$", RUNBOOK.read_text(), re.MULTILINE))
    rules = [rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]
    for rule in rules:
        assert rule["alert"] in headings
        assert rule["annotations"]["runbook"] == f"docs/operations.md#{rule['alert'].lower()}"
        assert rule["labels"]["severity"] in ("page", "ticket")


def test_every_failure_that_wakes_somebody_is_in_the_runbook() -> None:
    """Of the reasons why a job fails, those that its sender is to blame for are left out of the alert."""
    (alert,) = [expression for expression in expressions(ALERTS) if 'code!~"' in expression]
    excused = set(alert.partition('code!~"')[2].partition('"')[0].split("|"))
    entry = RUNBOOK.read_text().partition("### ImagemillFailureRatio\n")[2].partition("\n###")[0]
    reasons = {kind.code for kind in JobFailure.__subclasses__()} | {Unavailable.code}

    told = {code for line in re.findall(r"^- (`.*?):", entry, re.MULTILINE) for code in re.findall("`([a-z-]+)`", line)}
    assert told == reasons - excused


@pytest.mark.parametrize("words", [["check", "rules", "alerts.yaml"], ["test", "rules", "alerts.test.yaml"]])
def test_prometheus_agrees(words: list[str]) -> None:
    """The rules are valid, fire on what they are for, and are quiet on a healthy service."""
    ended = subprocess.run(
        [required("promtool", "prometheus"), *words],
        cwd=ALERTS.parent,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_prometheus_understands_the_dashboard(tmp_path: Path) -> None:
    """Each expression of a panel is valid; a rule file is what promtool can check them in."""
    rules = [
        {
            "record": "panel:expression",
            "expr": expression.replace("$__rate_interval", "5m"),
            "labels": {"n": str(number)},
        }
        for number, expression in enumerate(expressions(DASHBOARD))
    ]
    file = tmp_path / "panels.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    words = [required("promtool", "prometheus"), "check", "rules", str(file)]
    ended = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_every_alert_is_tested_both_ways() -> None:
    """Each fires in one test, and in another it does not."""
    alerts = {rule["alert"] for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]}
    tests = yaml.safe_load(ALERTS.with_suffix(".test.yaml").read_text())["tests"]
    expected = [(rule["alertname"], bool(rule["exp_alerts"])) for test in tests for rule in test["alert_rule_test"]]
    assert set(expected) == {(alert, fires) for alert in alerts for fires in (True, False)}


def test_the_page_lists_every_metric() -> None:
    """With its kind, its labels and its sentence, as the code has them, and nothing else."""
    page = (ROOT / "docs" / "observability.md").read_text()
    rows = re.findall(rf"^\| `{PREFIX}(\w+)` \| (\w+)( \(SQL\))? \| (.*?) \| (.*) \|$", page, re.MULTILINE)
    told = {
        name: (kind, bool(sql), tuple(re.findall(r"`(\w+)`", labels)), text) for name, kind, sql, labels, text in rows
    }
    assert told == {
        name: (family.kind, family.kind == "gauge" and family.mode is None, family.labels, family.sentence)
        for name, family in FAMILIES.items()
    }
