"""The JSON body: a small object of options around one very long string, the image in base64.

A JSON parser would hold the body, its text and the string at once. So the string is cut out where it lies, the rest is
parsed strictly, and the base64 is decoded in place: a 30 MB image costs the 40 MB of its body and nothing more.
"""

import json
import re
from dataclasses import dataclass
from typing import NoReturn

import pybase64

from imagemill.domain.limits import Limits
from imagemill.errors import EmptyImage, InvalidBase64, MalformedRequest

FIELD = "imageData"
OPTIONS_BYTES = 64 * 2**10
"""What a request may need beside its image: twenty outputs with every option take a tenth of it."""

_STEP = 2**20  # Characters decoded at a time; a multiple of four, so that no group is torn.
_FIELD_START = re.compile(rb'"imageData"[ \t\r\n]*:[ \t\r\n]*"')
_DATA_URI = re.compile(rb"data:(?:[\w.+-]+/[\w.+-]+)?(?:;[\w-]+=[\w.-]+)*;base64,", re.IGNORECASE)
_DATA_URI_CHARACTERS = 200
_ESCAPES = {
    b"\\/": b"/",
    b"\\u002f": b"/",
    b"\\u002F": b"/",
    b"\\u002b": b"+",
    b"\\u002B": b"+",
    b"\\u003d": b"=",
    b"\\u003D": b"=",
}
_NO_ESCAPE = re.compile(rb"\\[^\"\\/bfnrtu]")
_ESCAPED_BREAK = re.compile(rb"\\[nrt]")
_NO_JSON = "The body is not valid JSON."
_BROKEN = f"{FIELD} has line breaks or white space; it must be one unbroken text."
_FOREIGN = f"{FIELD} has characters that are not base64, or padding (=) before its end."


@dataclass(frozen=True, slots=True)
class Encoded:
    """Base64 where it lies.

    Args:
        buffer: the bytes around it, which `decode` writes over.
        start: its first character.
        end: where it has ended.
    """

    buffer: bytearray
    start: int
    end: int

    def decode(self, limits: Limits) -> memoryview:
        """The image's bytes; to be asked for once.

        Raises:
            EmptyImage: there is nothing.
            ImageTooLarge: the image is over its limit; nothing was decoded.
            InvalidBase64: with a hint.
        """
        start = self.start + self._data_uri_characters()
        if start == self.end:
            raise EmptyImage(f"There is no {FIELD}, or it is empty.")
        padding = self.buffer.count(b"=", max(start, self.end - 2), self.end)
        if (self.end - start) * 3 // 4 - padding > limits.image_bytes:
            raise limits.too_large()
        return _decode_in_place(memoryview(self.buffer), start, self.end)

    def _data_uri_characters(self) -> int:
        if self.buffer[self.start : min(self.end, self.start + 5)].lower() != b"data:":
            return 0
        match = _DATA_URI.match(self.buffer, self.start, min(self.end, self.start + _DATA_URI_CHARACTERS))
        if match is None:
            raise InvalidBase64("A data: URI must hold base64, as in data:image/jpeg;base64,…")
        return match.end() - match.start()


def body_limit_bytes(limits: Limits) -> int:
    """The most bytes that a JSON body with an image within the limits can have."""
    return -(-limits.image_bytes // 3) * 4 + OPTIONS_BYTES


def parse(body: bytearray) -> tuple[dict[str, object], Encoded]:
    """Split a body into its options and its image, which is not decoded yet.

    Raises:
        MalformedRequest: it is not one JSON object, or its options are too long.
        InvalidBase64: the image is not a string.
    """
    start, end = _locate(body)
    if len(body) - (end - start) > OPTIONS_BYTES:
        raise MalformedRequest(f"Beside {FIELD} the body may have at most {OPTIONS_BYTES:,} bytes.")
    options = _parse_object(body[:start] + body[end:])
    text = options.pop(FIELD, None)
    if text is None:
        return options, _whole("")
    if not isinstance(text, str):
        raise InvalidBase64(f"{FIELD} must be a string.")
    if text:  # The field's own name was spelled with escapes, so that it was not found where it lay.
        return options, _whole(text)
    if body.find(b"\\", start, end) >= 0:
        return options, _unescaped(body[start:end])
    return options, Encoded(body, start, end)


def _unescaped(text: bytearray) -> Encoded:
    # Some serialisers escape what base64 has beside letters and digits. A parser would take a second for millions of
    # escapes, and four bytes a character where one is beyond ASCII: it is not asked.
    if b"\\\\" in text:
        raise InvalidBase64(_FOREIGN)
    for escape, character in _ESCAPES.items():
        text = text.replace(escape, character)
    if _NO_ESCAPE.search(text):
        raise MalformedRequest(_NO_JSON)
    if b"\\" in text:
        raise InvalidBase64(_BROKEN if _ESCAPED_BREAK.search(text) else _FOREIGN)
    return Encoded(text, 0, len(text))


def _locate(body: bytearray) -> tuple[int, int]:
    # Where the string's characters begin and end. A match that is not the field itself, but one of the same name
    # deeper down, does no harm: there it is an unknown option.
    field = _FIELD_START.search(body)
    if field is None:
        return 0, 0
    start = field.end()
    end = body.find(b'"', start)
    if end < 0:
        return start, len(body)
    # A quote behind an odd number of backslashes does not end the string, which then is no base64 in any case. The next
    # one is not looked for: there may be millions.
    if body[end - 1 : end] == b"\\" and _ends_in_odd(body[start:end]):
        raise MalformedRequest(f"{FIELD} has a quote in it, or it does not end.")
    return start, end


def _ends_in_odd(text: bytearray) -> bool:
    return bool((len(text) - len(text.rstrip(b"\\"))) % 2)


def _whole(text: str) -> Encoded:
    buffer = bytearray(text, "ascii", "replace")
    return Encoded(buffer, 0, len(buffer))


def _parse_object(text: bytearray) -> dict[str, object]:
    value = _parse(text)
    if not isinstance(value, dict):
        raise MalformedRequest("The body must be a JSON object.")
    return value


def _parse(text: bytearray) -> object:
    try:
        return json.loads(text.decode(), object_pairs_hook=_unique, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise MalformedRequest(_NO_JSON) from None


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    unique = dict(pairs)
    if len(unique) < len(pairs):
        raise MalformedRequest("The JSON has the same key twice in one object.")
    return unique


def _refuse_constant(_: str) -> NoReturn:
    raise MalformedRequest("The JSON has NaN or Infinity, which are no JSON.")


def _decode_in_place(view: memoryview, start: int, end: int) -> memoryview:
    # Three bytes are written for every four that were read, so the writing never overtakes the reading.
    written = 0
    for at in range(start, end, _STEP):
        text = view[at : min(at + _STEP, end)]
        try:
            piece = pybase64.b64decode(text, validate=True)
        except ValueError:
            raise InvalidBase64(_hint(bytes(text))) from None
        if at + _STEP < end and len(piece) < _STEP // 4 * 3:
            raise InvalidBase64(f"{FIELD} has padding (=) before its end.")
        view[written : written + len(piece)] = piece
        written += len(piece)
    return view[:written]


def _hint(text: bytes) -> str:
    if re.search(rb"[-_]", text):
        return (
            f"{FIELD} is in the URL-safe alphabet; it must be in the standard one, with + and / (RFC 4648, section 4)."
        )
    if re.search(rb"\s", text):
        return _BROKEN
    if len(text) % 4:
        return f"{FIELD} is cut short, or its padding (=) is missing."
    return _FOREIGN
