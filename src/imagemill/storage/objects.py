"""The object store in a bucket, by obstore: S3 and what speaks its protocol, Google Cloud Storage.

    <prefix>/originals/ab/…   the layout of `domain/keys.py`
    <prefix>/images/ab/…
    <prefix>/probes/<16 hex>  put, read and deleted by `check`

A bucket's put is whole or not at all, and durable when it is answered. Objects carry their type, and outputs how long
caches may keep them, so that a browser can be sent to the bucket itself.

obstore works in threads that a fork does not copy: in a child whose parent has used it, every call would wait for ever.
Hence clients are built on first use, in the process that uses them, and a child like that gets an error instead.
"""

import os
import re
import secrets
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, BinaryIO, Literal, cast

import obstore
from obstore.exceptions import BaseError

from imagemill.domain.formats import FACTS, SNIFF_BYTES, sniff
from imagemill.domain.keys import is_key, is_output_key, media_type
from imagemill.domain.ports import Bytes, ObjectStat
from imagemill.errors import StoreUnavailable
from imagemill.storage.buckets import Bucket, Client
from imagemill.storage.reader import BucketReader

if TYPE_CHECKING:
    from obstore import GetResult
    from obstore.store import ClientConfig

PROBES = "probes"
TRUST_SECONDS = 10.0
"""How long a successful `check` is believed: probes are paid for, and load balancers ask every second."""

_CONNECT_SECONDS = 3.0
_READING_SECONDS = 3600.0  # A whole answer; what counts is that it goes on.
_PROBE = b"imagemill"
_AWAY = "The image store does not answer."
_REASONS = (r"<Code>(\w+)</Code>", r'(?:message|error): "([^"]+)"', r"kind: (Timeout)", r"status code: (\d{3}[\w ]*)")


class StoreError(Exception):
    """What a store or the way to it said, in one line, for the log and the operator."""


