"""The kinds of value an option can have. Each reads a JSON value or a text, and describes itself as JSON Schema.

A kind raises ValueError with a sentence that says what would be right and never repeats what was given. One that reads
an object raises InvalidOptions, with a pointer to each fault in it.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any, Protocol

from imagemill.errors import InvalidOptions, OptionProblem


class Kind(Protocol):
    """A kind of option value."""

    def read(self, value: object) -> Any:
        """Turn a value as JSON gives it into the option's. Raises ValueError or InvalidOptions if it is not one."""
        ...

    def read_text(self, text: str) -> Any:
        """The same for a form field, a query parameter or a command line flag."""
        ...

    def schema(self) -> dict[str, Any]:
        """JSON Schema (2020-12) of what `read` takes."""
        ...

    def text_schema(self) -> dict[str, Any]:
        """JSON Schema of what `read_text` takes."""
        ...


class Scalar(ABC):
    """A kind whose text is what JSON would write, so that one schema tells both."""

    __slots__ = ()

    @abstractmethod
    def schema(self) -> dict[str, Any]:
        """JSON Schema of the value."""

    def text_schema(self) -> dict[str, Any]:
        """The same."""
        return self.schema()


def _whole(value: object) -> int | None:
    # 300.0 is an integer, to JSON Schema and to who has halved a width in a language that then writes it so.
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


@dataclass(frozen=True, slots=True)
class Whole(Scalar):
    """A whole number within a range, both ends included."""

    minimum: int
    maximum: int

    def read(self, value: object) -> int:
        """Accept a JSON number without a fraction."""
        number = _whole(value)
        if number is None or not self.minimum <= number <= self.maximum:
            raise ValueError(f"must be a whole number from {self.minimum} to {self.maximum}")
        return number

    def read_text(self, text: str) -> int:
        """Accept ASCII digits."""
        return self.read(int(text) if re.fullmatch(r"[0-9]{1,9}", text) else None)

    def schema(self) -> dict[str, Any]:
        """An integer with bounds."""
        return {"type": "integer", "minimum": self.minimum, "maximum": self.maximum}


@dataclass(frozen=True, slots=True)
class Number(Scalar):
    """A number within a range, both ends included, rounded so that it has one spelling.

    Finer ones are not refused: 0.1 + 0.2 is finer than it looks, and JSON Schema could not say so: validators divide
    floats, and to them 0.29 is no multiple of 0.01.

    Args:
        minimum: the least.
        maximum: the greatest.
        places: decimal places that count.
    """

    minimum: float
    maximum: float
    places: int = 2

    def read(self, value: object) -> Decimal:
        """Accept a JSON number."""
        rule = f"must be a number from {self.minimum} to {self.maximum}"
        if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
            raise ValueError(rule)
        number = Decimal(str(value))
        if not number.is_finite() or not Decimal(str(self.minimum)) <= number <= Decimal(str(self.maximum)):
            raise ValueError(rule)
        return round(number, self.places).normalize() + 0  # and not -0

    def read_text(self, text: str) -> Decimal:
        """Accept digits with an optional sign and an optional fraction."""
        return self.read(Decimal(text) if re.fullmatch(r"-?[0-9]{1,9}(\.[0-9]{1,20})?", text) else None)

    def schema(self) -> dict[str, Any]:
        """A number with bounds."""
        return {"type": "number", "minimum": self.minimum, "maximum": self.maximum}


@dataclass(frozen=True, slots=True)
class OneOf(Scalar):
    """One of a few whole numbers."""

    numbers: tuple[int, ...]

    def read(self, value: object) -> int:
        """Accept a JSON number that is one of them."""
        number = _whole(value)
        if number not in self.numbers:
            raise ValueError("must be one of " + ", ".join(map(str, self.numbers)))
        return number

    def read_text(self, text: str) -> int:
        """Accept ASCII digits."""
        return self.read(int(text) if re.fullmatch(r"[0-9]{1,9}", text) else None)

    def schema(self) -> dict[str, Any]:
        """An enumeration of integers."""
        return {"type": "integer", "enum": [*self.numbers]}


