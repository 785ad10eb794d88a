"""The commands of the record's tables."""

from pathlib import Path

from typer.testing import CliRunner

from imagemill.cli import db
from imagemill.faults import NoFaults
from imagemill.jobs.store import SqlJobStore
from tests.fakes.jobs import new_job


def run(*words: str) -> str:
    """What a command prints; it has to succeed."""
    result = CliRunner().invoke(db.commands(), words, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_the_record_is_copied(tmp_path: Path) -> None:
    """Made, filled, and copied into another one; each table's rows are told."""
    old, new = tmp_path / "old", tmp_path / "new"
    for folder in (old, new):
        run("upgrade", "--data", str(folder))
        assert run("check", "--data", str(folder)) == "up to date\n"
    url = f"sqlite:///{old / 'imagemill.db'}"
    store = SqlJobStore(url, keep_seconds=60, faults=NoFaults())
    store.accept(new_job())
    store.close()

    told = run("copy", url, "--data", str(new))

    assert "         1 jobs\n" in told
    assert "         0 garbage\n" in told