class BucketStore:
    """The port `ObjectStore` on a bucket.

    Args:
        bucket: where it is.
        seconds: how long a request may take; an answer may take longer as long as it goes on.
        allow_http: whether it may be spoken to without TLS.
        cache_control: of every output.
    """

    def __init__(self, bucket: Bucket, *, seconds: float, allow_http: bool, cache_control: str) -> None:
        self._bucket = bucket
        self._cache_control = cache_control
        common: ClientConfig = {
            "allow_http": allow_http,
            "connect_timeout": timedelta(seconds=min(_CONNECT_SECONDS, seconds)),
        }
        limit = timedelta(seconds=seconds)
        # The time for reading begins with the request, so that it would also end the sending of a large body.
        self._writing: ClientConfig = common | {"timeout": limit}
        self._reading: ClientConfig = common | {"timeout": timedelta(seconds=_READING_SECONDS), "read_timeout": limit}
        self._clients: dict[str, Client] = {}
        self._building = threading.Lock()
        self._well_until = float("-inf")

    def put(self, key: str, data: Bytes) -> None:
        """Store all of the bytes in one request. Replaces what was there."""
        self._put(_admitted(key), data, self._attributes(key, data))

    def get(self, key: str) -> Bytes | None:
        """All bytes of an object, as obstore received them, without a further copy; None if there is none."""
        with _missing_is_none(), _store_errors():
            return memoryview(obstore.get(self._reader, _admitted(key)).bytes())
        return None

    def stat(self, key: str) -> ObjectStat | None:
        """Size and time of an object; None if there is none."""
        with _missing_is_none(), _store_errors():
            facts = obstore.head(self._reader, _admitted(key))
            return ObjectStat(facts["size"], facts["last_modified"].astimezone(UTC))
        return None

    def open(self, key: str) -> BinaryIO | None:
        """A seekable reader that fetches what is read, piece by piece; None if there is none."""
        with _missing_is_none(), _store_errors():
            whole = obstore.get(self._reader, _admitted(key))
            return cast("BinaryIO", BucketReader(whole, lambda offset: self._rest(key, offset), _store_errors))
        return None

    def link(self, key: str, seconds: int, method: Literal["GET", "HEAD"] = "GET") -> str | None:
        """A URL of the bucket under which anybody can fetch the object for so long."""
        with _store_errors():
            return obstore.sign(self._reader, method, _admitted(key), timedelta(seconds=seconds))

    def delete(self, key: str) -> None:
        """Remove an object; nothing happens if there is none."""
        self._delete(_admitted(key))

    def list_originals(self, shard: str, older_than_seconds: float) -> Iterator[str]:
        """Keys of the originals in a shard that were put longer ago than this.

        Times are the bucket's, the present is this machine's: were they far apart, no signature would be accepted.
        """
        put_before = datetime.now(UTC) - timedelta(seconds=older_than_seconds)
        with _store_errors():
            for page in obstore.list(self._reader, prefix=f"originals/{shard}"):
                old = (facts["path"] for facts in page if facts["last_modified"] < put_before)
                yield from filter(is_key, old)

    def check(self) -> None:
        """Raise StoreUnavailable unless an object can be put, read and deleted; success is believed for a while."""
        if time.monotonic() < self._well_until:
            return
        probe = f"{PROBES}/{secrets.token_hex(8)}"
        self._put(probe, _PROBE, {"Content-Type": "text/plain", "Cache-Control": "no-store"})
        if self._look(probe) != _PROBE:
            raise StoreUnavailable(_AWAY) from StoreError("what was put cannot be read")
        self._delete(probe)
        # Without the right to list a bucket S3 denies what is missing, and a missing image would look like trouble.
        if self._look(probe) is not None:
            raise StoreUnavailable(_AWAY) from StoreError("what was deleted is still there")
        self._well_until = time.monotonic() + TRUST_SECONDS

    def _attributes(self, key: str, data: Bytes) -> Mapping[str, str]:
        if is_output_key(key):
            return {"Content-Type": media_type(key), "Cache-Control": self._cache_control}
        format = sniff(bytes(data[:SNIFF_BYTES]), bytes(data[-SNIFF_BYTES:]))
        return {"Content-Type": FACTS[format].media_type if format else "application/octet-stream"}

    def _put(self, path: str, data: Bytes, attributes: Mapping[str, str]) -> None:
        try:
            with _store_errors():
                obstore.put(self._writer, path, data, attributes=dict(attributes), use_multipart=False)
        except FileNotFoundError as error:
            raise StoreUnavailable(_AWAY) from StoreError(_reason(error))

    def _look(self, path: str) -> bytes | None:
        with _missing_is_none(), _store_errors():
            return bytes(obstore.get(self._reader, path).bytes())
        return None

    def _rest(self, path: str, offset: int) -> "GetResult":
        return obstore.get(self._reader, path, options={"range": {"offset": offset}})

    def _delete(self, path: str) -> None:
        with _missing_is_none(), _store_errors():  # Google tells of what is missing, S3 does not.
            obstore.delete(self._reader, path)

    @property
    def _reader(self) -> Client:
        return self._client("reader", self._reading)

    @property
    def _writer(self) -> Client:
        return self._client("writer", self._writing)

    def _client(self, name: str, options: "ClientConfig") -> Client:
        if _home() != os.getpid():
            raise StoreUnavailable(_AWAY) from StoreError("obstore was used before this process was forked")
        if name not in self._clients:
            with self._building:
                if name not in self._clients:
                    self._clients[name] = self._bucket.connect(options)
        return self._clients[name]


@cache
def _home() -> int:
    """The process in which obstore lives: the first that asks. A forked child inherits the answer."""
    return os.getpid()


def _admitted(key: str) -> str:
    if not is_key(key):
        raise ValueError("not a key")
    return key


def _missing_is_none() -> AbstractContextManager[None]:
    return suppress(FileNotFoundError)


@contextmanager
def _store_errors() -> Iterator[None]:
    """All but FileNotFoundError of an object becomes StoreUnavailable."""
    try:
        yield
    except FileNotFoundError as error:
        # A bucket that is gone must not pass for an image that is.
        if "NoSuchBucket" in str(error):
            raise StoreUnavailable(_AWAY) from StoreError("NoSuchBucket")
        raise
    except (BaseError, OSError) as error:
        raise StoreUnavailable(_AWAY) from StoreError(_reason(error))


def _reason(error: Exception) -> str:
    # obstore's message is a page: request, answer, and its insides. Of all that, what says the most.
    text = str(error)
    found = (re.search(pattern, text) for pattern in _REASONS)
    return next((match[1] for match in found if match), text.partition("\n")[0])
