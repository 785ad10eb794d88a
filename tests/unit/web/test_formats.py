"""Formats: a client may ask what this build reads and writes."""

from imagemill.domain.encoding import OutputFormat
from imagemill.domain.recipe import OPTIONS
from tests.flow.house import House
from tests.unit.web.service import client, known_to

FORMATS = "/api/v1/formats"


def told(**settings: object) -> dict[str, dict]:
    """The list by name."""
    return {entry["name"]: entry for entry in client(House(), **settings).get(FORMATS).json["formats"]}


def test_what_is_read_is_what_the_setting_says() -> None:
    """A format that is not taken in is only there if it is written."""
    formats = told(input_formats="jpeg,svg")
    assert {name for name, entry in formats.items() if entry["reads"]} == {"jpeg", "svg"}
    assert "bmp" not in formats


def test_what_is_written_is_what_can_be_asked_for() -> None:
    """The words of the option `format`, with no option that there is not."""
    formats = told()
    assert {name for name, entry in formats.items() if entry["writes"]} == {*OutputFormat} - {"auto", "smallest"}
    assert all(set(entry["options"]) <= set(OPTIONS) for entry in formats.values())


def test_an_entry_says_what_a_format_can() -> None:
    """Media type, alpha, animation, and the options that mean something to it."""
    assert told()["gif"] == {
        "name": "gif",
        "media_type": "image/gif",
        "extension": "gif",
        "reads": True,
        "writes": True,
        "alpha": True,
        "reads_animation": True,
        "writes_animation": True,
        "options": ["progressive", "palette", "effort", "animated"],
    }
    assert told()["tga"]["options"] == []
    assert {"score", "maxBytes", "chroma"} <= {*told()["avif"]["options"]}


def test_a_key_is_needed_where_keys_are() -> None:
    """It is the API's, and not the world's."""
    assert known_to(House()).get(FORMATS).status_code == 401
