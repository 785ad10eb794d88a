"""Tables of options: a frozen dataclass whose fields each carry a kind, a default and a sentence.

One table describes an output, others what an option holds that is an object itself. Knows no option by name.
"""

import dataclasses
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from functools import cache
from typing import Any, TypeVar

from imagemill.domain.options import JsonObject, Kind, pointer, refuse
from imagemill.errors import InvalidOptions, OptionProblem

_Given = TypeVar("_Given")

_SHORTEST_MEANT, _LONGEST_MEANT = 3, 24
"""Letters of a name that is taken for a slip of the pen: fewer could be any word, and no option has more."""


@dataclass(frozen=True, slots=True)
class Option:
    """What a table says of one option.

    Args:
        name: in JSON, forms, queries and flags.
        field: in Python.
        kind: its type and range.
        default: the value where it is left out.
        sentence: what it does.
    """

    name: str
    field: str
    kind: Kind
    default: Any
    sentence: str


Table = Mapping[str, Option]
"""Options by JSON name, in the order of the documentation."""


def option(kind: Kind, default: Any, sentence: str) -> Any:
    """A row: a field of the dataclass with all that the table has to say of it."""
    return field(default=default, metadata={"kind": kind, "sentence": sentence})


def table_of(nouns: type) -> Table:
    """The rows of a dataclass."""
    return {
        _camel(item.name): Option(
            _camel(item.name), item.name, item.metadata["kind"], item.default, item.metadata["sentence"]
        )
        for item in dataclasses.fields(nouns)
    }


def known(table: Table, name: str) -> Option:
    """The row of this name. Raises ValueError, which names the row that may have been meant."""
    if name not in table:
        meant = _meant(tuple(table), name)
        raise ValueError(
            f"is not an option; {f'did you mean {meant}?' if meant else 'the documentation lists them all'}"
        )
    return table[name]


def read_values(table: Table, options: JsonObject) -> dict[str, Any]:
    """Values by field, of options as a JSON parser returns them.

    Raises:
        InvalidOptions: with a pointer for each unknown or wrong option, all at once.
    """
    values = read_each(options, lambda name, value: known(table, name).kind.read(value))
    return {table[name].field: value for name, value in values.items()}


def read_each(options: Mapping[str, _Given], read: Callable[[str, _Given], Any]) -> dict[str, Any]:
    """What is read of each option, by its name.

    Raises:
        InvalidOptions: with a pointer for each that could not be read, all at once.
    """
    values: dict[str, Any] = {}
    problems: list[OptionProblem] = []
    for name, value in options.items():
        try:
            values[name] = read(name, value)
        except ValueError as error:
            problems.append(OptionProblem(pointer(name), str(error)))
        except InvalidOptions as error:
            problems += below(error.problems, name)
    refuse(problems)
    return values


def value_problems(table: Table, row: object) -> Iterator[OptionProblem]:
    """What is wrong with the values of a dataclass, each looked at for itself."""
    for item in table.values():
        value = getattr(row, item.field)
        if value is item.default:
            continue
        try:
            item.kind.read(value)
        except ValueError as error:
            yield OptionProblem(pointer(item.name), str(error))
        except InvalidOptions as error:
            yield from below(error.problems, item.name)


def below(problems: Iterable[OptionProblem], *place: str | int) -> Iterator[OptionProblem]:
    """The problems of something that lies at a place, told from one level higher."""
    for problem in problems:
        yield OptionProblem(pointer(*place) + problem.pointer, problem.detail)


def canonical(table: Table, row: object) -> dict[str, Any]:
    """The options that differ from their defaults, by JSON name, as JSON values.

    What equals its default is left out, so that a release that adds an option changes no existing token.
    """
    return {item.name: _plain(value) for item in table.values() if (value := getattr(row, item.field)) != item.default}


def _meant(names: tuple[str, ...], given: str) -> str | None:
    # Looked up and not compared with each, as a request has room for thousands of them.
    if len(given) > _LONGEST_MEANT:
        return None
    return next((near for part in _one_letter_less(given) if (near := _near(names).get(part))), None)


@cache
def _near(names: tuple[str, ...]) -> Mapping[str, str]:
    return {part: name for name in reversed(names) for part in _one_letter_less(name)}


def _one_letter_less(name: str) -> list[str]:
    # Two names have one of these in common where a letter was forgotten, doubled, exchanged with its neighbour or for
    # another one, and where words are joined or cased in another way.
    word = re.sub(r"[-_ ]", "", name.casefold())
    return [word, *(word[:place] + word[place + 1 :] for place in range(len(word)) if len(word) > _SHORTEST_MEANT)]


def _camel(name: str) -> str:
    return re.sub(r"_(\w)", lambda match: match[1].upper(), name)


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == int(value) else float(value)
    if isinstance(value, StrEnum):
        return str(value)
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return _plain(value.plain()) if hasattr(value, "plain") else value
