"""`imagemill alive`: what a container's health check is told."""

from pathlib import Path

import pytest

from imagemill.cli import alive
from imagemill.config import Settings

Answer = tuple[int, bytes] | None


def process(proc: Path, number: int, *words: str, state: str = "S", parent: int = 0) -> None:
    """A process as the kernel shows it."""
    folder = proc / str(number)
    folder.mkdir()
    (folder / "cmdline").write_text("".join(f"{word}\0" for word in words))
    (folder / "stat").write_text(f"{number} (a) name) {state} {parent} 1 1")


def role(proc: Path, name: str, state: str = "S") -> None:
    """A role as the first process."""
    process(proc, 1, "/opt/imagemill/bin/python", "/opt/imagemill/bin/imagemill", name, state=state)


@pytest.mark.parametrize("name", ["api", "up"])
@pytest.mark.parametrize(
    ("answer", "trouble"), [((200, b""), None), ((500, b""), "does not answer"), (None, "does not answer")]
)
def test_who_serves_has_to_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, answer: Answer, trouble: str | None
) -> None:
    """The API is asked at its own address."""
    asked = []
    monkeypatch.setattr(alive, "ask", lambda *where: asked.append(where) or answer)
    role(tmp_path, name)
    assert alive.trouble_of(Settings(host="0.0.0.0", port=4711), tmp_path) == (trouble and f"{name} {trouble}")
    assert asked == [("0.0.0.0", 4711, "/healthz")]


def test_a_worker_has_to_have_children(tmp_path: Path) -> None:
    """Dead ones do not count, nor do somebody else's."""
    role(tmp_path, "worker")
    process(tmp_path, 7, state="Z", parent=1)
    process(tmp_path, 8, parent=7)
    (tmp_path / "9").mkdir()  # It ends while it is looked at.
    assert alive.trouble_of(Settings(), tmp_path) == "worker has no child that works"

    process(tmp_path, 10, parent=1)
    assert alive.trouble_of(Settings(), tmp_path) is None


def test_a_beat_has_to_run(tmp_path: Path) -> None:
    """Whether the database is there is not asked."""
    role(tmp_path, "beat")
    assert alive.trouble_of(Settings(), tmp_path) is None


@pytest.mark.parametrize("name", ["api", "worker", "beat"])
def test_a_stopped_role_is_not_alive(tmp_path: Path, name: str) -> None:
    """A process that the kernel holds does nothing."""
    role(tmp_path, name, state="T")
    assert alive.trouble_of(Settings(), tmp_path) == f"{name} is stopped"


@pytest.mark.parametrize("words", [("sh",), ("imagemill",)])
def test_another_program_is_no_role(tmp_path: Path, words: tuple[str, ...]) -> None:
    """Where something else is the first process there is nothing to check."""
    process(tmp_path, 1, *words)
    assert alive.trouble_of(Settings(), tmp_path) == "the first process is no role of imagemill"


def test_the_command_fails_with_a_sentence(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The exit code is for the engine, the sentence for who looks into it."""
    monkeypatch.setattr(alive, "trouble_of", lambda *_: "beat is stopped")
    with pytest.raises(alive.typer.Exit) as ended:
        alive.alive()
    assert (ended.value.exit_code, capsys.readouterr().err) == (1, "imagemill: beat is stopped\n")

    monkeypatch.setattr(alive, "trouble_of", lambda *_: None)
    alive.alive()
