"""nginx in front of API servers: the files of `deploy/nginx` as an operator installs them, in a folder of its own."""

import os
import shutil
import signal
import socket
import ssl
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

import httpx2
import trustme

from imagemill.cli.leash import Leash
from tests.functional.running import Client, free_port
from tests.programs import required
from tests.servers import eventually

NGINX = Path(__file__).parents[2] / "deploy" / "nginx"
NAME = "images.example.org"
STOP_SECONDS = 20.0


class Proxy:
    """nginx with the files for Debian.

    Args:
        folder: for configuration, certificate and logs.
        servers: ports of API servers on loopback.
        store: the folder of their object store.
        changes: texts of the files and what stands there instead; each has to be there.
    """

    def __init__(
        self, folder: Path, servers: Sequence[int], store: Path | None = None, changes: Mapping[str, str] | None = None
    ) -> None:
        self._program = required("nginx", "nginx-light")
        self.folder = folder
        self.port, self.plain_port = free_port(), free_port()
        self.url = f"https://localhost:{self.port}"
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copytree(NGINX / "imagemill", folder / "imagemill")
        shutil.copytree(NGINX / "debian", folder / "imagemill-site")
        shutil.copy(NGINX / "imagemill.conf", folder)
        self._issue_certificate()
        self._settle(servers, store or folder / "no-store", changes or {})
        self.client = self.client_from()

    def __enter__(self) -> Self:
        # Should the tests be killed, the leash takes nginx.
        self._leash = Leash()
        self.process = subprocess.Popen(
            [self._program, "-p", self.folder, "-c", self.folder / "nginx.conf"],
            stdin=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=self._leash.tie,  # noqa: PLW1509 - no thread is running yet
        )
        try:
            eventually(self._listens_or_is_over, what="nginx")
            assert self.process.poll() is None, self.errors()
        except AssertionError:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.client.http.close()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.process.wait(STOP_SECONDS)
        self._leash.close()

    def check(self) -> "subprocess.CompletedProcess[str]":
        """What nginx says of its configuration."""
        words = [self._program, "-t", "-p", self.folder, "-c", self.folder / "nginx.conf"]
        return subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)

    def client_from(self, **headers: str) -> Client:
        """A client that trusts the certificate and sends the headers with every request."""
        client = Client(self.url)
        client.http.close()
        client.http = httpx2.Client(
            base_url=self.url, timeout=60, verify=self.trust(), trust_env=False, headers=headers
        )
        return client

    def trust(self) -> ssl.SSLContext:
        """TLS as a careful client has it."""
        return ssl.create_default_context(cafile=str(self.folder / "ca.pem"))

    def connection(self, context: ssl.SSLContext | None = None) -> ssl.SSLSocket:
        """A bare connection, for requests that no client library would send."""
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=STOP_SECONDS)
        return (context or self.trust()).wrap_socket(plain, server_hostname="localhost")

    def log(self) -> str:
        """A line for each request."""
        return (self.folder / "imagemill.log").read_text()

    def errors(self) -> str:
        """What nginx has complained about."""
        return (self.folder / "error.log").read_text()

    def _issue_certificate(self) -> None:
        authority = trustme.CA()
        authority.cert_pem.write_to_path(self.folder / "ca.pem")
        authority.issue_cert("localhost", NAME).private_key_and_cert_chain_pem.write_to_path(self.folder / "site.pem")

    def _settle(self, servers: Sequence[int], store: Path, changes: Mapping[str, str]) -> None:
        # nginx as root would hand its work to a user who cannot look into the folders of tests.
        user = "user root;" if os.geteuid() == 0 else ""
        places = " ".join(f"{kind}_temp_path {kind};" for kind in ("client_body", "proxy", "fastcgi", "scgi", "uwsgi"))
        (self.folder / "nginx.conf").write_text(
            f"daemon off; pid nginx.pid; error_log error.log warn; worker_processes 2; {user}"
            f"events {{}} http {{ {places} access_log off; include imagemill.conf; }}"
        )
        (self.folder / "imagemill-site" / "servers.conf").write_text(
            "".join(f"server 127.0.0.1:{port} max_fails=3 fail_timeout=1s;\n" for port in servers)
        )
        everywhere = {
            "listen 80;": f"listen 127.0.0.1:{self.plain_port};",
            "listen 443 ssl http2;": f"listen 127.0.0.1:{self.port} ssl http2;",
            "listen [::]:80;": "",
            "listen [::]:443 ssl http2;": "",
            f"/etc/letsencrypt/live/{NAME}/fullchain.pem": f"{self.folder}/site.pem",
            f"/etc/letsencrypt/live/{NAME}/privkey.pem": f"{self.folder}/site.pem",
            f"server_name {NAME};": f"server_name {NAME} localhost;",
            "/var/log/nginx/imagemill.log": f"{self.folder}/imagemill.log",
            "/var/lib/imagemill/objects": str(store),
            **changes,
        }
        files = [path for path in self.folder.rglob("*.conf") if path.name != "nginx.conf"]
        texts = {path: path.read_text() for path in files}
        for old, new in everywhere.items():
            assert any(old in text for text in texts.values()), f"no file says {old}"
            texts = {path: text.replace(old, new) for path, text in texts.items()}
        for path, text in texts.items():
            path.write_text(text)

    def _listens_or_is_over(self) -> bool:
        if self.process.poll() is not None:
            return True
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=STOP_SECONDS).close()
        except OSError:
            return False
        return True
