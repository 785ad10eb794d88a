"""What follows from the data folder: places for all that is kept, and the secret that lies in it."""

import os
import stat
import threading
from pathlib import Path

import pytest

from imagemill.config import Settings
from imagemill.domain.secret import MIN_CHARACTERS
from imagemill.errors import ConfigurationError


def test_places_follow_from_the_data_folder(tmp_path: Path) -> None:
    """Record, images and broker lie in the data folder where they have no place of their own."""
    settings = Settings(data=tmp_path)

    assert settings.database == f"sqlite:///{tmp_path}/imagemill.db"
    assert settings.storage == f"file:{tmp_path}/objects"
    assert settings.broker == f"redis+socket://{tmp_path}/broker.sock?virtual_host=0"
    given = Settings(database_url="postgresql://db/x", storage_url="file:/srv", broker_url="redis://broker")
    assert (given.database, given.storage, given.broker) == ("postgresql://db/x", "file:/srv", "redis://broker")


@pytest.mark.parametrize("name", ["n" * 120, "a name", "50%"])
def test_a_path_that_no_socket_can_have_gets_another(tmp_path: Path, name: str) -> None:
    """The broker's socket is then in a short folder that depends on the data folder and the user only."""
    first, second = Settings(data=tmp_path / name), Settings(data=tmp_path / name / "other")

    assert len(str(first.broker_socket)) <= 100
    assert first.broker_socket == Settings(data=tmp_path / name).broker_socket
    assert tmp_path not in first.broker_socket.parents
    assert first.broker_socket != second.broker_socket


def test_a_kept_secret_is_private_and_stays(tmp_path: Path) -> None:
    """It is made once, only its owner can read it, and the next process finds the same one."""
    secret = Settings(data=tmp_path).secret()

    assert len(secret) >= MIN_CHARACTERS
    assert (tmp_path / "secret_key").stat().st_mode & 0o777 == 0o600
    assert Settings(data=tmp_path).secret() == secret
    assert [path.name for path in tmp_path.iterdir()] == ["secret_key"]


def test_a_kept_secret_survives_a_power_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its bytes are flushed before they get their name, and the name before anybody uses the secret."""
    calls: list[str] = []
    fsync, link = os.fsync, os.link

    def record_fsync(file: int) -> None:
        calls.append(
            "flush folder" if stat.S_ISDIR(os.fstat(file).st_mode) else f"flush {os.fstat(file).st_size} bytes"
        )
        fsync(file)

    def record_link(source: Path, target: Path) -> None:
        calls.append("link")
        link(source, target)

    monkeypatch.setattr(os, "fsync", record_fsync)
    monkeypatch.setattr(os, "link", record_link)

    secret = Settings(data=tmp_path).secret()
    assert calls == [f"flush {len(secret)} bytes", "link", "flush folder"]

    calls.clear()
    assert Settings(data=tmp_path).secret() == secret
    assert calls == ["flush folder"]


def test_processes_that_start_at_once_keep_one_secret(tmp_path: Path) -> None:
    """Of many that find none, one makes it and all use it."""
    secrets: list[str] = []
    start = threading.Barrier(16)

    def read() -> None:
        start.wait()
        secrets.append(Settings(data=tmp_path).secret())

    threads = [threading.Thread(target=read) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(secrets) == 16
    assert len(set(secrets)) == 1


def test_a_kept_secret_that_was_cut_off_is_refused(tmp_path: Path) -> None:
    """A short secret would give every token away."""
    (tmp_path / "secret_key").write_text("short")
    with pytest.raises(ConfigurationError, match="IMAGEMILL_DATA: the secret_key in the folder is too short"):
        Settings(data=tmp_path).secret()


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """Where the secret cannot be kept, it is said which variable to look at."""
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match="IMAGEMILL_DATA: the secret key cannot be kept"):
        Settings(data=tmp_path / "file").secret()
