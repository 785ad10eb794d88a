"""What the doctor finds of database, jobs, store, broker and workers where something is missing or wrong."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from imagemill.cli import examination, services, stores
from imagemill.cli.finding import Finding, Verdict
from imagemill.cli.lock import locked
from imagemill.config import Settings
from imagemill.domain.ports import Backlog
from imagemill.errors import ConfigurationError, RecordUnavailable
from imagemill.jobs import schema, server
from imagemill.jobs.store import SqlJobStore
from tests.functional.running import free_port


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings of an empty data folder, on a port that nobody listens on."""
    return Settings(data=tmp_path, port=free_port())


def by_part(findings: Iterator[Finding]) -> dict[str, Finding]:
    """The findings by their part."""
    return {finding.part: finding for finding in findings}


def test_what_is_not_set_up_is_told_and_not_made(settings: Settings) -> None:
    """Before the first start nothing is wrong, and the doctor leaves the folder as it was."""
    findings = [*services.check_database(settings), *stores.check_store(settings)]

    assert [(finding.part, finding.verdict, finding.detail) for finding in findings] == [
        ("database", Verdict.WARN, "is not set up yet"),
        ("store", Verdict.WARN, "is not set up yet"),
    ]
    assert "`imagemill db upgrade`" in findings[0].remedy
    assert list(settings.data.iterdir()) == []


def test_an_empty_database_is_not_set_up(settings: Settings) -> None:
    """SQLite leaves an empty file where something only looked; it stays empty."""
    file = settings.data / "imagemill.db"
    file.touch()

    assert by_part(services.check_database(settings))["database"].verdict is Verdict.WARN
    assert file.stat().st_size == 0


def test_what_cannot_be_set_up_is_a_failure(tmp_path: Path) -> None:
    """A file stands where the folder would have to be made."""
    (tmp_path / "file").touch()
    settings = Settings(data=tmp_path / "file")

    for finding in (*services.check_database(settings), *stores.check_store(settings)):
        assert (finding.verdict, finding.detail) == (
            Verdict.FAIL,
            f"cannot be made: {tmp_path / 'file'} cannot be written",
        )
        assert "IMAGEMILL_" in finding.remedy


