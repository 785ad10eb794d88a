"""The recipe: one spelling per meaning, and every fault named at once."""

import dataclasses
import json
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagemill.domain.encoding import PALETTES, Chroma, Metadata, OutputFormat, Profile
from imagemill.domain.geometry import MAX_SIDE, Box, Fit, Gravity, Sides, Size
from imagemill.domain.limits import MAX_OUTPUTS
from imagemill.domain.output import OPTIONS, Output
from imagemill.domain.placeholder import Placeholder
from imagemill.domain.recipe import Recipe
from imagemill.domain.regions import Region
from imagemill.errors import InvalidOptions


def hundredths(least: int, most: int) -> st.SearchStrategy[float]:
    """Numbers with two decimal places."""
    return st.integers(least, most).map(lambda number: number / 100)


OUTPUT_OPTIONS: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {},
    optional={
        "width": st.integers(1, 2000),
        "height": st.integers(1, 2000),
        "fit": st.sampled_from([str(fit) for fit in Fit]),
        "gravity": st.sampled_from([str(gravity) for gravity in Gravity])
        | st.lists(hundredths(0, 100), min_size=2, max_size=2),
        "enlarge": st.booleans(),
        "dpr": hundredths(100, 800),
        "background": st.from_regex("#(?:[0-9a-f]{3}|[0-9a-fA-F]{6})", fullmatch=True),
        "format": st.sampled_from([str(word) for word in OutputFormat]),
        "quality": st.integers(1, 100) | st.just("auto"),
        "score": st.integers(9000, 9999).map(lambda parts: parts / 10_000),
        "maxBytes": st.integers(1, 999_999_999),
        "progressive": st.booleans(),
        "chroma": st.sampled_from([str(word) for word in Chroma]),
        "palette": st.sampled_from(PALETTES),
        "effort": st.integers(0, 9),
        "metadata": st.sampled_from([str(word) for word in Metadata]),
        "profile": st.sampled_from([str(word) for word in Profile]),
        "animated": st.booleans(),
        "crop": st.sampled_from([[0, 0, 5, 5], ["10%", 3, "12.5%", 9], [1, 2, 3, 4]]),
        "trim": st.integers(0, 255),
        "rotate": st.integers(-360, 360),
        "flip": st.booleans(),
        "zoom": hundredths(100, 1000),
        "pad": st.integers(0, 20) | st.lists(st.integers(0, 20), min_size=4, max_size=4),
        "saturation": hundredths(0, 1000),
        "blur": hundredths(0, 25_000),
        "tint": st.sampled_from(["red", "#f00", "rgb(1 2 3 / 50%)"]),
        "watermark": st.sampled_from([{"text": "a"}, {"text": "a", "tile": True}, {"text": "b", "scale": 0.5}]),
        "circle": st.booleans(),
        "placeholder": st.sampled_from([str(word) for word in Placeholder]),
        "dominantColor": st.booleans(),
    },
)


def pointers(options: dict[str, Any]) -> list[str]:
    with pytest.raises(InvalidOptions) as caught:
        Recipe.parse(options)
    return [problem.pointer for problem in caught.value.problems]


def test_no_option_at_all_is_a_small_square() -> None:
    """100 × 100, cover, the source's own family."""
    (output,) = Recipe.parse({}).outputs
    assert output == Output(width=100, height=100, fit=Fit.COVER, format=OutputFormat.AUTO)


def test_other_options_alone_keep_the_sources_size() -> None:
    """The default box is for a request without any option only."""
    (output,) = Recipe.parse({"format": "webp"}).outputs
    assert (output.width, output.height) == (None, None)


def test_spellings_of_the_same_recipe_are_one() -> None:
    """Defaults spelled out, colours long or short, numbers with or without a fraction: the token is the same."""
    assert (
        Recipe.parse({"width": 100, "height": 100}).canonical()
        == Recipe.parse({}).canonical()
        == Recipe.parse({"height": 100, "width": 100, "fit": "cover", "dpr": 1.0, "enlarge": False}).canonical()
        == Recipe.parse_text({"width": "100", "height": "0100", "dpr": "1.00"}).canonical()
    )
    assert Recipe.parse({"background": "#FFF"}).canonical() == Recipe.parse({"background": "white"}).canonical()
    assert Recipe.parse({"rotate": -90, "pad": 0}).canonical() == Recipe.parse({"rotate": 270}).canonical()
    assert Recipe.parse({"gravity": [0.5, 0.5], "hue": 360, "format": "png"}) == Recipe.parse({"format": "png"})
    assert Recipe.parse({"crop": [0, 0, 50, 50]}) != Recipe.parse({"crop": [0, 0, "50%", "50%"]})


