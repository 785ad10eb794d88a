"""What `imagemill config` shows."""

from imagemill.cli.config import settings_rows
from imagemill.cli.masking import MASK
from imagemill.config import Settings


def test_every_setting_has_a_row() -> None:
    """In the order of the documentation, with where its value came from."""
    rows = settings_rows(Settings(port=6000, queue="mine"), flags={"port"})

    assert [row["variable"] for row in rows] == [f"IMAGEMILL_{name.upper()}" for name in Settings.model_fields]
    sources = {row["variable"]: row["source"] for row in rows}
    assert sources["IMAGEMILL_PORT"] == "flag"
    assert sources["IMAGEMILL_QUEUE"] == "environment"
    assert sources["IMAGEMILL_HOST"] == "default"


def test_a_row_shows_what_is_in_force() -> None:
    """Also of a setting that was left out and follows from another one."""
    values = {row["variable"]: row["value"] for row in settings_rows(Settings(wait_slots=3), flags=set())}
    assert values["IMAGEMILL_AUTH"] == "off"
    assert values["IMAGEMILL_LOG_FORMAT"] == "text"
    assert values["IMAGEMILL_WAIT_SLOTS"] == "3"
    assert values["IMAGEMILL_DATABASE_URL"].startswith("sqlite:///")


def test_rows_hide_what_is_secret() -> None:
    """Of a URL its password, of a secret everything."""
    rows = settings_rows(
        Settings(secret_key="0123456789abcdef" * 2, broker_url="redis://:hu%2Fsh@broker.example"), flags=set()
    )

    values = {row["variable"]: row["value"] for row in rows}
    assert values["IMAGEMILL_SECRET_KEY"] == MASK
    assert values["IMAGEMILL_BROKER_URL"] == f"redis://:{MASK}@broker.example"
