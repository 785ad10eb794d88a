"""Colours: CSS's ways of writing one, all read to the same spelling."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from PIL import ImageColor

from imagemill.domain.colours import EXPRESSION, Colour, colour_channels


@pytest.mark.parametrize(
    ("text", "colour"),
    [
        ("#ABC", "#aabbcc"),
        ("#abcf", "#aabbcc"),
        ("#AABBCC80", "#aabbcc80"),
        ("rebeccapurple", "#663399"),
        ("transparent", "#00000000"),
        ("rgb(255 136 0)", "#ff8800"),
        ("rgb(255, 136, 0)", "#ff8800"),
        ("rgba(255,136,0,0.5)", "#ff880080"),
        ("rgb(255 136 0 / 50%)", "#ff880080"),
        ("rgb(100% 50% 0%)", "#ff8000"),
        ("rgb(999 0 0 / 7)", "#ff0000"),
        ("hsl(120 100% 50%)", "#00ff00"),
        ("hsl(120deg, 100%, 25%)", "#008000"),
        ("hsl(-120 100% 50% / .25)", "#0000ff40"),
        ("hsla(480, 100%, 50%, 1)", "#00ff00"),
    ],
)
def test_a_colour_has_one_spelling(text: str, colour: str) -> None:
    """However it is written, it is kept as digits, with alpha only where it is not opaque."""
    assert Colour().read(text) == Colour().read_text(text) == colour
    assert Colour().read(colour) == colour


@pytest.mark.parametrize("name", sorted(ImageColor.colormap))
def test_names_are_those_of_css(name: str) -> None:
    """Pillow has the same table."""
    assert Colour().read(name) == "#{:02x}{:02x}{:02x}".format(*ImageColor.getrgb(name))


@pytest.mark.parametrize(
    "value",
    [
        "", "Red", "#12345", "#fff\n", "rgb(1 2)", "rgb(1, 2 3)", "rgb(-1 0 0)", "hsl(1 2 3)", "rgb(1 2 3 4)", "blur",
        "currentcolor", "color(srgb 1 0 0)", "rgb(1e3 0 0)", 7, None, ["red"],
    ],
)  # fmt: skip
def test_what_is_no_colour_is_refused(value: object) -> None:
    """Also words of CSS that mean another colour in another place."""
    with pytest.raises(ValueError, match=r"^must be a colour"):
        Colour().read(value)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(text=st.from_regex(EXPRESSION, fullmatch=True) | st.text())
def test_the_schema_tells_what_is_read(text: str) -> None:
    """The pattern is the rule, in both directions."""
    try:
        Colour().read(text)
        read = True
    except ValueError:
        read = False
    assert Draft202012Validator(Colour().schema()).is_valid(json.loads(json.dumps(text))) is read


def test_a_colours_channels() -> None:
    """Red, green, blue and alpha, opaque where alpha is left out."""
    assert colour_channels("#ff8800") == (255, 136, 0, 255)
    assert colour_channels("#ff880080") == (255, 136, 0, 128)
