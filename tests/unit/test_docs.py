"""The documents say what the code does: a table that has fallen behind fails."""

import json
import re
from pathlib import Path
from urllib.parse import parse_qsl

import pybase64
import pytest
from docs import illustrate

from imagemill import errors
from imagemill.domain.encoding import OutputFormat
from imagemill.domain.formats import ImageFormat, sniff
from imagemill.domain.geometry import Fit
from imagemill.domain.output import OPTIONS
from imagemill.domain.recipe import Recipe
from imagemill.web.problems import TYPES
from tests import images

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


def section(title: str) -> str:
    """The text of a section of the README."""
    found = re.search(rf"^## {title}$(.*?)(?=^## |\Z)", README, re.MULTILINE | re.DOTALL)
    assert found, f"the README has no section {title}"
    return found[1]


def words(text: str) -> set[str]:
    """Everything in backticks."""
    return set(re.findall(r"`([^`]+)`", text))


def test_the_readme_lists_every_option_and_word() -> None:
    """Each option of a recipe has a row, and each word of an enumeration stands there, or its kind's first ones."""
    told = words(section("Options"))
    assert set(OPTIONS) | {"outputs"} <= told
    assert {str(word) for word in OutputFormat} <= told
    assert set(OPTIONS["fit"].kind.schema()["enum"]) <= told


def told_in_output() -> set[str]:
    """The options that say how a file is written: they have a page of their own."""
    names = [*OPTIONS]
    return {"format", "quality", *names[names.index("score") : names.index("animated") + 1]}


def told_in_extras() -> set[str]:
    """The options that say what the answer tells beside the picture: so have they."""
    names = [*OPTIONS]
    return set(names[names.index("placeholder") :])


def test_every_extra_has_a_heading() -> None:
    """What comes beside the picture has a section of its own; two of them need no option."""
    headings = set(re.findall(r"^## (\w+)$", (ROOT / "docs" / "extras.md").read_text(), re.MULTILINE))
    assert headings == told_in_extras() | {"markup", "plan"}


def test_every_option_of_the_file_has_a_heading() -> None:
    """What says how an output is written has a section of its own, under the option's own word."""
    headings = set(re.findall(r"^## (\w+)$", (ROOT / "docs" / "output.md").read_text(), re.MULTILINE))
    assert headings == told_in_output()


def test_the_page_of_options_has_them_all() -> None:
    """Each option has a heading, under which default and range stand, and most a picture that is there."""
    sections = {
        word: text
        for title, text in re.findall(
            r"^## (.*)$((?:\n(?!#).*)*)", illustrate.DOCS.joinpath("options.md").read_text(), re.MULTILINE
        )
        for word in words(title)
    }
    assert sections.keys() == (set(OPTIONS) | {"outputs"}) - told_in_output() - told_in_extras()
    assert all("**Default**: " in text and "**Range**: " in text for text in sections.values())
    assert {word for word, text in sections.items() if "![" not in text} == {"name", "outputs"}


def test_the_pictures_of_options_are_what_they_say() -> None:
    """Each picture has the size that its text makes of the source; no other file lies beside them."""
    told = dict(illustrate.pictures())
    assert set(told) == set(illustrate.DOCS.joinpath("options").iterdir())
    for path, recipes in told.items():
        made, kept = (images.opened(data) for data in (illustrate.make(recipes), path.read_bytes()))
        assert made.size == kept.size, path.name


def test_the_readme_lists_every_error_code() -> None:
    """A client author finds every code that the API can answer with, or that a failed job can carry."""
    told = words(section("Errors"))
    internal = {errors.LeaseLost.code, errors.CommandRefused.code, errors.ConfigurationError.code}
    assert set(TYPES) - internal <= told


def test_the_readme_gives_each_code_its_status() -> None:
    """A code stands in the row of the status that it comes with."""
    rows = re.findall(r"^\| (\d{3}) \| (.*) \|$", section("Errors"), re.MULTILINE)
    assert all(TYPES[code].status == int(status) for status, row in rows for code in words(row) & set(TYPES))


def test_every_recipe_among_the_aliases_is_one() -> None:
    """What the page of other services' words tells to send is accepted, and covers every fit."""
    rows = re.findall(r"^\| `(\w+=[^`]*)` \|", (ROOT / "docs" / "aliases.md").read_text(), re.MULTILINE)
    recipes = [Recipe.parse_text(dict(parse_qsl(row))) for row in rows]
    told = {name for row in rows for name, _ in parse_qsl(row)}
    assert told >= set(OPTIONS) - {"width", "height", "dpr", "effort", "name"}
    assert {recipe.outputs[0].fit for recipe in recipes} == set(Fit)


def test_the_example_request_is_one() -> None:
    """`examples/request.json` holds the photograph beside it, and options that are valid."""
    request = json.loads((ROOT / "examples" / "request.json").read_text())
    image = pybase64.b64decode(request.pop("imageData"), validate=True)
    assert image == (ROOT / "examples" / "photo.jpg").read_bytes()
    assert sniff(image) is ImageFormat.JPEG
    assert Recipe.parse(request)


def test_every_query_among_the_examples_is_a_recipe() -> None:
    """What the page tells to type is accepted."""
    text = (ROOT / "examples" / "README.md").read_text()
    queries = re.findall(r"(?:resize\?|resize \")(\w[^\"]*)\"", text)
    assert len(queries) > 10
    assert all(Recipe.parse_text(dict(parse_qsl(query))) for query in queries)


@pytest.mark.parametrize("path", sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md")), ids=lambda path: path.stem)
def test_a_decision_is_short_and_listed(path: Path) -> None:
    """A decision has at most forty lines, its three parts, and a line in the index."""
    text = path.read_text()
    assert len(text.splitlines()) <= 40
    assert all(f"**{part}.**" in text for part in ("Context", "Decision", "Consequences"))
    assert path.name in (path.parent / "README.md").read_text()


def test_links_between_documents_lead_somewhere() -> None:
    """Every relative link in a document names a file that is there, and if it names a heading, one that is in it."""
    folders = ("benchmarks", "deploy", "docs", "examples", "src")
    for document in [*ROOT.glob("*.md"), *(found for folder in folders for found in ROOT.glob(f"{folder}/**/*.md"))]:
        for target, heading in re.findall(r"\]\(([^)#:]*)(?:#([^)]+))?\)", document.read_text()):
            place = document.parent / target if target else document
            assert place.exists(), f"{document.name} links to {target}"
            assert not heading or heading in _anchors(place), f"{document.name} links to {target}#{heading}"


def _anchors(document: Path) -> set[str]:
    # As GitHub makes them: lower case, spaces as hyphens, and of all else letters, digits, hyphens and underscores.
    headings = re.findall(r"^#+ (.+)$", document.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("room", ["web", "observability"])
def test_the_map_of_a_room_names_each_of_its_files(room: str) -> None:
    """Who reads the first lines of a room that has a map knows all that is in it."""
    folder = ROOT / "src" / "imagemill" / room
    named = re.findall(r"^(\w+\.py) ", (folder / "__init__.py").read_text(), re.MULTILINE)
    assert sorted(named) == sorted(path.name for path in folder.glob("*.py") if path.name != "__init__.py")
