"""Widths that are chosen by bytes: how many sizes of a picture are worth offering, and the option that asks for it.

The idea is Cloudinary's: a page needs a further width where the next one is so many bytes away, not so many pixels.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from imagemill.domain.geometry import MAX_SIDE
from imagemill.domain.limits import MAX_OUTPUTS
from imagemill.domain.options import JsonObject, Whole, refuse
from imagemill.domain.table import Table, canonical, option, read_values, table_of, value_problems
from imagemill.errors import OptionProblem

AUTO = "auto"
"""The word for the widths that suit most pages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Widths:
    """What to choose from. Raises InvalidOptions at birth unless all is in its range, and the ends in their order."""

    narrowest: int = option(Whole(1, MAX_SIDE), 320, "The smallest width, in device pixels.")
    widest: int = option(Whole(1, MAX_SIDE), 1920, "The largest; the picture's own, where that is less.")
    step_bytes: int = option(
        Whole(1, 999_999_999), 20_000, "How many bytes neighbours differ by at most, as long as `most` suffices."
    )
    most: int = option(Whole(2, MAX_OUTPUTS), 5, "How many widths at most.")

    def __post_init__(self) -> None:
        refuse(self._problems())

    def _problems(self) -> Iterator[OptionProblem]:
        yield from value_problems(WIDTHS, self)
        if self.narrowest >= self.widest:
            usual = WIDTHS["from"].default, WIDTHS["to"].default
            yield OptionProblem("", f"must go from a width to a larger one; left out, {usual[0]} to {usual[1]}")

    def plain(self) -> Any:
        """As JSON writes it."""
        return canonical(WIDTHS, self) or AUTO


_WORDS = {"narrowest": "from", "widest": "to"}  # `from` can be no name in Python
WIDTHS: Table = {
    word: replace(row, name=word) for name, row in table_of(Widths).items() for word in [_WORDS.get(row.field, name)]
}
"""What an object of widths may say."""


@dataclass(frozen=True, slots=True)
class Breakpoints:
    """The word `auto`, or an object with any of `from`, `to`, `stepBytes` and `most`; in a text, as JSON."""

    def read(self, value: object) -> Widths:
        """Accept either. Raises InvalidOptions with a pointer to each fault in an object."""
        if isinstance(value, Widths):
            return value
        if value == AUTO:
            return Widths()
        if not isinstance(value, dict):
            raise ValueError(_RULE)
        options: JsonObject = value
        return Widths(**read_values(WIDTHS, options))

    def read_text(self, text: str) -> Widths:
        """Accept the word as it is, or the object as JSON."""
        try:
            value = AUTO if text == AUTO else json.loads(text)
        except (json.JSONDecodeError, RecursionError):
            value = None
        return self.read(value)

    def schema(self) -> dict[str, Any]:
        """Either."""
        return {"anyOf": [_WORD, _object()]}

    def text_schema(self) -> dict[str, Any]:
        """Either; the object is a string that holds it."""
        return {
            "anyOf": [_WORD, {"type": "string", "contentMediaType": "application/json", "contentSchema": _object()}]
        }


_RULE = "must be the word auto, or an object with any of " + ", ".join(WIDTHS)
_WORD = {"type": "string", "const": AUTO}


def _object() -> dict[str, Any]:
    properties = {name: {**row.kind.schema(), "description": row.sentence} for name, row in WIDTHS.items()}
    return {"type": "object", "properties": properties, "additionalProperties": False}