def test_new_options_change_no_token() -> None:
    """The canonical form of a recipe without them is what it was before they came."""
    options = {"width": 300, "height": 200, "fit": "contain", "gravity": "top", "dpr": 1.5, "background": "#ff880080"}
    spelled = '[{"background":"#ff880080","dpr":1.5,"fit":"contain","gravity":"top","height":200,"width":300}]'
    assert Recipe.parse(options).canonical() == spelled


@given(options=OUTPUT_OPTIONS)
def test_what_is_recorded_can_be_read_again(options: dict[str, Any]) -> None:
    """The canonical form holds the whole recipe."""
    recipe = Recipe.parse(options)
    assert Recipe.from_canonical(recipe.canonical()) == recipe


@given(options=OUTPUT_OPTIONS)
def test_text_means_what_json_means(options: dict[str, Any]) -> None:
    """A form and a JSON object with the same options are the same job."""
    texts = {name: _text(value) for name, value in options.items()}
    assert Recipe.parse_text(texts) == Recipe.parse(options)


@given(first=OUTPUT_OPTIONS, second=OUTPUT_OPTIONS)
def test_different_recipes_differ_in_their_spelling(first: dict[str, Any], second: dict[str, Any]) -> None:
    """Two recipes share a canonical form only if they are equal."""
    one, other = Recipe.parse(first), Recipe.parse(second)
    assert (one == other) is (one.canonical() == other.canonical())


def test_outputs_inherit_what_stands_beside_them() -> None:
    """Options beside `outputs` are each output's defaults; names are numbered."""
    recipe = Recipe.parse(
        {"width": 300, "format": "webp", "outputs": [{}, {"width": 600}, {"name": "Big", "width": 900}]}
    )
    assert [(output.name, output.width, output.format.value) for output in recipe.outputs] == [
        ("image-1", 300, "webp"),
        ("image-2", 600, "webp"),
        ("big", 900, "webp"),
    ]


def test_outputs_can_come_as_a_text() -> None:
    """A form or a query carries the list as JSON."""
    assert Recipe.parse_text({"outputs": '[{"width": 5}]'}) == Recipe.parse({"outputs": [{"width": 5}]})


def test_every_fault_is_named_at_once() -> None:
    """A client mends its request in one go."""
    assert pointers({"widht": 1, "height": 0, "fit": "crop"}) == ["/widht", "/height", "/fit"]
    assert pointers({"quality": 0, "outputs": [{"width": 0}, 3, {"bogus": None}]}) == [
        "/quality",
        "/outputs/0/width",
        "/outputs/1",
        "/outputs/2/bogus",
    ]


@pytest.mark.parametrize(
    ("options", "pointer"),
    [
        ({"outputs": []}, "/outputs"),
        ({"outputs": [{}] * (MAX_OUTPUTS + 1)}, "/outputs"),
        ({"outputs": {"width": 1}}, "/outputs"),
        ({"name": "x", "outputs": [{}]}, "/name"),
        ({"outputs": [{"name": "a"}, {"name": "A"}]}, "/outputs/1/name"),
        ({"outputs": [{"outputs": [{}]}]}, "/outputs/0/outputs"),
        ({"width": MAX_SIDE, "dpr": 1.01}, "/width"),
        ({"outputs": [{"height": 9000, "dpr": 2}]}, "/outputs/0/height"),
        ({"width": None}, "/width"),
        ({"width": MAX_SIDE, "pad": [0, 0, 0, 1]}, "/width"),
        ({"pad": [0, 4000], "dpr": 3}, "/pad"),
        ({"pad": 4000, "dpr": 8}, "/pad"),
        ({"minWidth": MAX_SIDE, "dpr": 2}, "/minWidth"),
        ({"width": 10, "minWidth": 11}, "/minWidth"),
        ({"height": 10, "minHeight": 11}, "/minHeight"),
        ({"circle": True, "radius": 3}, "/radius"),
        ({"watermark": {"text": ""}}, "/watermark/text"),
        ({"outputs": [{"watermark": {"scale": 1}}]}, "/outputs/0/watermark"),
    ],
)
def test_a_fault_is_pointed_at(options: dict[str, Any], pointer: str) -> None:
    """Each fault carries a JSON pointer to where it is."""
    assert pointers(options) == [pointer]


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("widht", "width"),
        ("WIDTH", "width"),
        ("with", "width"),
        ("min_width", "minWidth"),
        ("max-bytes", "maxBytes"),
        ("greyscale", "grayscale"),
        ("watermarks", "watermark"),
        ("dp", None),
        ("rotation", None),
        ("w" * 80, None),
    ],
)
def test_a_slip_of_the_pen_is_told_what_it_may_have_meant(given: str, meant: str | None) -> None:
    """One letter less, more or other, two exchanged, another case or joint; not where that could mean anything."""
    with pytest.raises(InvalidOptions) as caught:
        Recipe.parse({given: 1})
    (problem,) = caught.value.problems
    assert problem.detail.partition("; ")[2] == (
        f"did you mean {meant}?" if meant else "the documentation lists them all"
    )


