"""The watermark: an option that is an object with options of its own."""

import json
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from jsonschema import Draft202012Validator

from imagemill.domain.geometry import Gravity, Sides
from imagemill.domain.watermark import WATERMARK, Mark, Watermark
from imagemill.errors import InvalidOptions

TOKEN = "0192F3A4-0000-5000-8000-00000000000A"


def pointers(value: object) -> list[str]:
    """Where in the object the faults are."""
    with pytest.raises(InvalidOptions) as caught:
        Mark().read(value)
    return [problem.pointer for problem in caught.value.problems]


def test_an_image_is_named_by_its_token() -> None:
    """In one spelling, as UUIDs have."""
    mark = Mark().read({"image": TOKEN, "offset": [10, 20], "scale": 0.5})
    assert mark.token == UUID(TOKEN)
    assert mark.plain() == {"image": TOKEN.lower(), "offset": [10, 20, 10, 20], "scale": 0.5}
    assert Mark().read(mark) is mark
    assert Mark().read(mark.plain()) == mark


def test_a_text_is_kept_as_it_is() -> None:
    """But for the spaces around it; defaults are left out."""
    mark = Mark().read_text('{"text": " © Ada <b> ", "gravity": "bottom-right", "opacity": 1}')
    assert mark == Watermark(text="© Ada <b>")
    assert mark.token is None
    assert (mark.gravity, mark.offset, mark.scale) == (Gravity.BOTTOM_RIGHT, Sides(), Decimal("0.25"))
    assert mark.plain() == {"text": "© Ada <b>"}


@pytest.mark.parametrize(
    ("value", "wrong"),
    [
        ({}, [""]),
        ({"text": "a", "image": TOKEN}, [""]),
        ({"text": ""}, ["/text"]),
        ({"text": "a\nb"}, ["/text"]),
        ({"text": "\u202etxt"}, ["/text"]),
        ({"text": "\ud800"}, ["/text"]),
        ({"text": "a" * 101}, ["/text"]),
        ({"text": 7}, ["/text"]),
        ({"image": "logo.png"}, ["/image"]),
        ({"text": "a", "opacity": 1.1, "scale": 0, "sise": 3}, ["/opacity", "/scale", "/sise"]),
    ],
)
def test_each_fault_is_pointed_at(value: dict[str, Any], wrong: list[str]) -> None:
    """Also inside of the object, and all at once."""
    assert pointers(value) == wrong


@pytest.mark.parametrize("text", ["draft", "[", "[" * 100_000, "3", "null"])
def test_a_text_that_holds_no_object_is_refused(text: str) -> None:
    """Forms and queries write it as JSON."""
    with pytest.raises(ValueError, match="must be "):
        Mark().read_text(text)


def test_it_is_checked_at_birth() -> None:
    """Python code cannot make a bad one either."""
    with pytest.raises(InvalidOptions):
        Watermark(text="a", opacity=Decimal(2))


def test_its_schema_tells_what_is_read() -> None:
    """The same table makes it, and a text holds the same."""
    schema = Mark().schema()
    Draft202012Validator.check_schema(schema)
    assert schema["properties"].keys() == WATERMARK.keys()
    assert Mark().text_schema()["contentSchema"] == schema
    validator = Draft202012Validator(schema)
    assert validator.is_valid(json.loads('{"text": "a", "offset": [1, 2]}'))
    assert not validator.is_valid({"text": "a", "image": TOKEN})
    assert not validator.is_valid({})
