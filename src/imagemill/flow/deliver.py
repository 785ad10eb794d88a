"""Deliver: find a finished image by its key, with all that a cache needs to know of it."""

from dataclasses import dataclass
from typing import BinaryIO

from imagemill.domain.keys import is_output_key, media_type
from imagemill.domain.ports import ObjectStat, ObjectStore

IMMUTABLE = "public, max-age=31536000, immutable"
"""Cache-Control of an image: a key's bytes never change. Source: RFC 8246."""


@dataclass(frozen=True)
class Image:
    """A stored image.

    Args:
        key: where it lies.
        media_type: what it is.
        etag: strong entity tag, without quotes.
        stat: its size and time.
    """

    key: str
    media_type: str
    etag: str
    stat: ObjectStat
    store: ObjectStore

    def open(self) -> BinaryIO | None:
        """A seekable reader; None if it was erased since."""
        return self.store.open(self.key)


@dataclass(frozen=True)
class Deliver:
    """Finds images."""

    store: ObjectStore

    def find(self, key: str) -> Image | None:
        """The image under a key; None for any text that is no output's key, and where nothing lies."""
        if not is_output_key(key):
            return None
        stat = self.store.stat(key)
        if stat is None:
            return None
        # A key's bytes never change, so key and size name them.
        etag = f"{key.rpartition('/')[2].rpartition('.')[0]}-{stat.bytes:x}"
        return Image(key, media_type(key), etag, stat, self.store)
