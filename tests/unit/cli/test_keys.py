"""`imagemill keys`: what is printed where, and how flags are read."""

import json
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from imagemill import config, wiring
from imagemill.cli import keys
from imagemill.domain.apikey import PATTERN, read_id
from imagemill.domain.caller import Scope
from imagemill.domain.work import MEGAPIXEL, MOST_MEGAPIXELS_PER_DAY, Charge
from imagemill.errors import CommandRefused, ConfigurationError, RecordUnavailable
from imagemill.jobs import schema
from imagemill.jobs.database import Database
from imagemill.jobs.quotas import charge_quota

NOW = datetime(2026, 5, 4, 12, 30, tzinfo=UTC)


def rows(folder: Path, capsys: pytest.CaptureFixture[str], *, everything: bool = False) -> list[dict]:
    """What is listed."""
    capsys.readouterr()
    keys.show(everything=everything, as_json=True, data=folder)
    found: list[dict] = json.loads(capsys.readouterr().out)
    return found


def test_a_new_key_is_all_that_is_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """So that a script can take it; what a person wants to know stands beside it, without the key."""
    keys.create("web", quota_megapixels_per_day=500, expires="90d", data=tmp_path)
    out, err = capsys.readouterr()
    assert read_id(out.strip())
    assert out.endswith("\n")
    assert out.strip() not in err
    assert "shown this once" in err

    (row,) = rows(tmp_path, capsys)
    assert (row["name"], row["id"], row["owner"], row["state"]) == ("web", read_id(out.strip()), "web", "active")
    assert (row["scopes"], row["megapixels_per_day"]) == (["resize", "read", "delete"], 500)
    assert row["expires_at"].endswith("Z")
    assert datetime.fromisoformat(row["expires_at"]) - datetime.fromisoformat(row["created_at"]) >= timedelta(days=89)


def test_a_quota_has_room_in_every_database(tmp_path: Path) -> None:
    """The greatest is one that requests can be charged to; a greater one is refused, and no key made."""
    most = MOST_MEGAPIXELS_PER_DAY
    record, now = Database(f"sqlite:///{tmp_path / 'imagemill.db'}"), 0
    made = CliRunner().invoke(keys.commands(), _create("web", most, tmp_path))
    assert made.exit_code == 0
    with record.writing() as connection:
        charge_quota(connection, Charge("web", 1, most * MEGAPIXEL), now)
        charge_quota(connection, Charge("web", 1, most * MEGAPIXEL), now)
    refused = CliRunner().invoke(keys.commands(), _create("shop", most + 1, tmp_path))
    assert refused.exit_code == 2
    assert [key.name for key in wiring.for_keys(config.Settings(data=tmp_path)).all()] == ["web"]


def _create(name: str, quota: int, folder: Path) -> list[str]:
    return ["create", name, f"--quota-megapixels-per-day={quota}", f"--data={folder}"]


def test_a_list_shows_no_secret(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Not the key, not what is kept of it; revoked keys only when they are asked for."""
    keys.create("first", data=tmp_path)
    keys.create("second", scopes="admin", owner="first", data=tmp_path)
    text = capsys.readouterr().out.split()
    keys.revoke("second", data=tmp_path)
    capsys.readouterr()

    keys.show(data=tmp_path)
    table = capsys.readouterr().out
    assert [line.split()[0] for line in table.splitlines()] == ["NAME", "first"]
    keys.show(everything=True, data=tmp_path)
    table = capsys.readouterr().out
    assert "revoked" in table
    assert all(line == line.rstrip() for line in table.splitlines())
    assert not any(key[17:40] in table for key in text)
    assert [row["name"] for row in rows(tmp_path, capsys)] == ["first"]
    everything = rows(tmp_path, capsys, everything=True)
    assert [row["state"] for row in everything] == ["active", "revoked"]
    assert "digest" not in str(everything)


def test_a_rotated_key_is_printed_with_what_becomes_of_the_old_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is good until its grace is over, or not any more."""
    keys.create("web", data=tmp_path)
    first = capsys.readouterr().out
    keys.rotate("web", grace="1h", data=tmp_path)
    out, err = capsys.readouterr()
    assert out != first
    assert read_id(out.strip()) == read_id(first.strip())
    (row,) = rows(tmp_path, capsys)
    assert f"The old one is good until {row['former_secret_until']}." in err

    keys.rotate("web", data=tmp_path)
    assert "The old one is not good any more." in capsys.readouterr().err


def test_a_database_of_another_release_is_not_touched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the operator chose a database, bringing it up to date is his decision."""
    file = tmp_path / "chosen.db"
    sqlite3.connect(file).close()
    monkeypatch.setenv("IMAGEMILL_DATABASE_URL", f"sqlite:///{file}")
    with pytest.raises(ConfigurationError, match="imagemill db upgrade"):
        keys.create("web", data=tmp_path)
    schema.upgrade(f"sqlite:///{file}")
    keys.create("web", data=tmp_path)
    monkeypatch.setenv("IMAGEMILL_DATABASE_URL", f"sqlite:///{tmp_path}/no/folder.db")
    with pytest.raises(RecordUnavailable):
        keys.show(data=tmp_path)


def test_scopes_are_words_with_commas() -> None:
    """In any order, with spaces or without."""
    assert keys.parse_scopes("read") == {Scope.READ}
    assert keys.parse_scopes(" delete, resize ,admin,") == {Scope.DELETE, Scope.RESIZE, Scope.ADMIN}
    for wrong in ("", ",", "fly", "read;resize", "READ"):
        with pytest.raises(CommandRefused, match="--scopes takes"):
            keys.parse_scopes(wrong)


@pytest.mark.parametrize(
    ("text", "seconds"), [("0s", 0), ("90s", 90), ("5m", 300), ("24h", 86_400), ("7d", 7 * 86_400)]
)
def test_a_span_is_a_number_and_a_unit(text: str, seconds: int) -> None:
    """Seconds, minutes, hours, days."""
    assert keys.parse_span(text).total_seconds() == seconds


@pytest.mark.parametrize("text", ["", "7", "d", "-1d", "1w", "1.5h", "1d12h", "9999999d", "٣d "])
def test_other_spans_are_refused(text: str) -> None:
    """With what would be right."""
    with pytest.raises(CommandRefused, match="such as 12h or 90d"):
        keys.parse_span(text)


def test_an_expiry_is_a_span_or_a_last_day() -> None:
    """A date's day still counts, whole, in UTC."""
    assert keys.parse_expiry("90d", NOW) == NOW + timedelta(days=90)
    assert keys.parse_expiry("2026-05-04", NOW) == datetime(2026, 5, 5, tzinfo=UTC)


@pytest.mark.parametrize("text", ["2026-05-03", "0d", "tomorrow", "2026-13-01", "9999-12-31", "2026-05-04T10:00"])
def test_other_expiries_are_refused(text: str) -> None:
    """What is past, and what is no date that a calendar has."""
    with pytest.raises(CommandRefused, match="--expires"):
        keys.parse_expiry(text, NOW)


def test_the_page_tells_the_pattern() -> None:
    """What secret scanners are told to look for is what keys look like."""
    page = (Path(__file__).parents[3] / "docs" / "authentication.md").read_text()
    assert f"`{PATTERN}`" in page
