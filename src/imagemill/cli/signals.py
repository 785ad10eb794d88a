"""Signals as events of a loop: an end that is asked for and a child that died both wake whoever waits."""

import os
import select
import signal
from types import FrameType


class Signals:
    """Turns signals into something to wait for, from its making until `close`; `stops` counts who asked for the end."""

    def __init__(self) -> None:
        self.stops = 0
        self._reading, self._writing = os.pipe()
        for end in (self._reading, self._writing):
            os.set_blocking(end, False)
        self._former_wakeup = signal.set_wakeup_fd(self._writing, warn_on_full_buffer=False)
        wanted = [signal.SIGTERM, signal.SIGINT]
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as under nohup
            wanted.append(signal.SIGHUP)
        self._former = {number: signal.signal(number, self._count) for number in wanted}
        self._former[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, lambda *_: None)

    def wait(self, seconds: float | None) -> None:
        """Sleep until a signal comes, or for so long; None for ever."""
        if select.select([self._reading], [], [], seconds)[0]:
            os.read(self._reading, 4096)

    def close(self) -> None:
        """Let signals mean what they meant before."""
        for number, handler in self._former.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._former_wakeup)
        os.close(self._reading)
        os.close(self._writing)

    def _count(self, number: int, _: FrameType | None) -> None:
        # Only Ctrl-C is pressed twice on purpose; timeout(1), for one, sends every signal twice.
        if number == signal.SIGINT or not self.stops:
            self.stops += 1
