"""What a deployment tells imagemill, tried on imagemill itself: whether it would start with it."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from imagemill import config
from imagemill.config import IN_FILE, PREFIX, Settings

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"

SECRETS = {
    "secret_key": "vYx3qJ0mWm1h8o4sCkq9Zt2nR7uE5aLd",
    "database_url": "postgresql://imagemill:of-no-use@postgres/imagemill",
    "flower_users": "operator:vYx3qJ0mWm1h8o4sCkq9Zt2nR7uE5aLd",
}
"""What the files of secrets hold; any other holds a word."""


def loaded(variables: Mapping[str, str], monkeypatch: pytest.MonkeyPatch, folder: Path) -> Settings:
    """The settings that come of variables, as of those that the image sets; ConfigurationError if it would not start.

    Args:
        variables: of a deployment.
        monkeypatch: for the environment.
        folder: where files of secrets are put, wherever the variables say that they are.
    """
    for name in Settings.model_fields:
        monkeypatch.delenv(PREFIX + name.upper(), raising=False)
    for name, value in {f"{PREFIX}PROFILE": "production", f"{PREFIX}DATA": str(folder), **variables}.items():
        if name.endswith(IN_FILE):
            secret = name.removeprefix(PREFIX).removesuffix(IN_FILE).lower()
            file = folder / secret
            file.write_text(SECRETS.get(secret, "a word"))
            monkeypatch.setenv(name, str(file))
        else:
            monkeypatch.setenv(name, value)
    return config.load()


def variables_of(file: Path) -> dict[str, str]:
    """The variables in a file of lines `NAME=value`."""
    lines = [line for line in file.read_text().splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)