def test_a_folder_without_rights_is_a_failure(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is missing cannot be made there."""
    monkeypatch.setattr(os, "access", lambda *_: False)

    assert by_part(stores.check_store(settings))["store"].verdict is Verdict.FAIL


def test_the_cause_of_a_database_that_is_away_is_told(tmp_path: Path) -> None:
    """Which host, which port, and why; no password."""
    port = free_port()
    url = f"postgresql://user:hu/sh@127.0.0.1:{port}/images?password=hush"
    (finding,) = services.check_database(Settings(data=tmp_path, database_url=url))

    assert finding.verdict is Verdict.FAIL
    assert "OperationalError" in finding.detail
    assert str(port) in finding.detail
    assert "hu" not in finding.detail


@pytest.mark.parametrize(
    ("backlog", "verdict", "detail"),
    [
        (Backlog(0, 0.0), Verdict.OK, "none is pending"),
        (Backlog(7, 59.0), Verdict.OK, "7 pending, the oldest for 59 s"),
        (Backlog(7, 61.0), Verdict.WARN, "7 pending, the oldest for 61 s"),
    ],
)
def test_jobs_that_wait_long_are_a_warning(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, backlog: Backlog, verdict: Verdict, detail: str
) -> None:
    """How many there are, for how long the oldest waits, and what to look at."""
    schema.upgrade(settings.database)
    monkeypatch.setattr(SqlJobStore, "backlog", lambda _: backlog)

    jobs = by_part(services.check_database(settings))["jobs"]

    assert (jobs.verdict, jobs.detail) == (verdict, detail)
    assert bool(jobs.remedy) is (verdict is Verdict.WARN)


def test_no_worker_is_a_warning(settings: Settings) -> None:
    """Jobs are taken in without one, and nothing comes of them."""
    worker = by_part(services.check_carriers(settings))["worker"]

    assert (worker.verdict, worker.detail) == (Verdict.WARN, "none answers")
    assert "`imagemill worker`" in worker.remedy


def test_a_broker_of_our_own_that_is_not_started_is_well(settings: Settings) -> None:
    """As long as nothing runs."""
    broker = by_part(services.check_carriers(settings))["broker"]

    assert broker.verdict is Verdict.OK
    assert "is not running" in broker.detail


def test_a_broker_of_our_own_that_died_is_a_failure(tmp_path: Path) -> None:
    """Something listens on the port, so the broker ought to be there; it is told why it is not."""
    with socket.create_server(("127.0.0.1", 0)) as api:
        settings = Settings(data=tmp_path, port=api.getsockname()[1])
        broker = by_part(services.check_carriers(settings))["broker"]

    assert broker.verdict is Verdict.FAIL
    assert "The broker does not answer. OperationalError: " in broker.detail
    assert "broker.sock" in broker.detail


def test_a_broker_of_our_own_that_died_behind_another_port_is_a_failure(settings: Settings) -> None:
    """`imagemill up --port` holds the data folder, so the broker ought to be there, whatever the doctor's port is."""
    with locked(settings.data):
        broker = by_part(services.check_carriers(settings))["broker"]

    assert broker.verdict is Verdict.FAIL


def test_a_part_is_not_blamed_for_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database whose driver is missing is a fault of the database alone, and says itself what to do."""
    monkeypatch.setattr("imagemill.jobs.dialects.find_spec", lambda _: None)
    settings = Settings(data=tmp_path, database_url="postgresql://127.0.0.1:1/x", broker_url="redis://127.0.0.1:1")

    database = by_part(services.check_database(settings))["database"]
    broker = by_part(services.check_carriers(settings))["broker"]
    (engine,) = examination.check_engine(settings)

    assert (database.verdict, database.remedy) == (Verdict.FAIL, "")
    assert "pip install 'imagemill[postgresql]'" in database.detail
    assert broker.detail.startswith("The broker does not answer.")
    assert engine.verdict is Verdict.OK


def test_no_broker_to_start_is_a_failure(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    """Without a program there is no service."""

    def none_there() -> Path:
        raise ConfigurationError("install one")

    monkeypatch.setattr(services, "server_program", none_there)

    broker = by_part(services.check_carriers(settings))["broker"]

    assert (broker.verdict, broker.remedy) == (Verdict.FAIL, "install one")


def test_a_url_that_only_its_library_refuses_is_a_failure(tmp_path: Path) -> None:
    """Without what the library says of it: that quotes the password."""
    settings = Settings(data=tmp_path).model_copy(update={"broker_url": "redis://:hu/sh@127.0.0.1:1"})

    broker = by_part(services.check_carriers(settings))["broker"]

    assert (broker.verdict, broker.detail) == (Verdict.FAIL, "cannot be asked: ValueError")


def test_a_database_is_told_with_its_dangers(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its name; each setting of it that breaks a promise; and whether it lets all of us in."""
    schema.upgrade(settings.database)
    assert by_part(services.check_database(settings))["database"].detail.startswith("SQLite 3")

    caution = server.Caution("fsync is off", "Set it on.")
    monkeypatch.setattr(server, "look", lambda _: server.Server("PostgreSQL 18.4", 3, (caution,)))
    findings = [finding for finding in services.check_database(settings) if finding.part == "database"]
    assert [finding.verdict for finding in findings] == [Verdict.OK, Verdict.WARN, Verdict.WARN]
    assert (findings[1].detail, findings[1].remedy) == ("fsync is off", "Set it on.")
    assert findings[2].detail.startswith("it lets 3 connections be opened")


def test_a_database_that_goes_away_meanwhile_is_a_failure(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """The doctor says so and goes on."""
    schema.upgrade(settings.database)

    def away(_: str) -> server.Server:
        raise RecordUnavailable("The database does not answer.")

    monkeypatch.setattr(server, "look", away)
    assert by_part(services.check_database(settings))["database"].verdict is Verdict.FAIL
