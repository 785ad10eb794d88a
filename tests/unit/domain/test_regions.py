"""Kinds that say where: regions, focal points, room around."""

import json
import re
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from imagemill.domain.geometry import Box, FocalPoint, Gravity, Interest, Sides, Size
from imagemill.domain.limits import MAX_SIDE
from imagemill.domain.options import Kind
from imagemill.domain.regions import Area, Around, Percent, Place, Region

KINDS: list[Kind] = [Area(), Place(), Around()]
PADS = Around()


@pytest.mark.parametrize(
    ("kind", "value", "result"),
    [
        (Area(), [1, 2, 3, 4], Region(1, 2, 3, 4)),
        (Area(), ["12.50%", 0, 9, "05%"], Region(Percent(Decimal("12.5")), 0, 9, Percent(Decimal(5)))),
        (Place(), "top", Gravity.TOP),
        (Place(), "attention", Interest.ATTENTION),
        (Place(), [0.25, 1], FocalPoint(Decimal("0.25"), Decimal(1))),
        (Place(), [0.5, 0.5], Gravity.CENTER),
        (Place(), [0.12344, 0.12345678], FocalPoint(Decimal("0.1234"), Decimal("0.1235"))),
        (Place(), [1, 0], Gravity.TOP_RIGHT),
        (PADS, 7, Sides(7, 7, 7, 7)),
        (PADS, [1, 2], Sides(1, 2, 1, 2)),
        (PADS, [1, 2, 3, 4], Sides(1, 2, 3, 4)),
        (PADS, [5, 5, 5, 5], Sides(5, 5, 5, 5)),
    ],
)  # fmt: skip
def test_a_good_value_is_read_to_its_one_spelling(kind: Kind, value: object, result: object) -> None:
    """Values that mean the same become the same, and a value that was read is read again."""
    assert kind.read(value) == result
    assert kind.read(kind.read(value)) == result


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (Area(), [1, 2, 3]),
        (Area(), "1,2,3,4"),
        (Area(), [1, 2, 0, 4]),
        (Area(), ["0%", "0%", "0%", "10%"]),
        (Area(), [0, 0, 10, "0.00%"]),
        (Area(), [-1, 2, 3, 4]),
        (Area(), [1.5, 2, 3, 4]),
        (Area(), ["101%", 0, 1, 1]),
        (Area(), ["1", 0, 1, 1]),
        (Area(), [2_000_000, 0, 1, 1]),
        (Place(), "middle"),
        (Place(), [0.5]),
        (Place(), [0.5, 1.01]),
        (Place(), ["0.5", 0.5]),
        (PADS, -1),
        (PADS, 4001),
        (PADS, [1]),
        (PADS, [1, 2, 3]),
        (PADS, "1"),
        (PADS, None),
    ],
)
def test_a_bad_value_is_refused(kind: Kind, value: object) -> None:
    """The sentence says what would be right."""
    with pytest.raises(ValueError, match=r"^must be "):
        kind.read(value)


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (Area(), "10,5%,100,50%", [10, "5%", 100, "50%"]),
        (Place(), "entropy", "entropy"),
        (Place(), "0.25,1.0", [0.25, 1]),
        (PADS, "12", 12),
        (PADS, "1,2,3,4", [1, 2, 3, 4]),
    ],
)
def test_a_text_has_commas(kind: Kind, text: str, value: object) -> None:
    """Form fields and queries mean what JSON means."""
    assert kind.read_text(text) == kind.read(value)


@pytest.mark.parametrize(
    ("kind", "text"),
    [(Area(), "1, 2,3,4"), (Area(), "a"), (Place(), "0.5"), (Place(), "1e-1,0"), (PADS, "1,,2"), (PADS, "-1")],
)
def test_a_text_of_another_form_is_refused(kind: Kind, text: str) -> None:
    """There is one way to write a value."""
    with pytest.raises(ValueError, match=r"^must be "):
        kind.read_text(text)


numbers = st.integers(-3, 5000) | st.floats(-1, 2, allow_nan=False) | st.from_regex("[0-9]{1,3}%", fullmatch=True)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: type(kind).__name__)
@given(value=st.text() | numbers | st.lists(numbers, max_size=5))
def test_the_schema_tells_what_is_read(kind: Kind, value: Any) -> None:
    """Whatever a kind reads, its JSON Schema allows."""
    try:
        kind.read(value)
    except ValueError:
        return
    assert Draft202012Validator(kind.schema()).is_valid(json.loads(json.dumps(value)))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: type(kind).__name__)
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_the_schema_of_a_text_tells_what_is_read(kind: Kind, data: st.DataObject) -> None:
    """What the pattern allows is read, and what is read the pattern allows, but for zeros that mean nothing."""
    pattern = kind.text_schema()["pattern"].removeprefix("^").removesuffix("$")
    kind.read_text(data.draw(st.from_regex(pattern, fullmatch=True)))
    text = data.draw(st.from_regex("[0-9.,%]{1,12}", fullmatch=True))
    try:
        kind.read_text(text)
    except ValueError:
        return
    assert re.fullmatch(pattern, text) or re.search(r"\b0[0-9]", text)


@pytest.mark.parametrize(
    ("region", "box"),
    [
        ([10, 20, 30, 40], Box(10, 20, Size(30, 40))),
        ([150, 90, 300, 300], Box(150, 90, Size(50, 10))),
        (["50%", "50%", "50%", "50%"], Box(100, 50, Size(100, 50))),
        (["33.3%", 0, "0.1%", 1], Box(67, 0, Size(1, 1))),
        ([200, 0, 5, 5], None),
        ([0, "100%", 5, 5], None),
    ],
)
def test_a_region_lies_within_the_picture(region: list[Any], box: Box | None) -> None:
    """Of a picture of 200 × 100: what reaches over its edge is cut there; outside of it there is nothing."""
    assert Area().read(region).within(Size(200, 100)) == box


@given(st.integers(1, 3000), st.integers(1, 99))
def test_regions_that_touch_in_percent_touch_in_pixels(side: int, percent: int) -> None:
    """Neither a gap nor an overlap comes of rounding, unless a part has no pixel at all."""
    left = Area().read([0, 0, f"{percent}%", "100%"]).within(Size(side, 10))
    right = Area().read([f"{percent}%", 0, f"{100 - percent}%", "100%"]).within(Size(side, 10))
    if right and left and right.left > 0:
        assert left.left + left.size.width == right.left
        assert right.left + right.size.width == side


def test_the_longest_side_is_as_good_in_a_text_as_in_json() -> None:
    """The schema of a text allows all that is read up to the bound, which is the longest side of an original."""
    text = f"{MAX_SIDE},0,{MAX_SIDE},1"
    assert Area().read_text(text) == Area().read([MAX_SIDE, 0, MAX_SIDE, 1])
    assert Draft202012Validator(Area().text_schema()).is_valid(text)
    assert not Draft202012Validator(Area().text_schema()).is_valid(f"{MAX_SIDE + 1},0,1,1")