@pytest.mark.parametrize(
    ("texts", "pointer"),
    [
        ({"outputs": "[{"}, "/outputs"),
        ({"width": "ten"}, "/width"),
        ({"colour": "red"}, "/colour"),
        ({"watermark": "{"}, "/watermark"),
        ({"watermark": '{"text": ""}'}, "/watermark/text"),
    ],
)
def test_a_fault_in_a_text_is_pointed_at(texts: dict[str, str], pointer: str) -> None:
    """Forms and queries get the same answer as JSON."""
    with pytest.raises(InvalidOptions) as caught:
        Recipe.parse_text(texts)
    assert [problem.pointer for problem in caught.value.problems] == [pointer]


@pytest.mark.parametrize(
    ("options", "pointer"),
    [
        ({"width": 101, "height": 100}, "/width"),
        ({"width": 51, "height": 50, "dpr": 2}, "/width"),
        ({"outputs": [{"width": 1}, {"width": 101, "height": 100}]}, "/outputs/1/width"),
        ({"outputs": [{"width": 101, "height": 100}]}, "/outputs/0/width"),
        ({"width": 101, "height": 100, "name": "ada"}, "/width"),
        ({"outputs": [{"width": 101, "height": 100, "name": "image"}]}, "/outputs/0/width"),
        ({"minWidth": 101, "minHeight": 100}, "/minWidth"),
        ({"width": 90, "pad": 60}, "/width"),
        ({"pad": 60}, "/pad"),
    ],
)
def test_a_box_over_the_limit_is_pointed_at(options: dict[str, Any], pointer: str) -> None:
    """An output that would have too many pixels is refused before any work, not shrunk in silence."""
    recipe = Recipe.parse(options)
    with pytest.raises(InvalidOptions) as caught:
        recipe.check_boxes(10_000)
    assert [problem.pointer for problem in caught.value.problems] == [pointer]


@pytest.mark.parametrize(
    "options", [{"width": 100, "height": 100}, {"width": 6000, "dpr": 1.5}, {"width": 9000}, {"height": 9000}, {}]
)
def test_a_box_within_the_limit_passes(options: dict[str, Any]) -> None:
    """At the limit is fine; a side that follows from the other is bounded when the source is known."""
    Recipe.parse(options).check_boxes(10_000)


@pytest.mark.parametrize(
    ("options", "pointer"),
    [
        ({"crop": [100, 0, 5, 5]}, "/crop"),
        ({"outputs": [{}, {"crop": [0, "100%", 5, 5]}]}, "/outputs/1/crop"),
    ],
)
def test_a_crop_outside_of_the_picture_is_pointed_at(options: dict[str, Any], pointer: str) -> None:
    """It is refused when the picture's size is known."""
    with pytest.raises(InvalidOptions) as caught:
        Recipe.parse(options).check_source(Size(100, 100))
    assert [problem.pointer for problem in caught.value.problems] == [pointer]


