"""A stand-in for Google Cloud Storage: as much of its XML API as a bucket of images needs, with its signatures checked.

Sources: cloud.google.com/storage/docs/xml-api/reference-methods, …/docs/authentication/canonical-requests.
"""

import base64
import hashlib
import json
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from imagemill.storage.buckets import GcsBucket

_BUCKET = "images"
_SIGNED_HOST = "storage.googleapis.com"  # obstore signs for it wherever it sends to


@dataclass(frozen=True)
class _Object:
    data: bytes
    headers: dict[str, str]
    modified_at: datetime = field(default_factory=lambda: datetime.now(UTC))


class GoogleStub:
    """A server on loopback with one bucket, and a service account that may use it.

    Args:
        folder: for the account's file.

    Attributes:
        objects: what it holds, by key.
        asked: method and path of every request that it has answered.
        stumbles: so many requests are answered 503.
        pretending: a method that is answered as if it had worked.
    """

    def __init__(self, folder: Path) -> None:
        self.objects: dict[str, _Object] = {}
        self.asked: list[tuple[str, str]] = []
        self.stumbles = 0
        self.pretending = ""
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"stub": self}))
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self.account = folder / "account.json"
        self.account.write_text(json.dumps(self._account()))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def start(self) -> Self:
        """Begin to answer."""
        self._thread.start()
        return self

    def close(self) -> None:
        """End it."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def bucket(self, prefix: str = "", **changes: Any) -> GcsBucket:
        """The bucket, with a prefix."""
        return GcsBucket(**({"name": _BUCKET, "prefix": prefix, "service_account": self.account} | changes))

    def verified(self, message: bytes, signature: bytes) -> bool:
        """Whether the account has signed a message."""
        try:
            self._key.public_key().verify(signature, message, padding.PKCS1v15(), hashes.SHA256())
        except InvalidSignature:
            return False
        return True

    def _account(self) -> dict[str, str]:
        form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        return {
            "type": "service_account",
            "private_key_id": "1",
            "private_key": self._key.private_bytes(*form).decode(),
            "client_email": "imagemill@tests.invalid",
            "client_id": "1",
            "token_uri": f"{self.url}/token",
            "gcs_base_url": self.url,
        }


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    stub: GoogleStub

    def _handle(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = urlsplit(self.path)
        self._query = dict(parse_qsl(parts.query, keep_blank_values=True))
        _, bucket, *key = unquote(parts.path).split("/", 2)
        if self.stub.stumbles:
            self.stub.stumbles -= 1
            self._answer(503, b"<Error><Code>SlowDown</Code></Error>")
            return
        self.stub.asked.append((self.command, parts.path))
        if self.command == self.stub.pretending:
            self._send(_Object(b"something", {}))
        elif not (self._signed_link(parts.path) if "X-Goog-Signature" in self._query else self._signed_request()):
            self._answer(403, b"<Error><Code>AccessDenied</Code></Error>")
        elif bucket != _BUCKET:
            self._answer(404, b"<Error><Code>NoSuchBucket</Code></Error>")
        elif not key:
            self._list(self._query.get("prefix", ""))
        elif self.command == "PUT":
            self.stub.objects[key[0]] = _Object(body, self._attributes())
            self._answer(200, b"", {"ETag": '"1"'})
        elif key[0] not in self.stub.objects:
            self._answer(404, b"<Error><Code>NoSuchKey</Code></Error>")
        elif self.command == "DELETE":
            del self.stub.objects[key[0]]
            self._answer(204, b"")
        else:
            self._send(self.stub.objects[key[0]])

    do_GET = do_HEAD = do_PUT = do_DELETE = _handle  # noqa: N815 - http.server's names

    def _attributes(self) -> dict[str, str]:
        return {name: self.headers[name] for name in ("Content-Type", "Cache-Control") if name in self.headers}

    def _send(self, thing: _Object) -> None:
        about = {"ETag": '"1"', "Last-Modified": format_datetime(thing.modified_at, usegmt=True), **thing.headers}
        begin = self.headers.get("Range", "").removeprefix("bytes=").partition("-")[0]
        if not begin:
            self._answer(200, thing.data, about)
            return
        size = len(thing.data)
        self._answer(206, thing.data[int(begin) :], about | {"Content-Range": f"bytes {begin}-{size - 1}/{size}"})

    def _list(self, prefix: str) -> None:
        found = "".join(
            f"<Contents><Key>{key}</Key><LastModified>{thing.modified_at:%Y-%m-%dT%H:%M:%S.%fZ}</LastModified>"
            f"<Size>{len(thing.data)}</Size><ETag>1</ETag></Contents>"
            for key, thing in self.stub.objects.items()
            if key.startswith(prefix)
        )
        self._answer(200, f"<ListBucketResult>{found}</ListBucketResult>".encode())

    def _signed_request(self) -> bool:
        message, _, signature = self.headers.get("Authorization", "").removeprefix("Bearer ").rpartition(".")
        return self.stub.verified(message.encode(), base64.urlsafe_b64decode(signature + "=="))

    def _signed_link(self, path: str) -> bool:
        query = dict(self._query)
        signature = bytes.fromhex(query.pop("X-Goog-Signature"))
        named = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in sorted(query.items()))
        request = "\n".join((self.command, path, named, f"host:{_SIGNED_HOST}", "", "host", "UNSIGNED-PAYLOAD"))
        scope = query["X-Goog-Credential"].partition("/")[2]
        digest = hashlib.sha256(request.encode()).hexdigest()
        message = "\n".join((query["X-Goog-Algorithm"], query["X-Goog-Date"], scope, digest))
        made_at = datetime.strptime(query["X-Goog-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        ends_at = made_at + timedelta(seconds=int(query["X-Goog-Expires"]))
        return datetime.now(UTC) < ends_at and self.stub.verified(message.encode(), signature)

    def _answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {**(headers or {}), "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""
