"""The beat: nothing that a sweep stumbles over ends it."""

import threading
from dataclasses import replace

import pytest

from imagemill.beat import beat
from tests.flow.house import RESEND_SECONDS, House


class CountedStop(threading.Event):
    """Is set after a number of waits."""

    def __init__(self, sweeps: int) -> None:
        super().__init__()
        self.left = sweeps

    def wait(self, timeout: float | None = None) -> bool:
        self.left -= 1
        if self.left == 0:
            self.set()
        return self.is_set()


@pytest.fixture
def house() -> House:
    return House()


def test_it_sweeps_at_once(house: House) -> None:
    """What a stop left behind is found before the first pause."""
    token = house.accept().token
    house.queue.sent.clear()
    house.jobs.now += RESEND_SECONDS + 1
    beat(house.sweep, 60, CountedStop(1))
    assert house.queue.sent == [token]


def test_it_goes_on_after_trouble(house: House, caplog: pytest.LogCaptureFixture) -> None:
    """A record that is away and a bug are said, and the next sweep comes."""

    class Stumbling:
        def __init__(self) -> None:
            self.troubles = [house.jobs.check, lambda: 1 / 0]

        def collect(self) -> int:
            if self.troubles:
                self.troubles.pop()()
            house.jobs.away = False
            return 0

    house.jobs.away = False
    stop = CountedStop(3)
    beat(replace(house.sweep, erase=Stumbling()), 0, stop)  # type: ignore[arg-type]
    assert stop.is_set()
    assert "ZeroDivisionError" in caplog.text

    house.jobs.away = True
    beat(house.sweep, 0, CountedStop(1))
    assert "cut short" in caplog.text
