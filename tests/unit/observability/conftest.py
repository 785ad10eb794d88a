"""Metrics that count for real, in a folder of the test."""

from collections.abc import Iterator
from pathlib import Path

import prometheus_client.values
import pytest

from imagemill.observability import slots
from imagemill.observability.metrics import PrometheusMetrics


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where to count. What the library keeps for the whole process is put back afterwards."""
    monkeypatch.setattr(prometheus_client.values, "ValueClass", prometheus_client.values.ValueClass)
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", "")
    return tmp_path / "metrics"


@pytest.fixture
def metrics(folder: Path) -> Iterator[PrometheusMetrics]:
    """The metrics of an API process."""
    slot = slots.claim(folder)
    yield PrometheusMetrics(slot, "api")
    slot.lock.close()