def test_a_region_is_what_of_a_crop_is_in_the_picture() -> None:
    """None where that is all of it."""
    size = Size(100, 100)
    Recipe.parse({"crop": [99, 0, 5, 5]}).check_source(size)
    assert Output().region(size) is None
    assert Output(crop=Region(0, 0, 200, 100)).region(size) is None
    assert Output(crop=Region(90, 0, 20, 5)).region(size) == Box(90, 0, Size(10, 5))


def test_marks_are_named_with_where_they_stand() -> None:
    """So that one that is not there can be pointed at."""
    token = "01000000-0000-5000-8000-000000000000"
    assert Recipe.parse({"watermark": {"image": token}}).marks == {UUID(token): "/watermark/image"}
    several = Recipe.parse({"outputs": [{"watermark": {"text": "a"}}, {"watermark": {"image": token}}, {}]})
    assert several.marks == {UUID(token): "/outputs/1/watermark/image"}


def test_an_aim_is_in_device_pixels() -> None:
    """Each length of framing is multiplied by dpr; what is left out stays so."""
    aim = Output(width=10, dpr=Decimal("1.5"), min_height=7, pad=Sides(0, 1, 2, 3), zoom=Decimal(2)).aim(1000)
    assert (aim.width, aim.height, aim.minimum, aim.zoom) == (15, None, Size(1, 11), 2)
    assert aim.pad == Sides(0, 2, 3, 5)


def test_a_fault_repeats_no_value() -> None:
    """What was sent does not come back in the answer."""
    with pytest.raises(InvalidOptions) as caught:
        Recipe.parse({"background": "<script>", "fit": "<script>", "width": "<script>"})
    assert "script" not in str(caught.value)


def test_an_output_is_checked_at_birth() -> None:
    """Python code cannot make a bad output either."""
    with pytest.raises(InvalidOptions):
        Output(width=0)
    with pytest.raises(InvalidOptions):
        Output(width=9000, dpr=OPTIONS["dpr"].kind.read(2))
    with pytest.raises(InvalidOptions):
        Output(watermark={"text": ""})  # type: ignore[arg-type]
    with pytest.raises(InvalidOptions):
        Recipe(())


def test_every_option_is_documented_and_has_a_kind() -> None:
    """The table of options is complete: one row for each field, with a sentence."""
    assert [option.field for option in OPTIONS.values()] == [field.name for field in dataclasses.fields(Output)]
    assert all(option.sentence.endswith(".") for option in OPTIONS.values())


@pytest.mark.parametrize(
    ("options", "pointer"),
    [
        ({"lossless": True, "format": "jpeg"}, "/lossless"),
        ({"lossless": True, "format": "gif"}, "/lossless"),
        ({"lossless": True, "format": "avif", "animated": True}, "/lossless"),
        ({"lossless": True, "palette": 16}, "/palette"),
        ({"outputs": [{"lossless": True, "format": "jpeg"}]}, "/outputs/0/lossless"),
    ],
)
def test_a_promise_that_cannot_be_kept_is_refused(options: dict[str, Any], pointer: str) -> None:
    """Nothing is lossy in silence."""
    assert pointers(options) == [pointer]


def test_a_wrong_value_is_told_before_what_follows_from_it() -> None:
    """One fault gives one sentence."""
    assert pointers({"lossless": 1, "format": "jpeg"}) == ["/lossless"]
    with pytest.raises(InvalidOptions) as caught:
        Output(lossless="yes", format=OutputFormat.JPEG)
    assert [problem.pointer for problem in caught.value.problems] == ["/lossless"]


def test_what_a_format_has_no_use_for_is_ignored() -> None:
    """One set of options serves outputs of several formats."""
    shared = {"effort": 3, "progressive": True, "chroma": "4:4:4", "palette": 16, "animated": True, "quality": 50}
    recipe = Recipe.parse({**shared, "outputs": [{"format": word.value} for word in OutputFormat]})
    assert len(recipe.outputs) == len(OutputFormat)


def test_tokens_of_earlier_releases_stand() -> None:
    """What equals a default is not spelled, so that no recipe without the newer options is spelled in another way."""
    assert Recipe.parse({"width": 320, "quality": 80}).canonical() == '[{"quality":80,"width":320}]'
    assert (
        Recipe.parse({"score": 0.997, "metadata": "none", "animated": False, "width": 1}).canonical() == '[{"width":1}]'
    )


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ",".join(map(str, value))
    return value if isinstance(value, str) else json.dumps(value)
