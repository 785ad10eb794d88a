"""Signed links: the right to fetch one output until a moment, in a URL's query. Pure: the present is told.

    /images/ab/….jpg?expires=<seconds since the epoch>&signature=<43 characters of base64url>

The signature is HMAC-SHA-256 over key and moment, under a key of its own that is derived from the deployment's secret.
"""

import base64
import hmac
import re
from dataclasses import dataclass
from urllib.parse import urlencode

from imagemill.errors import InvalidLink

_MOMENT = re.compile(r"\d{1,12}", re.ASCII)


@dataclass(frozen=True, slots=True)
class LinkSigner:
    """Makes links and tells its own from all others.

    Args:
        key: from `link_key`.
    """

    key: bytes

    def query(self, object_key: str, expires: int) -> str:
        """The query of a link to an output that works until a moment."""
        return urlencode({"expires": expires, "signature": self._sign(object_key, str(expires))})

    def check(self, object_key: str, expires: str, signature: str, now: float) -> int:
        """When a link ends, in seconds since the epoch.

        Args:
            object_key: of the output that is asked for.
            expires: from the query; empty if it has none.
            signature: likewise.
            now: seconds since the epoch.

        Raises:
            InvalidLink: it is not one of ours, or has ended.
        """
        # Signed before parsed, and compared in a time that tells nothing of where they differ.
        ours = hmac.compare_digest(self._sign(object_key, expires).encode(), signature.encode("utf-8", "replace"))
        if not ours or not _MOMENT.fullmatch(expires):
            raise InvalidLink("This is not a link that this service gave.")
        if int(expires) <= now:
            raise InvalidLink("The link has expired; ask for the job again to get a new one.")
        return int(expires)

    def _sign(self, object_key: str, expires: str) -> str:
        message = f"{object_key}\0{expires}".encode("utf-8", "replace")
        return base64.urlsafe_b64encode(hmac.digest(self.key, message, "sha256")).rstrip(b"=").decode()


def link_key(secret: str) -> bytes:
    """The key of links that a deployment's secret stands for."""
    return hmac.digest(secret.encode(), b"imagemill image links", "sha256")


def link_end(now: float, seconds: int) -> int:
    """When a link that is made now ends: after at most so many seconds, and at least nine tenths of them.

    The end is a round number, so that who asks again soon gets the same link, and his browser's cache knows it.
    """
    step = max(1, seconds // 10)
    return int(now + seconds) // step * step
