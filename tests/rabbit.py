"""A RabbitMQ server of Debian's package that tests start for themselves, freeze, kill, and end by process id."""

import itertools
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

from amqp.exceptions import AMQPError
from kombu import Connection

from imagemill.cli.leash import Leash
from tests.functional.running import free_port
from tests.programs import required
from tests.servers import eventually

PROGRAM = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
"""Not the one on PATH: that one changes to a user of its own, who may not write to our folder."""

SETTLED_SECONDS = 8.0
"""RabbitMQ 3.10 does not find a quorum queue again made right before it was killed: seen at 0 s, not at 8 s."""

SETTINGS = """\
[{rabbit, [
    {tcp_listeners, [{"127.0.0.1", %(port)s}]},
    {num_acceptors, [{tcp, 2}]},
    {disk_free_limit, 1000000},
    {vm_memory_high_watermark, {absolute, "512MB"}}
]},
{kernel, [{inet_dist_use_interface, {127,0,0,1}}]}].
"""


class Rabbit:
    """A RabbitMQ node on the loopback interface, with its own folder and its own port mapper."""

    def __init__(self) -> None:
        required(str(PROGRAM), "rabbitmq-server")
        self._folder = Path(tempfile.mkdtemp(prefix="mq", dir="/tmp"))
        self._numbers = itertools.count()
        self._port, mapper, distribution = free_port(), free_port(), free_port()
        (self._folder / "advanced.config").write_text(SETTINGS % {"port": self._port})
        (self._folder / "plugins").write_text("[].")
        self._environment = {
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            # The node's cookie is made there.
            "HOME": str(self._folder),
            # A name of its own, so that no file of the system's node is meant.
            "RABBITMQ_NODENAME": f"imagemill{self._port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self._port),
            "RABBITMQ_DIST_PORT": str(distribution),
            "RABBITMQ_MNESIA_BASE": str(self._folder / "kept"),
            "RABBITMQ_LOG_BASE": str(self._folder / "log"),
            "RABBITMQ_PID_FILE": str(self._folder / "pid"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(self._folder / "advanced.config"),
            "RABBITMQ_CONFIG_FILE": str(self._folder / "none"),
            "RABBITMQ_CONF_ENV_FILE": str(self._folder / "none"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self._folder / "plugins"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 1:1 +SDio 2 +sbwt none +sbwtdcpu none",
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_EPMD_PORT": str(mapper),
        }
        self._process: subprocess.Popen[bytes] | None = None
        self._settled_at = 0.0
        # The node would start one that outlives it.
        self._mapper = subprocess.Popen(
            ["epmd"],  # the port mapper daemon of Erlang, which a node has to find
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._leash = Leash()
        self._leash.tie(self._mapper.pid)

    @property
    def url(self) -> str:
        """Its address, as the setting `broker_url` spells it."""
        return f"amqp://guest:guest@127.0.0.1:{self._port}//"

    def queue(self) -> str:
        """A name for a queue that nobody has used."""
        return f"q{next(self._numbers)}"

    def settled_queue(self, user: str) -> str:
        """A queue that is old enough to outlive SIGKILL; one for each of those who kill the server.

        Args:
            user: `contract` or `functional`.
        """
        time.sleep(max(0.0, self._settled_at - time.monotonic()))  # there is nothing to see, only time to pass
        return f"settled-{user}"

    def start(self) -> Self:
        """Start it, on what it kept if it ran before; returns when it answers."""
        with (self._folder / "said").open("ab") as said:
            self._process = subprocess.Popen(
                [PROGRAM],
                env=self._environment,
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                start_new_session=True,
            )
        self._leash.tie(self._process.pid)
        eventually(self._answers, 60, "RabbitMQ's answer")
        if not self._settled_at:
            with Connection(self.url) as link:
                for user in ("contract", "functional"):
                    link.channel().queue_declare(
                        f"settled-{user}", durable=True, auto_delete=False, arguments={"x-queue-type": "quorum"}
                    )
            self._settled_at = time.monotonic() + SETTLED_SECONDS
        return self

    def kill(self) -> None:
        """SIGKILL of the node and of all that it started, at once."""
        if self._process is not None:
            self._signal(signal.SIGKILL)
            self._process.wait()
            self._leash.untie(self._process.pid)
            self._process = None

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Let it answer nothing meanwhile, while its connections stay open."""
        self._signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._signal(signal.SIGCONT)

    def close(self) -> None:
        """End it and remove what it kept."""
        self.kill()
        self._mapper.kill()
        self._mapper.wait()
        self._leash.close()
        shutil.rmtree(self._folder)

    def messages(self, queue: str) -> int:
        """How many wait in a queue; none as long as it cannot be asked."""
        with suppress(OSError, AMQPError), Connection(self.url, connect_timeout=5) as link:
            return int(link.channel().queue_declare(queue, passive=True).message_count)
        return 0

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self._folder / "said").read_text()
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", self._port)):
                return False
        with suppress(OSError), Connection(self.url, connect_timeout=5) as link:
            link.connect()
            return True
        return False
