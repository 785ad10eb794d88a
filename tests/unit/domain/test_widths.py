"""The option `widths`: what it takes, what it becomes, and what it does to names and keys."""

import json
from typing import Any

import pytest

from imagemill.domain.limits import MAX_OUTPUTS
from imagemill.domain.recipe import Recipe
from imagemill.domain.widths import Breakpoints, Widths
from imagemill.errors import InvalidOptions


def refusals(place: str = "", **options: Any) -> list[str]:
    """Where a request is refused, below a place."""
    with pytest.raises(InvalidOptions) as caught:
        Recipe.parse(options)
    return [problem.pointer.removeprefix(place) for problem in caught.value.problems]


def test_auto_is_the_defaults_by_one_word() -> None:
    """However they are spelled, the same widths are the same job."""
    spellings = ["auto", {}, {"from": 320}, {"from": 320, "to": 1920, "stepBytes": 20000, "most": 5}]
    assert {Recipe.parse({"widths": each}).canonical() for each in spellings} == {'[{"widths":"auto"}]'}


def test_what_differs_is_spelled_and_read_again() -> None:
    """The record's spelling is short, and gives the same recipe."""
    recipe = Recipe.parse({"widths": {"from": 100, "to": 1920, "most": 3}})
    assert recipe.canonical() == '[{"widths":{"from":100,"most":3}}]'
    assert Recipe.from_canonical(recipe.canonical()) == recipe
    assert recipe.outputs[0].widths == Widths(narrowest=100, most=3)


@pytest.mark.parametrize("text", ["auto", "{}", '{"most": 5}'])
def test_a_text_is_the_word_or_json(text: str) -> None:
    """Forms and queries have texts only."""
    assert Recipe.parse_text({"widths": text}) == Recipe.parse({"widths": "auto"})


@pytest.mark.parametrize("text", ["", "small", "5", "[]", "{", "null", "[" * 10_000])
def test_any_other_text_is_refused(text: str) -> None:
    """Rubbish is an answer of 422 and nothing else."""
    with pytest.raises(InvalidOptions, match="widths"):
        Recipe.parse_text({"widths": text})


@pytest.mark.parametrize("value", [None, 5, "Auto", [], {"from": 500, "to": 500}, {"from": 2000}, {"to": 320}], ids=str)
def test_what_is_no_choice_is_refused(value: object) -> None:
    """The word or an object, and from a width to a larger one."""
    assert refusals(widths=value) == ["/widths"]


@pytest.mark.parametrize(
    "value",
    [
        {"width": 3}, {"from": 0}, {"from": True}, {"to": 16384}, {"stepBytes": 0}, {"stepBytes": 1.5},
        {"most": 1}, {"most": MAX_OUTPUTS + 1},
    ],
    ids=str,
)  # fmt: skip
def test_a_wrong_part_is_refused_at_its_place(value: dict[str, object]) -> None:
    """Ranges and whole numbers, however the object is sent; a word that there is not has nothing to say."""
    places = [f"/widths/{word}" for word in value]
    assert refusals(widths=value) == refusals(outputs=[{"widths": value}], place="/outputs/0") == places
    with pytest.raises(InvalidOptions) as caught:
        Recipe.parse_text({"widths": json.dumps(value)})
    assert [problem.pointer for problem in caught.value.problems] == places


def test_widths_are_checked_at_birth() -> None:
    """Code that makes them is told like a client."""
    with pytest.raises(InvalidOptions):
        Widths(most=1)


def test_the_schema_takes_what_the_kind_takes() -> None:
    """A client that reads the description finds the word and the four parts."""
    word, parts = Breakpoints().schema()["anyOf"]
    assert word["const"] == "auto"
    assert set(parts["properties"]) == {"from", "to", "stepBytes", "most"}
    assert Breakpoints().text_schema()["anyOf"][1]["contentSchema"] == parts
    assert json.dumps(parts)


@pytest.mark.parametrize(
    ("options", "pointer"),
    [
        ({"dpr": 2}, "/dpr"),
        ({"minWidth": 100}, "/minWidth"),
        ({"minHeight": 100}, "/minHeight"),
        ({"pad": [0, 5]}, "/pad"),
        ({"width": 100}, "/width"),
        ({"height": 100}, "/height"),
        ({"width": 16, "height": 9, "fit": "inside"}, "/fit"),
        ({"width": 1, "height": 9}, "/widths"),
        ({"name": "n" * 31}, "/name"),
    ],
)
def test_what_contradicts_widths_is_refused(options: dict[str, object], pointer: str) -> None:
    """Nothing is silently dropped: neither a width, nor a shape that the picture would not take."""
    assert refusals(widths="auto", **options) == [pointer]


def test_a_shape_is_kept_at_every_width() -> None:
    """Width and height together are proportions; halves of a pixel go up."""
    output = Recipe.parse({"widths": "auto", "width": 16, "height": 9}).outputs[0]
    assert [(made.width, made.height, made.widths) for made in map(output.at_width, (320, 1000, 8))] == [
        (320, 180, None),
        (1000, 563, None),
        (8, 5, None),
    ]
    assert output.largest == output.at_width(1920)


def test_names_are_numbered_and_differ() -> None:
    """Which keys a job may write is known before it is done; no other output can have one of its names."""
    assert Recipe.parse({"widths": "auto"}).outputs[0].names == tuple(f"image-{at}" for at in range(1, 6))
    assert refusals(outputs=[{"name": "a", "widths": "auto"}, {"name": "a-2"}]) == ["/outputs/1/name"]


def test_all_outputs_together_are_bounded() -> None:
    """`most` counts as many outputs, whether they are made or not."""
    assert len(Recipe.parse({"widths": "auto", "outputs": [{}] * 4}).outputs) == 4
    assert refusals(widths="auto", outputs=[{}] * 5) == ["/outputs"]


def test_the_largest_box_is_checked() -> None:
    """A shape that makes too many pixels at its greatest width is refused where it was asked for."""
    recipe = Recipe.parse({"widths": "auto", "width": 1, "height": 2})
    with pytest.raises(InvalidOptions) as caught:
        recipe.check_boxes(1_000_000)
    assert [problem.pointer for problem in caught.value.problems] == ["/widths"]
    recipe.check_boxes(1920 * 3840)
