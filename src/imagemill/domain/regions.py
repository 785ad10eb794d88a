"""Kinds of option value that say where: a region of the picture, a point of it, room around it.

Each reads a list in JSON, and in a text the same with commas between.
"""

import re
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from imagemill.domain.geometry import Box, FocalPoint, Gravity, Interest, Placement, Sides, Size, rounded
from imagemill.domain.limits import MAX_SIDE
from imagemill.domain.options import Number, Whole

_WORDS = [*map(str, Gravity), *map(str, Interest)]
_PERCENT = r"(?:100|[0-9]{1,2}(?:\.[0-9]{1,2})?)%"
_SOME_PERCENT = r"(?:100|(?:0?[1-9]|[1-9][0-9])(?:\.[0-9]{1,2})?|00?\.(?:0[1-9]|[1-9][0-9]?))%"
_SHARE = r"(?:0(?:\.[0-9]{1,9})?|1(?:\.0{1,9})?)"
_SHARES = Number(0, 1, places=4)
_LENGTH = Whole(0, MAX_SIDE)
"""As long as a side of a picture may be."""


@dataclass(frozen=True, slots=True)
class Percent:
    """A length as a part of the picture's, 0…100."""

    value: Decimal

    def plain(self) -> str:
        """As JSON writes it."""
        return f"{self.value:f}%"


Length = int | Percent


@dataclass(frozen=True, slots=True)
class Region:
    """A part of a picture, each length in pixels or in percent of the picture's width or height."""

    x: Length
    y: Length
    width: Length
    height: Length

    def plain(self) -> tuple[Length, Length, Length, Length]:
        """As JSON writes it."""
        return self.x, self.y, self.width, self.height

    def within(self, size: Size) -> Box | None:
        """What of the region lies in a picture of this size; None if nothing does.

        Percent are rounded at the edges, so that regions that touch in percent touch in pixels.
        """
        left, right = _span(self.x, self.width, size.width)
        top, bottom = _span(self.y, self.height, size.height)
        if left >= size.width or top >= size.height:
            return None
        return Box(left, top, Size(max(1, right - left), max(1, bottom - top)))


def _span(start: Length, length: Length, whole: int) -> tuple[int, int]:
    first = _pixels(start, whole)
    return rounded(first), min(whole, rounded(first + _pixels(length, whole)))


def _pixels(length: Length, whole: int) -> Fraction:
    return Fraction(length) if isinstance(length, int) else whole * Fraction(length.value) / 100


@dataclass(frozen=True, slots=True)
class Area:
    """A region: x, y, width, height."""

    def read(self, value: object) -> Region:
        """Accept a list of four lengths: whole numbers of pixels, or texts such as "12.5%"."""
        if isinstance(value, Region):
            return self.read(value.plain())
        if not isinstance(value, list | tuple) or len(value) != 4:
            raise ValueError(_AREA_RULE)
        x, y, width, height = (_read_length(item) for item in value)
        if not all(side.value if isinstance(side, Percent) else side for side in (width, height)):
            raise ValueError(_AREA_RULE)
        return Region(x, y, width, height)

    def read_text(self, text: str) -> Region:
        """Accept the same with commas between."""
        return self.read([int(item) if re.fullmatch("[0-9]{1,7}", item) else item for item in text.split(",")])

    def schema(self) -> dict[str, Any]:
        """An array of four."""
        corner = {"anyOf": [_LENGTH.schema(), {"type": "string", "pattern": f"^{_PERCENT}$"}]}
        some = {"type": "string", "pattern": f"^{_SOME_PERCENT}$"}
        side = {"anyOf": [Whole(1, _LENGTH.maximum).schema(), some]}
        return _array(corner, corner, side, side)

    def text_schema(self) -> dict[str, Any]:
        """A string with a pattern."""
        most = _LENGTH.maximum
        corner, side = f"(?:[0-9]{{1,6}}|{most}|{_PERCENT})", f"(?:[1-9][0-9]{{0,5}}|{most}|{_SOME_PERCENT})"
        return {"type": "string", "pattern": f"^{corner},{corner},{side},{side}$"}


