"""What an operator is told about who may use the API."""

import sys
from pathlib import Path

import pytest

from imagemill import wiring
from imagemill.cli import keys
from imagemill.cli.entry import check_issuer, check_keys, locked_out
from imagemill.cli.finding import Finding, Verdict
from imagemill.cli.up import _announce
from imagemill.config import Settings
from imagemill.errors import ConfigurationError
from tests.issuer import AUDIENCE, Issuer


def finding(settings: Settings) -> Finding:
    """What the doctor says of keys."""
    (found,) = check_keys(settings)
    return found


def test_without_a_key_nobody_may(tmp_path: Path) -> None:
    """Both the log and the doctor say so, and how to make one; with one they are content."""
    settings = Settings(data=tmp_path, auth="required")
    assert locked_out(settings) is None, "a record that is not there yet is told of elsewhere"
    assert finding(settings).verdict is Verdict.WARN

    keys.create("web", data=tmp_path)
    keys.revoke("web", data=tmp_path)
    assert "imagemill keys create" in str(locked_out(settings))
    assert (finding(settings).verdict, "imagemill keys create" in finding(settings).remedy) == (Verdict.WARN, True)

    keys.create("web", owner="web", data=tmp_path)
    assert locked_out(settings) is None
    assert finding(settings) == Finding("keys", Verdict.OK, "1 can be used")


def test_where_no_key_is_needed_nothing_is_asked(tmp_path: Path) -> None:
    """Not even whether there is a record."""
    settings = Settings(data=tmp_path / "nowhere")
    assert locked_out(settings) is None
    assert finding(settings).verdict is Verdict.OK
    assert list(check_issuer(settings)) == []


def test_an_issuer_is_enough(tmp_path: Path) -> None:
    """Whoever has its tokens needs no key; the doctor asks whether it answers."""
    keys.create("web", data=tmp_path)
    keys.revoke("web", data=tmp_path)
    with Issuer() as issuer:
        settings = Settings(data=tmp_path, auth="required", oidc_issuer=issuer.url, oidc_audience=AUDIENCE)
        assert locked_out(settings) is None
        assert finding(settings).verdict is Verdict.OK
        assert [found.verdict for found in check_issuer(settings)] == [Verdict.OK]
        issuer.away = True
        (found,) = check_issuer(settings)
        assert (found.verdict, "IMAGEMILL_OIDC_ISSUER" in found.remedy) == (Verdict.FAIL, True)


def test_what_tokens_take_may_not_be_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is an extra: the doctor and the service say its name."""
    monkeypatch.setitem(sys.modules, "imagemill.oidc.issuer", None)
    settings = Settings(data=tmp_path, auth="required", oidc_issuer="https://issuer.example", oidc_audience=AUDIENCE)
    with pytest.raises(ConfigurationError, match=r"imagemill\[oidc\]"):
        wiring.for_issuer(settings)
    (found,) = check_issuer(settings)
    assert (found.verdict, "imagemill[oidc]" in found.detail) == (Verdict.FAIL, True)


def test_a_ready_service_says_what_it_wants(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The line to try holds a place for the key; without any key, how to make one stands before it."""
    url = "http://127.0.0.1:5000"
    _announce(url, Settings(data=tmp_path))
    assert "X-API-Key" not in capsys.readouterr().out

    keys.create("web", data=tmp_path)
    keys.revoke("web", data=tmp_path)
    capsys.readouterr()
    _announce(url, Settings(data=tmp_path, auth="required"))
    ready, but, attempt = capsys.readouterr().out.splitlines()
    assert ready == f"ready: {url}"
    assert "imagemill keys create" in but
    assert f'curl {url}/api/v1/resize -H "X-API-Key: $KEY" ' in attempt
