"""The metrics: what is told to them is what a scrape shows."""

import os

import pytest

from imagemill.domain.formats import ImageFormat
from imagemill.domain.geometry import Size
from imagemill.domain.header import Header
from imagemill.domain.job import JobStatus, Original, Product
from imagemill.domain.ports import Backlog, Memory, ObjectStore, Stage
from imagemill.observability.exposition import Exposition
from imagemill.observability.metrics import FAMILIES, OPERATIONS, PREFIX, NoMetrics, PrometheusMetrics

ORIGINAL = Original("ada", "0" * 64, "key", 1000, Header(ImageFormat.GIF, Size(20, 10), frames=3, alpha=False))
PRODUCT = Product("image", "key", ImageFormat.JPEG, Size(5, 4), 70)


def samples(metrics: PrometheusMetrics) -> dict[str, float]:
    """What a scrape shows, by name and labels."""
    text = Exposition(metrics._slot.folder, lambda: Backlog(7, 1.5, 2)).text().decode()
    lines = (line.rpartition(" ") for line in text.splitlines() if not line.startswith("#"))
    return {name.removeprefix(PREFIX): float(value) for name, _, value in lines}


def tell_all(metrics: NoMetrics) -> None:
    """Tell everything there is to tell, once."""
    for stage in Stage:
        metrics.took(stage, 0.02)
    metrics.answered("POST", "/api/v1/resize", 202, 0.003)
    metrics.accepted(ORIGINAL, reused=False)
    metrics.accepted(ORIGINAL, reused=True)
    metrics.unsent()
    metrics.ended(JobStatus.SUCCESS)
    metrics.ended(JobStatus.FAILURE, "corrupt-image")
    metrics.returned("unavailable")
    metrics.made(ORIGINAL, [PRODUCT, PRODUCT])
    metrics.worker_lost(failed=True)
    metrics.worker_lost(failed=False)
    metrics.swept(whole=True)
    metrics.swept(whole=False)
    metrics.resent(4)
    metrics.store_failed("put")
    metrics.holds(Memory(10, 30))


def test_everything_told_is_shown(metrics: PrometheusMetrics) -> None:
    """Each call arrives in its metric, with its labels."""
    tell_all(metrics)
    shown = samples(metrics)
    assert {name: value for name, value in shown.items() if value and "_bucket" not in name and "_sum" not in name} == {
        **{f'stage_seconds_count{{stage="{stage}"}}': 1 for stage in Stage},
        'requests_total{method="POST",route="/api/v1/resize",status="202"}': 1,
        'request_seconds_count{method="POST",route="/api/v1/resize"}': 1,
        'jobs_accepted_total{reused="false"}': 1,
        'jobs_accepted_total{reused="true"}': 1,
        "jobs_unsent_total": 1,
        "jobs_resent_total": 4,
        'jobs_ended_total{code="",status="SUCCESS"}': 1,
        'jobs_ended_total{code="corrupt-image",status="FAILURE"}': 1,
        'jobs_returned_total{code="unavailable"}': 1,
        'worker_losses_total{outcome="failed"}': 1,
        'worker_losses_total{outcome="returned"}': 1,
        'sweeps_total{outcome="whole"}': 1,
        'sweeps_total{outcome="cut-short"}': 1,
        'store_errors_total{operation="put"}': 1,
        "original_bytes_total": 1000,
        "original_pixels_total": 600,
        "output_bytes_total": 140,
        "output_pixels_total": 40,
        "outputs_total": 2,
        'processes{role="api"}': 1,
        "vips_bytes": 10,
        "vips_peak_bytes": 30,
        'jobs{status="PENDING"}': 7,
        'jobs{status="IN_PROGRESS"}': 2,
        "oldest_pending_seconds": 1.5,
        "record_up": 1,
    }


def test_every_family_is_shown(metrics: PrometheusMetrics) -> None:
    """The table holds no metric that nothing feeds."""
    tell_all(metrics)
    shown = {name.partition("{")[0] for name in samples(metrics)}
    for name, family in FAMILIES.items():
        assert (f"{name}_count" if family.kind == "histogram" else name) in shown


def test_what_alerts_look_for_is_there_before_it_happens(metrics: PrometheusMetrics) -> None:
    """A rate needs two values: the first loss of a worker must not be the first that is heard of the metric."""
    shown = samples(metrics)
    for name in (
        'worker_losses_total{outcome="failed"}',
        'store_errors_total{operation="put"}',
        'jobs_ended_total{code="worker-lost",status="FAILURE"}',
        'sweeps_total{outcome="whole"}',
        "jobs_unsent_total",
    ):
        assert shown[name] == 0


def test_a_held_request_has_no_latency(metrics: PrometheusMetrics) -> None:
    """It took as long as its job did, which says nothing of the API."""
    metrics.answered("POST", "/api/v1/resize", 200, None)
    shown = samples(metrics)
    assert shown['requests_total{method="POST",route="/api/v1/resize",status="200"}'] == 1
    assert not [name for name in shown if name.startswith("request_seconds")]


def test_methods_are_few(metrics: PrometheusMetrics) -> None:
    """A stranger can call a method what he likes, and cannot make a time series of it."""
    metrics.answered("BREW", "", 405, 0.001)
    assert 'requests_total{method="other",route="",status="405"}' in samples(metrics)


@pytest.mark.parametrize("name", FAMILIES)
def test_names_follow_the_field(name: str) -> None:
    """Counters end in _total; units are seconds and bytes, in the name (Prometheus: metric and label naming)."""
    family = FAMILIES[name]
    assert name.endswith("_total") == (family.kind == "counter")
    assert name.endswith("_seconds") or family.kind != "histogram"
    assert family.sentence.endswith(".")


def test_without_a_folder_nothing_is_counted() -> None:
    """Every call is there and does nothing."""
    tell_all(NoMetrics())


def test_whatever_a_store_can_fail_at_is_there_before_it_does() -> None:
    """An alert looks for growth from zero."""
    calls = {name.removesuffix("_originals") for name in vars(ObjectStore) if not name.startswith("_")}
    assert set(OPERATIONS) == calls


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="this system cannot reserve a file's blocks")
def test_no_file_has_holes(metrics: PrometheusMetrics) -> None:
    """They are mapped: to count in a hole while the disk is full would kill the process, with SIGBUS."""
    tell_all(metrics)
    files = list(metrics._slot.folder.glob("*.db"))
    assert files
    for file in files:
        assert file.stat().st_blocks * 512 >= file.stat().st_size, file.name
