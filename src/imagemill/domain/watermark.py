"""What is laid over a picture: which image or text, where, how large, how clearly."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from imagemill.domain.colours import Colour
from imagemill.domain.geometry import Gravity, Sides
from imagemill.domain.options import Choice, Flag, JsonObject, Line, Number, Pattern, refuse
from imagemill.domain.regions import Around
from imagemill.domain.table import canonical, option, read_values, table_of, value_problems
from imagemill.errors import OptionProblem

_TOKEN = Pattern("[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", "a token")


@dataclass(frozen=True, slots=True, kw_only=True)
class Watermark:
    """A watermark. Raises InvalidOptions at birth unless it is one image or one text, and all else is in its range."""

    image: str | None = option(_TOKEN, None, "Token of a finished job of yours: its first output is the mark.")
    text: str | None = option(Line(100), None, "A line of text in the place of an image.")
    color: str = option(Colour(), "#ffffff", "Colour of the text.")
    gravity: Gravity = option(Choice(Gravity), Gravity.BOTTOM_RIGHT, "Where in the picture the mark lies.")
    offset: Sides = option(
        Around(), Sides(), "How far from the edges; between tiles, the room around each. In CSS pixels."
    )
    scale: Decimal = option(
        Number(0.05, 1), Decimal("0.25"), "The box that the mark fills, as a share of the picture's sides."
    )
    opacity: Decimal = option(Number(0, 1), Decimal(1), "0 is invisible, 1 as opaque as the mark itself.")
    tile: bool = option(Flag(), False, "Whether the mark covers the picture, again and again.")

    def __post_init__(self) -> None:
        refuse(self._problems())

    def _problems(self) -> Iterator[OptionProblem]:
        yield from value_problems(WATERMARK, self)
        if (self.image is None) == (self.text is None):
            yield OptionProblem("", "must have either an image or a text")

    @property
    def token(self) -> UUID | None:
        """Of the job whose output is the mark."""
        return UUID(self.image) if self.image else None

    def plain(self) -> dict[str, Any]:
        """As JSON writes it."""
        return canonical(WATERMARK, self)


WATERMARK = table_of(Watermark)
"""Every option of a watermark."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A watermark as an object; in a text, as JSON."""

    def read(self, value: object) -> Watermark:
        """Accept an object with an `image` or a `text`. Raises InvalidOptions with a pointer to each fault in it."""
        if isinstance(value, Watermark):
            return value
        if not isinstance(value, dict):
            raise ValueError("must be an object with an image or a text")
        options: JsonObject = value
        return Watermark(**read_values(WATERMARK, options))

    def read_text(self, text: str) -> Watermark:
        """Accept the object as JSON."""
        try:
            return self.read(json.loads(text))
        except (json.JSONDecodeError, RecursionError):
            raise ValueError("must be a JSON object with an image or a text") from None

    def schema(self) -> dict[str, Any]:
        """An object, one half of which rules out the other."""
        properties = {name: {**row.kind.schema(), "description": row.sentence} for name, row in WATERMARK.items()}
        return {
            "type": "object",
            "properties": properties,
            "additionalProperties": False,
            "oneOf": [{"required": ["image"]}, {"required": ["text"]}],
        }

    def text_schema(self) -> dict[str, Any]:
        """A string that holds the object."""
        return {"type": "string", "contentMediaType": "application/json", "contentSchema": self.schema()}
