"""Deliver: where a finished image is found, who may have it, and all that a cache needs to know of it."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO, Literal

from imagemill.domain.keys import IMMUTABLE, is_output_key, media_type
from imagemill.domain.links import LinkSigner, link_end
from imagemill.domain.ports import ObjectStat, ObjectStore
from imagemill.errors import StoreUnavailable

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Image:
    """A stored image.

    Args:
        key: where it lies.
        media_type: what it is.
        etag: strong entity tag, without quotes.
        stat: its size and time.
        seconds: for how long the link that led here works; None where none is needed.
    """

    key: str
    media_type: str
    etag: str
    stat: ObjectStat
    store: ObjectStore
    seconds: int | None = None

    @property
    def cache_control(self) -> str:
        """Who may keep it, and for how long: no longer than the link that led here."""
        return IMMUTABLE if self.seconds is None else f"private, max-age={self.seconds}"

    def open(self) -> BinaryIO | None:
        """A seekable reader; None if it was erased since."""
        return self.store.open(self.key)


@dataclass(frozen=True, slots=True)
class Redirection:
    """The way to an image that the store itself delivers.

    Args:
        url: of the store; works for a while.
        cache_control: for how long the way may be remembered: half of the time that it works.
    """

    url: str
    cache_control: str


@dataclass(frozen=True)
class Deliver:
    """Finds images, and says under which URL clients do.

    Args:
        redirect: whether the store delivers, if it can.
        cdn_url: base of the URLs that are given out; None gives out those of this service.
        signer: of links, where an image is only for who has one; None where images are public.
        link_seconds: how long a link works, at most.
        clock: seconds since the epoch.
    """

    store: ObjectStore
    redirect: bool = False
    cdn_url: str | None = None
    signer: LinkSigner | None = None
    link_seconds: int = 3600
    clock: Callable[[], float] = time.time

    def url(self, site: str, key: str) -> str:
        """Where clients find an output.

        Args:
            site: what this service's own URLs begin with.
            key: of the output.
        """
        if self.cdn_url:
            return f"{self.cdn_url}/{key}"
        if self.signer is None:
            return f"{site}/{key}"
        # One hop less. A store that is needed to sign, and is away, must not keep a job from being told.
        link = self._link(key) if self.redirect else None
        return link or f"{site}/{key}?{self.signer.query(key, link_end(self.clock(), self.link_seconds))}"

    def find(self, key: str, expires: str = "", signature: str = "") -> Image | None:
        """The image under a key; None for any text that is no output's key, and where nothing lies.

        Args:
            key: where it may lie.
            expires: of the link that leads here.
            signature: likewise.

        Raises:
            InvalidLink: images are for who has a link, and this is none; whether there is an image is not said.
            StoreUnavailable: nobody knows.
        """
        if not is_output_key(key):
            return None
        seconds = None
        if self.signer:
            now = self.clock()
            seconds = int(self.signer.check(key, expires, signature, now) - now)
        stat = self.store.stat(key)
        if stat is None:
            return None
        # A key's bytes never change, so key and size name them.
        etag = f"{key.rpartition('/')[2].rpartition('.')[0]}-{stat.bytes:x}"
        return Image(key, media_type(key), etag, stat, self.store, seconds)

    def redirection(self, image: Image, method: Literal["GET", "HEAD"]) -> Redirection | None:
        """The way to the store; None if this service delivers the image itself."""
        if not self.redirect:
            return None
        seconds = self.link_seconds if image.seconds is None else max(1, min(self.link_seconds, image.seconds))
        url = self.store.link(image.key, seconds, method)
        who = "public" if image.seconds is None else "private"
        return Redirection(url, f"{who}, max-age={seconds // 2}") if url else None

    def _link(self, key: str) -> str | None:
        try:
            return self.store.link(key, self.link_seconds)
        except StoreUnavailable:
            log.warning("The store cannot sign a link; this service's own is given out.", extra={"key": key})
            return None
