"""Kinds of option value: what each reads, refuses and says of itself."""

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from imagemill.domain.geometry import Fit
from imagemill.domain.options import NAME, Angle, Choice, Flag, Kind, Line, Number, OneOf, Or, Whole, pointer

KINDS: list[Kind] = [
    Whole(1, 100),
    Number(1, 8),
    Number(0.9, 0.9999, places=4),
    Number(0.1, 10),
    Angle(),
    OneOf((2, 4)),
    Or("auto", Whole(1, 100)),
    Choice(Fit),
    Flag(),
    Line(9),
    NAME,
]
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


def reads(kind: Kind, value: object) -> bool:
    try:
        kind.read(value)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize(
    ("kind", "value", "result"),
    [
        (Whole(1, 100), 1, 1),
        (Whole(1, 100), 100, 100),
        (Number(1, 8), 1.5, 1.5),
        (Number(1, 8), 8, 8),
        (Number(0.9, 0.9999, places=4), 0.9971, Decimal("0.9971")),
        (Number(0.9, 0.9999, places=4), 0.99712, Decimal("0.9971")),
        (Number(1, 8), 1.1 + 2.2, Decimal("3.3")),
        (Number(1, 8), 1.506, Decimal("1.51")),
        (OneOf((2, 4)), 4, 4),
        (Or("auto", Whole(1, 100)), "auto", "auto"),
        (Or("auto", Whole(1, 100)), 7, 7),
        (Number(-8, 8), -0.0, 0),
        (Angle(), -90, 270),
        (Angle(), 360, 0),
        (Angle(), -360, 0),
        (Angle(), 0.25, 0.25),
        (Choice(Fit), "contain", Fit.CONTAIN),
        (Flag(), True, True),
        (NAME, "Hero-2x", "hero-2x"),
    ],
)
def test_a_good_value_is_read_to_its_one_spelling(kind: Kind, value: object, result: object) -> None:
    """Values that mean the same become the same."""
    assert kind.read(value) == result


@pytest.mark.parametrize(
    ("kind", "value"), [(Whole(1, 100), 50.0), (OneOf((2, 50)), 50.0), (Or("auto", Whole(1, 100)), 50.0)]
)
def test_a_whole_number_is_one_however_it_is_written(kind: Kind, value: object) -> None:
    """JSON Schema calls 50.0 an integer; it becomes one, so that no token depends on it."""
    assert repr(kind.read(value)) == "50"


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (Whole(1, 100), 0),
        (Whole(1, 100), 101),
        (Whole(1, 100), 1.5),
        (Whole(1, 100), float("inf")),
        (Whole(1, 100), True),
        (Whole(1, 100), "1"),
        (Number(0.9, 0.9999, places=4), 1),
        (OneOf((2, 4)), 3),
        (OneOf((1, 4)), True),
        (OneOf((1, 4)), 1.5),
        (Or("auto", Whole(1, 100)), "Auto"),
        (Or("auto", Whole(1, 100)), 0),
        (Number(1, 8), 0.99),
        (Number(1, 8), 8.01),
        (Number(1, 8), float("nan")),
        (Number(1, 8), float("inf")),
        (Number(1, 8), True),
        (Choice(Fit), "Cover"),
        (Choice(Fit), ["cover"]),
        (Flag(), 1),
        (Flag(), "true"),
        (NAME, ""),
        (NAME, "-a"),
        (NAME, "a/b"),
        (NAME, "a" * 33),
        (Line(9), "\u200d"),
        (Line(9), "a\u202eb"),
        (Line(3), "a\u200d\u200db"),
        (NAME, "é"),
    ],
)
def test_a_bad_value_is_refused(kind: Kind, value: object) -> None:
    """The sentence says what would be right."""
    with pytest.raises(ValueError, match=r"^must be "):
        kind.read(value)


@pytest.mark.parametrize(
    ("kind", "text", "result"),
    [
        (Line(5), " a & b ", "a & b"),
        (Line(5), "\u0646\u200c\u0647", "\u0646\u200c\u0647"),
        (Line(5), "\U0001f468\u200d\U0001f469", "\U0001f468\u200d\U0001f469"),
        (Whole(1, 100), "007", 7),
        (Number(1, 8), "2.50", 2.5),
        (Angle(), "-0.5", 359.5),
        (Choice(Fit), "fill", Fit.FILL),
        (Flag(), "true", True),
        (Flag(), "false", False),
        (NAME, "a", "a"),
    ],
)
def test_a_text_is_read_like_its_value(kind: Kind, text: str, result: object) -> None:
    """Form fields and queries mean what JSON means."""
    assert kind.read_text(text) == result


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (Whole(1, 100), "1e1"),
        (Whole(1, 100), "٣"),
        (Whole(1, 100), " 1"),
        (Whole(1, 100), "9" * 5000),
        (Number(1, 8), "1e0"),
        (Number(1, 8), "NaN"),
        (Number(1, 8), "-1"),
        (Flag(), "yes"),
        (Flag(), "1"),
    ],
)
def test_a_text_of_another_form_is_refused(kind: Kind, text: str) -> None:
    """There is one way to write a value."""
    with pytest.raises(ValueError, match=r"^must be "):
        kind.read_text(text)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: type(kind).__name__)
@given(value=JSON_VALUES)
def test_the_schema_tells_what_is_read(kind: Kind, value: object) -> None:
    """Whatever a kind reads, its JSON Schema allows; so a client that obeys the schema knows the rule."""
    if reads(kind, value):
        # Whole numbers that a float holds are integers to JSON Schema; the schema may allow more, never less.
        assert Draft202012Validator(kind.schema()).is_valid(json.loads(json.dumps(value)))


def test_a_pointer_escapes_and_is_bounded() -> None:
    """Source: RFC 6901, section 3. Long names are cut, so that an answer is no echo."""
    assert pointer("a/b", 0, "m~n") == "/a~1b/0/m~0n"
    assert len(pointer("x" * 1000, "y" * 1000, "z" * 1000)) <= 200
