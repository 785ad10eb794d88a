"""What `imagemill config` shows, and what it hides."""

import pytest
from pydantic import SecretStr

from imagemill.cli.config import MASK, masked, settings_rows
from imagemill.config import Settings


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, ""),
        (5000, "5000"),
        (SecretStr("hush"), MASK),
        ("postgresql://user:hush@db.example/images", f"postgresql://user:{MASK}@db.example/images"),
        ("redis://:hush@broker.example", f"redis://:{MASK}@broker.example"),
        ("redis://broker.example/0", "redis://broker.example/0"),
        ("file:/srv/images", "file:/srv/images"),
    ],
)
def test_secrets_are_masked(value: object, shown: str) -> None:
    """A secret is not shown, nor is the password within a URL; the rest is."""
    assert masked(value) == shown


def test_every_setting_has_a_row() -> None:
    """In the order of the documentation, with where its value came from."""
    rows = settings_rows(Settings(port=6000, queue="mine"), flags={"port"})

    assert [row["variable"] for row in rows] == [f"IMAGEMILL_{name.upper()}" for name in Settings.model_fields]
    sources = {row["variable"]: row["source"] for row in rows}
    assert sources["IMAGEMILL_PORT"] == "flag"
    assert sources["IMAGEMILL_QUEUE"] == "environment"
    assert sources["IMAGEMILL_HOST"] == "default"
