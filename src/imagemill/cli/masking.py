"""Hides passwords, tokens and keys in what is printed. Hides too much rather than too little, and never fails."""

import re
from collections.abc import Iterable

from pydantic import SecretStr

MASK = "********"

_NAME = r"[\w%.-]*(?:passw|passphrase|pwd|secret|token|credential|api_?key)[\w%.-]*"

# Not by a URL parser: a password that ought to have been quoted, with / or # or ? in it, is one to other programs.
_IN_URL = (
    re.compile(r"//[^:]*:(?P<hidden>.*)@", re.DOTALL),
    re.compile(rf"[?&]{_NAME}=(?P<hidden>[^&]*)", re.IGNORECASE),
)
_IN_TEXT = (
    re.compile(r"//[^:\s]*:(?P<hidden>.*)@"),
    # A host that was told wrongly may be the end of a password with an @ in it.
    re.compile(r"(?P<hidden>[^\s\"'(]+)@"),
    re.compile(rf"{_NAME}\s*=\s*(?P<hidden>'[^']*'|\"[^\"]*\"|[^\s&]+)", re.IGNORECASE),
)


def masked(value: object) -> str:
    """A setting's value as it may be shown: a secret, or what is secret within a URL, becomes asterisks."""
    if value is None:
        return ""
    if isinstance(value, SecretStr):
        return MASK
    text = str(value)
    return _hide(text, _IN_URL) if "//" in text else text


def masked_text(text: str) -> str:
    """A sentence, such as a driver's, as it may be shown: without what looks like a credential."""
    return _hide(text, _IN_TEXT)


def _hide(text: str, patterns: Iterable[re.Pattern[str]]) -> str:
    # All are looked for in the whole text first: hiding one secret must not make another one unrecognisable.
    spans = sorted(match.span("hidden") for pattern in patterns for match in pattern.finditer(text))
    shown, end = [], 0
    for first, last in spans:
        if first >= end:
            shown += [text[end:first], MASK]
        end = max(end, last)
    return "".join([*shown, text[end:]])
