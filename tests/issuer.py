"""An OpenID Connect issuer on loopback: publishes keys, signs tokens, and can be told to misbehave."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from joserfc import jws, jwt
from joserfc.jwk import ECKey, OKPKey, RSAKey

AUDIENCE = "https://imagemill.example"
WELL_KNOWN = "/.well-known/openid-configuration"
Key = RSAKey | ECKey | OKPKey


def ec_key(id: str = "first") -> ECKey:
    """A key pair."""
    return ECKey.generate_key("P-256", parameters={"kid": id})


class Issuer:
    """Serves while it is used as a context.

    `keys` are published; `away` answers 500 to everything; `answers` replaces what lies at a path; `asked` counts.
    """

    def __init__(self, path: str = "") -> None:
        self.keys: list[Key] = [ec_key()]
        self.away = False
        self.answers: dict[str, bytes] = {}
        self.asked: list[str] = []
        issuer = self

        class Pages(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.asked.append(self.path)
                body = issuer.page(self.path)
                self.send_response(200 if body is not None else 302 if self.path == "/moved" else 500)
                self.send_header("Location", f"{issuer.url}/jwks")
                self.send_header("Content-Length", str(len(body or b"")))
                self.end_headers()
                self.wfile.write(body or b"")

            def log_message(self, *_: object) -> None:
                """Nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self.url = f"http://127.0.0.1:{self._server.server_port}{path}"
        self._path = path.rstrip("/")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def page(self, path: str) -> bytes | None:
        """What lies at a path; None if the issuer is away or nothing does."""
        if self.away:
            return None
        if path in self.answers:
            return self.answers[path]
        if path == self._path + WELL_KNOWN:
            return json.dumps({"issuer": self.url, "jwks_uri": self.url.rstrip("/") + "/jwks"}).encode()
        if path == self._path + "/jwks":
            return json.dumps({"keys": [key.as_dict(private=False) for key in self.keys]}).encode()
        return None

    def token(
        self,
        key: Key | None = None,
        header: dict[str, Any] | None = None,
        algorithm: str = "ES256",
        **claims: Any,
    ) -> str:
        """A token that is good, but for what is said; a claim of None is left out."""
        key = key or self.keys[0]
        now = int(time.time())
        usual = {"iss": self.url, "aud": AUDIENCE, "sub": "alice", "iat": now, "exp": now + 60, "scope": "resize read"}
        told = {name: value for name, value in {**usual, **claims}.items() if value is not None}
        anything = jws.JWSRegistry(algorithms=[algorithm], strict_check_header=False)
        return jwt.encode({"alg": algorithm, "kid": key.kid, **(header or {})}, told, key, registry=anything)
