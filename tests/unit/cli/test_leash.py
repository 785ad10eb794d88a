"""The leash: what is still tied when the lines end is killed, and nothing else."""

import signal
import subprocess
import sys

from imagemill.cli.leash import Leash, hold
from tests.servers import eventually


class Graveyard:
    """Stands in for os.killpg: groups that live, and what was sent to them."""

    def __init__(self, *living: int) -> None:
        self.living = set(living)
        self.killed: list[int] = []

    def kill(self, group: int, number: int) -> None:
        """Like os.killpg."""
        if group not in self.living:
            raise ProcessLookupError
        if number == signal.SIGKILL:
            self.living.remove(group)
            self.killed.append(group)


def test_kills_what_is_still_tied() -> None:
    """Tied and not untied: killed. Untied, or gone already: left alone."""
    graveyard = Graveyard(11, 12)

    hold(["+11\n", "+12\n", "+13\n", "-12\n"], graveyard.kill)

    assert graveyard.killed == [11]


def test_waits_until_the_dead_are_gone() -> None:
    """It ends when they have let go of their files, or after a bounded time."""
    asked = []

    def kill(group: int, number: int) -> None:
        asked.append(number)
        if len(asked) > 3:
            raise ProcessLookupError

    hold(["+11\n"], kill)

    assert asked == [signal.SIGKILL, 0, 0, 0]


def test_a_closed_leash_takes_its_group_with_it() -> None:
    """A process that tied itself before its exec dies with the pipe; one that was let go lives on."""
    leash = Leash()
    sleep = [sys.executable, "-c", "import time; time.sleep(60)"]
    tied, free = (
        subprocess.Popen(sleep, start_new_session=True, preexec_fn=leash.tie)  # noqa: PLW1509 - one thread
        for _ in range(2)
    )
    try:
        leash.untie(free.pid)
        leash.close()

        assert tied.wait(5) == -signal.SIGKILL
        assert free.poll() is None
    finally:
        for process in (tied, free):
            process.kill()
            process.wait()


def test_a_torn_leash_is_seen() -> None:
    """Whoever holds it can tell that it needs another, and tying to it meanwhile does no harm."""
    leash = Leash()
    assert not leash.torn
    leash._process.kill()

    eventually(lambda: leash.torn, what="a torn leash")
    leash.tie(1)
    leash.close()
