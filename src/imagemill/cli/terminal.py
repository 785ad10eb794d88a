"""The terminal: lets one process of a foreground group have Ctrl-C for itself."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

_STDIN = 0


@contextmanager
def own_foreground() -> Iterator[None]:
    """Take the terminal away from the process group that started us, until the end of the block.

    Make ends itself with SIGINT on Ctrl-C, whatever its recipe makes of it; out of the foreground it does not hear of
    it, and ends with our exit code. Without a terminal in the foreground nothing is done.
    """
    if not os.isatty(_STDIN) or os.tcgetpgrp(_STDIN) != os.getpgrp() or os.getpgrp() == os.getpid():
        yield
        return
    former = os.getpgrp()
    # Ctrl-Z would leave a terminal that nobody reads from; giving the terminal back from the background needs TTOU off.
    ignored = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGTSTP, signal.SIGTTOU)}
    os.setpgid(0, 0)
    os.tcsetpgrp(_STDIN, os.getpgrp())
    try:
        yield
    finally:
        os.tcsetpgrp(_STDIN, former)
        os.setpgid(0, former)
        for number, handler in ignored.items():
            signal.signal(number, handler)
