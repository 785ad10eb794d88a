"""Fault points: how a test kills or stops a process between two durable steps. Asleep unless settings say otherwise.

The setting `faults` holds rules, separated by commas:

    POINT:ACTION[:TIMES[:TOKEN]]

POINT is a value of `FaultPoint`; ACTION is `kill` (SIGKILL), `crash` (SIGSEGV, as a codec's own mistake ends it) or
`stop` (SIGSTOP) of the process itself; TIMES is how often in all, over every process that shares the data folder,
default 1, `*` without end; TOKEN limits it to one job.
"""

import os
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from uuid import UUID

from imagemill.domain.ports import FaultPoint
from imagemill.errors import ConfigurationError

_SIGNALS = {"kill": signal.SIGKILL, "crash": signal.SIGSEGV, "stop": signal.SIGSTOP}


class NoFaults:
    """What production runs with."""

    def reach(self, point: FaultPoint, token: UUID) -> None:
        """Do nothing."""


@dataclass(frozen=True)
class Rule:
    """One rule of the setting. `times` is None for no end, `token` None for every job."""

    point: FaultPoint
    action: signal.Signals
    times: int | None
    token: UUID | None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a rule. Raises ConfigurationError."""
        point, action, times, token = (*text.strip().split(":", 3), "", "", "")[:4]
        try:
            return cls(
                FaultPoint(point),
                _SIGNALS[action],
                None if times == "*" else int(times or 1),
                UUID(token) if token else None,
            )
        except (ValueError, KeyError):
            raise ConfigurationError("IMAGEMILL_FAULTS: a rule is POINT:ACTION[:TIMES[:TOKEN]]") from None


@dataclass(frozen=True)
class ScriptedFaults:
    """Faults as a test scripts them.

    Args:
        rules: what to do where.
        folder: where the processes count together how often a rule has struck.
    """

    rules: tuple[Rule, ...]
    folder: Path

    def reach(self, point: FaultPoint, token: UUID) -> None:
        """Strike if a rule says so."""
        for number, rule in enumerate(self.rules):
            if rule.point is point and rule.token in (None, token) and self._strikes(number, rule.times):
                os.kill(os.getpid(), rule.action)

    def _strikes(self, number: int, times: int | None) -> bool:
        if times is None:
            return True
        self.folder.mkdir(parents=True, exist_ok=True)
        for strike in range(times):
            try:
                # Made exclusively, so that each strike is had by one process only.
                (self.folder / f"{number}-{strike}").touch(exist_ok=False)
            except FileExistsError:
                continue
            return True
        return False


def from_setting(text: str, folder: Path) -> NoFaults | ScriptedFaults:
    """The faults that a setting asks for. Raises ConfigurationError."""
    if not text:
        return NoFaults()
    return ScriptedFaults(tuple(map(Rule.parse, text.split(","))), folder)
