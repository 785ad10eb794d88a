"""What the operator is told of an error."""

import pytest

from imagemill.cli import main
from imagemill.cli.trouble import told
from imagemill.errors import ConfigurationError, ImagemillError, RecordUnavailable


def caused(error: ImagemillError, cause: Exception) -> ImagemillError:
    """The error as an adapter raises it."""
    error.__cause__ = cause
    return error


def test_the_cause_is_told_without_credentials() -> None:
    """Its type and its first line: the rest is for developers."""
    error = caused(RecordUnavailable("It is away."), OSError("cannot reach pg://u:hush@h\n(Background: …)"))

    assert told(error) == "It is away. OSError: cannot reach ********@h"


def test_a_cause_without_words_is_told_by_its_type() -> None:
    """An exception may say nothing."""
    assert told(caused(RecordUnavailable("It is away."), TimeoutError())) == "It is away. TimeoutError: "


@pytest.mark.parametrize(
    "error",
    [RecordUnavailable("It is away."), caused(ConfigurationError("IMAGEMILL_PORT: no"), ValueError("hush"))],
)
def test_other_errors_speak_for_themselves(error: ImagemillError) -> None:
    """One without a cause, and a wrong setting, whose value is not to be shown."""
    assert told(error) == error.detail


def test_a_command_tells_the_cause(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """On one line of standard error, with exit code 1."""

    def fail() -> None:
        raise caused(RecordUnavailable("It is away."), OSError("Connection refused"))

    monkeypatch.setattr(main, "commands", lambda: fail)
    with pytest.raises(SystemExit) as ended:
        main.run()

    assert ended.value.code == 1
    assert capsys.readouterr().err == "imagemill: It is away. OSError: Connection refused\n"
