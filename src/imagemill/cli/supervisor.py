"""A supervisor: starts child processes, starts again those that die, stops them in order, leaves no orphan.

Knows nothing of what its children do. One thread: signals and deaths wake one loop.
"""

import logging
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from imagemill.cli.leash import Leash
from imagemill.cli.signals import Signals

log = logging.getLogger(__name__)

FIRST_DELAY_SECONDS = 0.5
LONGEST_DELAY_SECONDS = 10.0
HEALTHY_SECONDS = 60.0
"""A child that lived this long has got over its earlier deaths."""

HURRIED_SECONDS = 1.0
"""What a child still gets between SIGTERM and SIGKILL once a second signal has asked to hurry."""

_POLL_SECONDS = 0.05
_PATIENCE_SECONDS = 10.0


class Stopped(Exception):
    """SIGTERM, SIGINT or SIGHUP came."""


@dataclass(frozen=True, kw_only=True)
class Child:
    """A process to look after.

    Args:
        name: what it is called in the log.
        command: program and arguments.
        environment: all of its environment.
        stop_seconds: how long it may take to end after SIGTERM.
        once: whether it is done when it ends, and not to be started again.
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    stop_seconds: float = 5.0
    once: bool = False


def restart_delay_seconds(deaths: int) -> float:
    """How long to wait before a child is started again that has died so many times in a row, 1 or more."""
    return min(LONGEST_DELAY_SECONDS, FIRST_DELAY_SECONDS * 2.0 ** min(deaths - 1, 10))


class Supervisor:
    """Looks after children within a `with` block; at its end they are stopped, the last started first.

    Their standard output goes where this process's standard error goes.

    Args:
        held: file descriptors to keep open until the last child is gone, even if this process is killed.
    """

    def __init__(self, held: tuple[int, ...] = ()) -> None:
        self._held = held
        self._charges: list[_Charge] = []

    def __enter__(self) -> Self:
        self._signals = Signals()
        self._leash = Leash(self._held)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()
        self._leash.close()
        self._signals.close()

    def start(self, child: Child) -> None:
        """Start a child and look after it from now on."""
        charge = _Charge(child)
        self._charges.append(charge)
        charge.start(self._leash)

    def exit_code(self, name: str) -> int | None:
        """How a child that runs once has ended; None while it runs."""
        return next(charge.exit_code for charge in self._charges if charge.child.name == name)

    def wait_until(self, condition: Callable[[], bool], what: str, why: Callable[[], str] = str) -> None:
        """Look after the children until the condition holds.

        Args:
            condition: asked many times a second.
            what: is waited for; said in the log when it takes long.
            why: asked then for what is known of the reason; empty if nothing is.

        Raises:
            Stopped: the end was asked for.
        """
        remind = time.monotonic() + _PATIENCE_SECONDS
        while not condition():
            self._turn(_POLL_SECONDS)
            if time.monotonic() > remind:
                log.warning("still waiting for %s", ": ".join(filter(None, (what, why()))))
                remind += _PATIENCE_SECONDS

    def watch(self) -> None:
        """Look after the children until the end is asked for. Raises Stopped then."""
        while True:
            self._turn(None)

    def _turn(self, longest_seconds: float | None) -> None:
        self._signals.wait(self._pause_seconds(longest_seconds))
        if self._signals.stops:
            raise Stopped
        if self._leash.torn:
            self._mend_leash()
        for charge in self._charges:
            charge.look(self._leash)

    def _pause_seconds(self, longest_seconds: float | None) -> float | None:
        now = time.monotonic()
        pauses = [max(0.0, charge.due - now) for charge in self._charges if charge.due is not None]
        if longest_seconds is not None:
            pauses.append(longest_seconds)
        return min(pauses, default=None)

    def _mend_leash(self) -> None:
        log.warning("the leash was killed; tying the children to a new one")
        self._leash.close()
        self._leash = Leash(self._held)
        for charge in self._charges:
            if charge.process is not None:
                self._leash.tie(charge.process.pid)

    def _stop(self) -> None:
        for charge in reversed(self._charges):
            charge.stop(self._signals)
            charge.clear(self._leash)


@dataclass
class _Charge:
    """A child and what has become of it. `due` is when to start it again; `process` None while it does not run."""

    child: Child
    process: subprocess.Popen[bytes] | None = None
    exit_code: int | None = None
    due: float | None = None
    deaths: int = 0
    started: float = 0.0

    def start(self, leash: Leash) -> None:
        self.due, self.started = None, time.monotonic()
        self.process = subprocess.Popen(  # noqa: S603 - commands come from this program
            self.child.command,
            env=self.child.environment,
            stdin=subprocess.DEVNULL,
            stdout=2,
            # A session of its own, so that Ctrl-C in the terminal reaches the supervisor only.
            start_new_session=True,
            preexec_fn=leash.tie,  # noqa: PLW1509 - there is one thread only
        )
        log.info("started %s, process %d", self.child.name, self.process.pid)

    def look(self, leash: Leash) -> None:
        if self.process is not None and (code := self.process.poll()) is not None:
            self.clear(leash)
            self.exit_code = code
            if not self.child.once:
                self._mourn(_manner(code))
        elif self.due is not None and time.monotonic() >= self.due:
            try:
                self.start(leash)
            except OSError as error:
                self._mourn(f"could not be started: {error.strerror}")

    def stop(self, signals: Signals) -> None:
        """Ask the child to end, and wait until it has or its time is over."""
        if self.process is None:
            return
        log.info("stopping %s", self.child.name)
        self.process.terminate()
        began = time.monotonic()
        while self.process.poll() is None:
            patience = self.child.stop_seconds
            if signals.stops > 1:
                patience = min(HURRIED_SECONDS, patience)
            if time.monotonic() - began > patience:
                log.warning("%s did not end in %.0f s and is killed", self.child.name, patience)
                return
            signals.wait(_POLL_SECONDS)

    def clear(self, leash: Leash) -> None:
        """Kill what is left of the child's process group, so that nothing holds its port or its files."""
        if self.process is None:
            return
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        leash.untie(self.process.pid)
        self.process = None

    def _mourn(self, manner: str) -> None:
        now = time.monotonic()
        self.deaths = 1 if now - self.started >= HEALTHY_SECONDS else self.deaths + 1
        delay = restart_delay_seconds(self.deaths)
        self.due = now + delay
        log.warning("%s %s; starting it again in %.1f s", self.child.name, manner, delay)


def _manner(code: int) -> str:
    return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
