"""An API key: its text, what is kept of it, and who it stands for.

    imk_3f9a1c07b2de_<43 characters: 256 random bits><6 characters: checksum>

The prefix lets people and secret scanners recognise a key, the id finds its row, the checksum tells a typing error
from a key without asking the record. All of it is letters, digits and underscores, so that a double click selects it.
Kept is the SHA-256 of the text alone: nobody guesses 256 random bits, so that a slow hash would only slow requests.
"""

import hashlib
import hmac
import re
import string
import zlib
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from imagemill.domain.caller import Caller, Scope

PREFIX = "imk_"
PATTERN = PREFIX + "[0-9a-f]{12}_[0-9A-Za-z]{49}"
"""What secret scanners look for."""

ID_DIGITS = 12
SECRET_BYTES = 32
_SECRET_CHARACTERS, _CHECKSUM_CHARACTERS = 43, 6

_KEY = re.compile(PATTERN)
_NAME = re.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_OWNER = re.compile("[A-Za-z0-9][A-Za-z0-9._:-]{0,63}")

_DIGITS = string.digits + string.ascii_uppercase + string.ascii_lowercase


class KeyState(StrEnum):
    """Whether a key opens anything."""

    ACTIVE = "active"
    EXPIRED = "expired"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key about to be recorded.

    Args:
        id: 12 hexadecimal digits, its public part.
        name: what people call it; no other key has it, unless that is revoked.
        owner: of the jobs that are made with it; several keys may have one owner.
        scopes: what it may do.
        digest: of its text.
        expires_at: until when it is good; None is for ever.
        megapixels_per_day: work that may be accepted with it in a day; None is no bound.
    """

    id: str
    name: str
    owner: str
    scopes: frozenset[Scope]
    digest: str = field(repr=False)
    expires_at: datetime | None = None
    megapixels_per_day: int | None = None


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as the record has it. Times are UTC, by the database's clock.

    Args:
        id, name, owner, scopes, digest, expires_at, megapixels_per_day: as of the `NewKey`.
        state: at the time of reading.
        created_at: when it was made.
        former_digest: of the text before the last rotation, while its grace lasts.
        former_until: the end of that grace.
        rotated_at: when it got its present text; None if it still has its first.
        revoked_at: when it was revoked.
    """

    id: str
    name: str
    owner: str
    scopes: frozenset[Scope]
    digest: str = field(repr=False)
    state: KeyState
    created_at: datetime
    expires_at: datetime | None = None
    megapixels_per_day: int | None = None
    former_digest: str | None = field(default=None, repr=False)
    former_until: datetime | None = None
    rotated_at: datetime | None = None
    revoked_at: datetime | None = None

    def opens_with(self, digest: str) -> bool:
        """Whether a text of this digest is the key's, in a time that does not depend on where they differ."""
        former = self.former_digest is not None and hmac.compare_digest(digest, self.former_digest)
        return hmac.compare_digest(digest, self.digest) or former

    @property
    def caller(self) -> Caller:
        """Who asks with this key."""
        return Caller(self.owner, self.name, self.scopes, self.megapixels_per_day)


def compose(id: str, secret: bytes) -> str:
    """The text of a key.

    Args:
        id: 12 hexadecimal digits.
        secret: 32 random bytes.
    """
    text = f"{PREFIX}{id}_{_base62(int.from_bytes(secret), _SECRET_CHARACTERS)}"
    return text + _checksum(text)


def read_id(text: str) -> str | None:
    """The id in a key's text; None if it is no key, or was mistyped."""
    if not _KEY.fullmatch(text) or _checksum(text[:-_CHECKSUM_CHARACTERS]) != text[-_CHECKSUM_CHARACTERS:]:
        return None
    return text[len(PREFIX) : len(PREFIX) + ID_DIGITS]


def digest(text: str) -> str:
    """What is kept of a key's text: its SHA-256, in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def is_name(text: str) -> bool:
    """Whether a key may be called so: 1 to 64 letters, digits, dots, underscores and hyphens."""
    return bool(_NAME.fullmatch(text))


def is_owner(text: str) -> bool:
    """Whether an owner may be called so: as a name, and with colons, which no name of a key has."""
    return bool(_OWNER.fullmatch(text))


def _checksum(text: str) -> str:
    return _base62(zlib.crc32(text.encode()), _CHECKSUM_CHARACTERS)


def _base62(number: int, length: int) -> str:
    digits = []
    for _ in range(length):
        number, digit = divmod(number, 62)
        digits.append(_DIGITS[digit])
    return "".join(reversed(digits))
