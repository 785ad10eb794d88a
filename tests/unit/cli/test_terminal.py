"""The terminal; that Ctrl-C reaches one process only is tested with a real one, in `functional/test_up.py`."""

import os

from imagemill.cli.terminal import own_foreground


def test_without_a_terminal_nothing_changes() -> None:
    """As under a service manager or in a pipe."""
    before = os.getpgrp()
    with own_foreground():
        assert os.getpgrp() == before
