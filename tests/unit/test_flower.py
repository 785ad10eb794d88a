"""Flower's options: read-only, under its path, and nothing taken from the working folder."""

import importlib.util

import pytest

from imagemill import flower, observability
from imagemill.config import Settings
from imagemill.errors import ConfigurationError


def test_it_only_shows() -> None:
    """Unless it is told to operate; and it asks workers for events only where the service sends them."""
    chosen = flower.options(Settings())
    assert {"--read_only=True", "--enable_events=False", "--url_prefix=flower", "--address=127.0.0.1"} <= set(chosen)
    assert not [option for option in chosen if option.startswith("--basic_auth")]
    chosen = flower.options(Settings(flower_operates=True, task_events=True, flower_users="ada:pw,bob:pw"))
    assert {"--read_only=False", "--enable_events=True", "--basic_auth=ada:pw,bob:pw"} <= set(chosen)


def test_no_configuration_lies_about() -> None:
    """A flowerconfig.py in the working folder would be run as a program."""
    assert "--conf=/dev/null" in flower.options(Settings())


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks for Flower learns what to install."""
    monkeypatch.setattr(observability, "configure", lambda *_: None)
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(ConfigurationError, match="pip install"):
        flower.run(Settings())
