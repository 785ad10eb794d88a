"""What Prometheus gets when it asks."""

import urllib.error
import urllib.request
from pathlib import Path

import pytest

from imagemill.config import Settings
from imagemill.domain.ports import Backlog
from imagemill.errors import RecordUnavailable
from imagemill.observability import slots
from imagemill.observability.exposition import CONTENT_TYPE, Exposition, serve
from imagemill.observability.metrics import PrometheusMetrics
from tests.functional.running import free_port


class Record:
    """Counts how often it is asked; `away` makes it a database that does not answer."""

    def __init__(self) -> None:
        self.asked, self.away = 0, False

    def backlog(self) -> Backlog:
        """Three jobs wait."""
        self.asked += 1
        if self.away:
            raise RecordUnavailable
        return Backlog(3, 12.0, 1)


def test_processes_are_merged(folder: Path, metrics: PrometheusMetrics) -> None:
    """Counters of all processes add up, those of the dead too; only the living are counted as processes."""
    metrics.unsent()
    slot = slots.claim(folder)
    PrometheusMetrics(slot, "worker").unsent()
    exposition = Exposition(folder, Record().backlog)
    text = exposition.text().decode()
    assert "imagemill_jobs_unsent_total 2.0" in text
    assert 'imagemill_processes{role="worker"} 1.0' in text

    slot.lock.close()
    text = exposition.text().decode()
    assert "imagemill_jobs_unsent_total 2.0" in text
    assert 'role="worker"' not in text
    assert 'imagemill_processes{role="api"} 1.0' in text


def test_the_record_is_asked_rarely(tmp_path: Path) -> None:
    """However often somebody scrapes, the database counts its jobs once in five seconds."""
    now, record = [0.0], Record()
    exposition = Exposition(tmp_path, record.backlog, clock=lambda: now[0])
    for now[0] in (0.0, 1.0, 4.9, 5.0):
        assert 'imagemill_jobs{status="PENDING"} 3.0' in exposition.text().decode()
    assert record.asked == 2


def test_what_is_not_known_is_not_told(tmp_path: Path) -> None:
    """While the database is away nothing is said of its jobs, and that it is away."""
    record = Record()
    record.away = True
    text = Exposition(tmp_path, record.backlog).text().decode()
    assert "imagemill_record_up 0.0" in text
    assert "imagemill_jobs{" not in text
    assert "oldest" not in text


@pytest.fixture
def settings() -> Settings:
    """Settings with a port for the metrics."""
    return Settings(metrics_port=free_port())


def test_it_is_served_on_a_port_that_can_be_shared(settings: Settings, tmp_path: Path) -> None:
    """Each role of a machine may listen there; nothing else is to be had."""
    servers = [serve(Exposition(tmp_path, Record().backlog), settings) for _ in range(2)]
    url = f"http://127.0.0.1:{settings.metrics_port}"
    try:
        with urllib.request.urlopen(f"{url}/metrics?any=query") as answer:
            assert answer.headers["Content-Type"] == CONTENT_TYPE
            assert b"imagemill_record_up 1.0" in answer.read()
        with pytest.raises(urllib.error.HTTPError, match="404") as refused:
            urllib.request.urlopen(f"{url}/")
        refused.value.close()
    finally:
        for server in servers:
            assert server is not None
            server.shutdown()
            server.server_close()


def test_a_port_that_is_taken_stops_nothing(
    settings: Settings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The log says why nothing can be seen; the service works."""
    elsewhere = settings.model_copy(update={"metrics_host": "203.0.113.1"})
    assert serve(Exposition(tmp_path, Record().backlog), elsewhere) is None
    assert f"cannot be served on port {settings.metrics_port}" in caplog.text


def test_without_a_port_nothing_is_served(tmp_path: Path) -> None:
    """As by default."""
    assert serve(Exposition(tmp_path, Record().backlog), Settings()) is None
    assert serve(None, Settings(metrics_port=9100)) is None