_AREA_RULE = "must be x, y, width and height, each in pixels or a percentage such as 12.5%, with some width and height"


def _read_length(value: object) -> Length:
    if isinstance(value, Percent):
        value = value.plain()
    if isinstance(value, str) and re.fullmatch(_PERCENT, value):
        return Percent(Decimal(value.removesuffix("%")).normalize())
    try:
        return _LENGTH.read(value)
    except ValueError:
        raise ValueError(_AREA_RULE) from None


@dataclass(frozen=True, slots=True)
class Place:
    """What a cut keeps: a word of `Gravity` or `Interest`, or a focal point."""

    def read(self, value: object) -> Placement:
        """Accept a word, or a list of x and y. A point that a word stands for becomes the word."""
        if isinstance(value, str) and value in _WORDS:
            return Interest(value) if value in set(Interest) else Gravity(value)
        if isinstance(value, FocalPoint):
            value = value.plain()
        if not isinstance(value, list | tuple) or len(value) != 2:
            raise ValueError(_PLACE_RULE)
        try:
            x, y = (_SHARES.read(item) for item in value)
        except ValueError:
            raise ValueError(_PLACE_RULE) from None
        return next((word for word in Gravity if word.anchor == (Fraction(x), Fraction(y))), FocalPoint(x, y))

    def read_text(self, text: str) -> Placement:
        """Accept a word, or x and y with a comma between."""
        if text in _WORDS:
            return self.read(text)
        return self.read([Decimal(item) if re.fullmatch(_SHARE, item) else None for item in text.split(",")])

    def schema(self) -> dict[str, Any]:
        """An enumeration, or an array of two."""
        return {"anyOf": [{"type": "string", "enum": _WORDS}, _array(_SHARES.schema(), _SHARES.schema())]}

    def text_schema(self) -> dict[str, Any]:
        """A string with a pattern."""
        return {"type": "string", "pattern": f"^(?:{'|'.join(_WORDS)}|{_SHARE},{_SHARE})$"}


_PLACE_RULE = f"must be one of {', '.join(_WORDS)}, or a point [x, y] with both from 0 to 1"


@dataclass(frozen=True, slots=True)
class Around:
    """Lengths at the four sides, as CSS writes `padding`: one for all, vertical and horizontal, or four clockwise."""

    def read(self, value: object) -> Sides:
        """Accept a whole number, or a list of two or four."""
        if isinstance(value, Sides):
            value = value.plain()
        items = list(value) if isinstance(value, list | tuple) else [value]
        if len(items) not in (1, 2, 4) or (len(items) == 1 and items[0] is not value):
            raise ValueError(_AROUND_RULE)
        try:
            lengths = [_SIDE.read(item) for item in items]
        except ValueError:
            raise ValueError(_AROUND_RULE) from None
        return Sides(*(lengths * (4 // len(lengths))))

    def read_text(self, text: str) -> Sides:
        """Accept the same with commas between."""
        items = [int(item) if re.fullmatch("[0-9]{1,9}", item) else None for item in text.split(",")]
        return self.read(items if len(items) > 1 else items[0])

    def schema(self) -> dict[str, Any]:
        """An integer, or an array of them."""
        one = _SIDE.schema()
        return {"anyOf": [one, _array(one, one), _array(one, one, one, one)]}

    def text_schema(self) -> dict[str, Any]:
        """A string with a pattern."""
        return {"type": "string", "pattern": f"^{_SIDE_TEXT}(?:,{_SIDE_TEXT}(?:,{_SIDE_TEXT},{_SIDE_TEXT})?)?$"}


_SIDE, _SIDE_TEXT = Whole(0, 4000), "(?:[0-9]{1,3}|[1-3][0-9]{3}|4000)"
"""As much as the longer side of a large screen."""
_AROUND_RULE = f"must be one, two or four whole numbers from 0 to {_SIDE.maximum}"


def _array(*items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "prefixItems": list(items), "minItems": len(items), "maxItems": len(items)}