@dataclass(frozen=True, slots=True)
class Or:
    """One word, or else a value of another kind."""

    word: str
    other: Kind

    def read(self, value: object) -> Any:
        """Accept the word as spelled, or what the other kind accepts."""
        return self.word if value == self.word else self._or(self.other.read, value)

    def read_text(self, text: str) -> Any:
        """Accept the word as spelled, or what the other kind accepts."""
        return self.word if text == self.word else self._or(self.other.read_text, text)

    def schema(self) -> dict[str, Any]:
        """Either."""
        return {"anyOf": [self.other.schema(), {"type": "string", "const": self.word}]}

    def text_schema(self) -> dict[str, Any]:
        """Either."""
        return {"anyOf": [self.other.text_schema(), {"type": "string", "const": self.word}]}

    def _or(self, read: Callable[[Any], Any], value: object) -> Any:
        try:
            return read(value)
        except ValueError as error:
            raise ValueError(f"{error}, or the word {self.word}") from None


@dataclass(frozen=True, slots=True)
class Choice(Scalar):
    """One word of an enumeration."""

    words: type[StrEnum]

    def read(self, value: object) -> StrEnum:
        """Accept one of the words, as spelled."""
        if not isinstance(value, str) or value not in set(self.words):
            raise ValueError("must be one of " + ", ".join(self.words))
        return self.words(value)

    def read_text(self, text: str) -> StrEnum:
        """Accept one of the words, as spelled."""
        return self.read(text)

    def schema(self) -> dict[str, Any]:
        """An enumeration of strings."""
        return {"type": "string", "enum": [str(word) for word in self.words]}


@dataclass(frozen=True, slots=True)
class Flag(Scalar):
    """True or false."""

    def read(self, value: object) -> bool:
        """Accept a JSON boolean."""
        if not isinstance(value, bool):
            raise ValueError("must be true or false")
        return value

    def read_text(self, text: str) -> bool:
        """Accept the words `true` and `false`."""
        return self.read({"true": True, "false": False}.get(text))

    def schema(self) -> dict[str, Any]:
        """A boolean."""
        return {"type": "boolean"}


@dataclass(frozen=True, slots=True)
class Pattern(Scalar):
    """A short text of a given form, folded to lower case so that it has one spelling.

    Args:
        expression: a regular expression that JSON Schema and Python read alike.
        rule: what it asks for, in words, after "must be".
    """

    expression: str
    rule: str

    def read(self, value: object) -> str:
        """Accept a string that matches as a whole."""
        if not isinstance(value, str) or not re.fullmatch(self.expression, value):
            raise ValueError(f"must be {self.rule}")
        return value.lower()

    def read_text(self, text: str) -> str:
        """Accept a text that matches as a whole."""
        return self.read(text)

    def schema(self) -> dict[str, Any]:
        """A string with a pattern."""
        return {"type": "string", "pattern": f"^(?:{self.expression})$"}


@dataclass(frozen=True, slots=True)
class Line(Scalar):
    """A line of text, kept as it is written but for spaces around it.

    Args:
        maximum: characters.
    """

    maximum: int

    def read(self, value: object) -> str:
        """Accept a string of printable characters, by Unicode's categories: no controls, no surrogates, and of formats
        only what joins letters and parts of an emoji, or keeps letters apart."""
        text = value.strip(" ") if isinstance(value, str) else ""
        printed = text.translate(_JOINERS)
        if not printed or len(text) > self.maximum or not printed.isprintable():
            raise ValueError(f"must be 1 to {self.maximum} characters of one line that can be printed")
        return text

    def read_text(self, text: str) -> str:
        """Accept the same."""
        return self.read(text)

    def schema(self) -> dict[str, Any]:
        """A string."""
        return {"type": "string", "minLength": 1}


_JOINERS = {0x200C: None, 0x200D: None}
"""Persian, many scripts of India and families of emoji are not written without these (UAX 31, section 2.3)."""


class Angle(Number):
    """Degrees from -360 to 360, kept as 0 up to 360, so that a turn has one spelling."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__(-360, 360)

    def read(self, value: object) -> Decimal:
        """Accept a JSON number."""
        return ((super().read(value) + 360) % 360).normalize()


NAME_CHARACTERS = 32
NAME = Pattern("[A-Za-z0-9][A-Za-z0-9-]{0,31}", "1 to 32 letters, digits and hyphens, not beginning with a hyphen")


def refuse(problems: Iterable[OptionProblem]) -> None:
    """Raise InvalidOptions if there are any problems, with all of them."""
    found = [*problems]
    if found:
        raise InvalidOptions(*found)


def pointer(*parts: str | int) -> str:
    """A JSON pointer to a place in the request, of at most 200 characters. Source: RFC 6901, section 3."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1")[:80] for part in parts)[:200]


JsonObject = Mapping[str, object]
"""An object as a JSON parser returns it."""
