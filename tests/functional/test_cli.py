"""The other commands, as an operator types them."""

import json
import socket
import subprocess
from pathlib import Path

import pytest

from tests.functional.running import COMMAND, Service, command, environment, free_port

SECRET = "0123456789abcdef" * 2


def test_help_lists_the_commands(tmp_path: Path) -> None:
    """Each command is there with a sentence."""
    shown = command("--help", data=tmp_path)

    assert shown.returncode == 0
    for word in ("up", "api", "worker", "beat", "keys", "db", "doctor", "config"):
        assert f"\n│ {word} " in shown.stdout


@pytest.mark.parametrize("words", [["up"], ["api"], ["worker"], ["beat"], ["db", "upgrade"], ["doctor"], ["config"]])
def test_a_bad_setting_is_one_line(tmp_path: Path, words: list[str]) -> None:
    """Every command refuses with one line that names the variable, exit code 2, and no traceback."""
    refused = command(*words, data=tmp_path / "data", port="70000")

    assert refused.returncode == 2
    assert refused.stdout == ""
    assert refused.stderr == "imagemill: IMAGEMILL_PORT: Input should be less than or equal to 65535\n"
    assert not (tmp_path / "data").exists()


def test_production_does_not_start_by_accident(tmp_path: Path) -> None:
    """Without a secret key it refuses; nothing listens."""
    refused = command("up", data=tmp_path, profile="production", secret_key="", port=free_port())

    assert refused.returncode == 2
    assert "IMAGEMILL_SECRET_KEY must be set when IMAGEMILL_PROFILE is production" in refused.stderr


def test_a_key_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    """It says what would do; nothing is printed that could be taken for a key."""
    refused = command("keys", "create", "web", "--scopes", "fly", data=tmp_path)

    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr == "imagemill: --scopes takes resize, read, delete, admin, with commas between them.\n"


def test_the_database_is_brought_up_to_date(tmp_path: Path) -> None:
    """From nothing: empty, refused by the check, upgraded, upgraded again without effect, accepted by the check."""
    assert command("db", "current", data=tmp_path).stdout == "empty\n"
    refused = command("db", "check", data=tmp_path)
    assert refused.returncode == 2
    assert "run `imagemill db upgrade`" in refused.stderr

    assert command("db", "upgrade", data=tmp_path).returncode == 0
    version = command("db", "current", data=tmp_path).stdout

    assert command("db", "upgrade", data=tmp_path).returncode == 0
    assert command("db", "current", data=tmp_path).stdout == version != "empty\n"
    assert command("db", "check", data=tmp_path).stdout == "up to date\n"


def test_config_shows_value_and_source(tmp_path: Path) -> None:
    """Every setting with what is in force and where it came from; neither secret nor password is shown."""
    database = "postgresql://images:hush-4711@db.example/images"
    shown = command("config", "--json", data=tmp_path, secret_key=SECRET, database_url=database)
    settings = json.loads(shown.stdout)

    assert settings["IMAGEMILL_DATA"] == {"variable": "IMAGEMILL_DATA", "value": str(tmp_path), "source": "environment"}
    assert settings["IMAGEMILL_PORT"]["source"] == "default"
    assert settings["IMAGEMILL_STORAGE_URL"]["value"] == f"file:{tmp_path}/objects"
    assert settings["IMAGEMILL_SECRET_KEY"]["value"] == "********"
    assert SECRET not in shown.stdout
    assert "hush-4711" not in shown.stdout

    lines = command("config", "--data", str(tmp_path / "other"), data=tmp_path).stdout.splitlines()
    assert len(lines) == len(settings)
    assert [line.split() for line in lines if line.startswith("IMAGEMILL_DATA=")] == [
        [f"IMAGEMILL_DATA={tmp_path}/other", "#", "flag"]
    ]


def test_config_writes_its_own_documentation(tmp_path: Path) -> None:
    """`imagemill config --markdown` is the page of the documentation."""
    page = Path(__file__).parents[2] / "docs" / "configuration.md"

    assert command("config", "--markdown", data=tmp_path).stdout == page.read_text()


def verdicts(report: str) -> dict[str, str]:
    """The verdict on each part in what the doctor prints."""
    lines = [line for line in report.splitlines() if not line.startswith(" ")]
    return {line[5:17].strip(): line[:5].strip() for line in lines}


def test_the_doctor_changes_nothing_in_a_new_folder(tmp_path: Path) -> None:
    """Before the first start nothing is set up, which it says how to do, and does not do; nothing is wrong."""
    report = command("doctor", data=tmp_path, port=free_port())

    assert report.returncode == 0, report.stdout
    assert "imagemill db upgrade" in report.stdout
    found = verdicts(report.stdout)
    assert {part for part, verdict in found.items() if verdict != "ok"} == {"database", "store", "worker"}
    assert set(found) >= {"settings", "folder", "broker", "libvips", "port", "access", "open files", "disk", "clock"}
    assert list(tmp_path.iterdir()) == []


def test_the_doctor_finds_a_running_service_well(service: Service) -> None:
    """Everything answers, a worker too, and the port is taken by the service itself."""
    report = command("doctor", data=service.data, port=service.port)

    found = verdicts(report.stdout)
    assert (report.returncode, set(found.values())) == (0, {"ok"}), report.stdout
    assert set(found) >= {"database", "jobs", "store", "broker", "worker"}
    assert "imagemill answers on it" in report.stdout


@pytest.mark.parametrize("words", [["db", "upgrade"], ["doctor"], ["up"]])
def test_why_a_part_is_away_is_told(tmp_path: Path, words: list[str]) -> None:
    """The driver's own words, without the password, and no traceback."""
    port = free_port()
    url = f"postgresql://images:hu/sh-quince@127.0.0.1:{port}/images"
    refused = command(*words, data=tmp_path, port=free_port(), database_url=url)
    said = refused.stdout + refused.stderr

    assert refused.returncode == 1
    assert "The database does not answer. OperationalError: " in said
    assert f"port {port} failed" in said
    assert "quince" not in said
    assert "Traceback" not in said


def test_an_open_door_is_told_of(tmp_path: Path) -> None:
    """An API that asks nobody who they are warns, on one line, when other machines can reach it."""
    # An address of no machine (RFC 5737), so that nothing is really served to others.
    api = subprocess.Popen(
        [*COMMAND, "api", "--host", "192.0.2.1"],
        env=environment(tmp_path, profile="development"),
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert api.stderr is not None
        first = api.stderr.readline()
    finally:
        api.kill()
        api.communicate()

    assert "warning" in first
    assert "nothing asks who they are" in first


def test_the_doctor_tells_what_is_broken(tmp_path: Path) -> None:
    """A folder that is a file, a broker that is away, a port that another program has: each with its remedy."""
    (tmp_path / "data").touch()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        report = command(
            "doctor",
            data=tmp_path / "data",
            port=taken.getsockname()[1],
            broker_url=f"redis://127.0.0.1:{free_port()}",
        )

    assert report.returncode == 1
    found = verdicts(report.stdout)
    assert {part for part, verdict in found.items() if verdict == "fail"} >= {
        "folder",
        "database",
        "store",
        "broker",
        "port",
    }
    for remedy in ("IMAGEMILL_DATA", "IMAGEMILL_BROKER_URL", "--port"):
        assert remedy in report.stdout
    assert "Traceback" not in report.stderr
