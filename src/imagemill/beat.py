"""The beat: sweeps at once, then again and again. Needs no broker to find work, no leader: two beats are harmless."""

import logging
import signal
import threading
from dataclasses import asdict

from imagemill import observability, wiring
from imagemill.config import Settings
from imagemill.errors import Unavailable
from imagemill.flow.sweep import Sweep
from imagemill.observability.exposition import serve
from imagemill.observability.instruments import instruments

log = logging.getLogger(__name__)


def run(settings: Settings) -> None:
    """Sweep until SIGTERM or SIGINT."""
    observability.configure(settings, "beat")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    serve(wiring.for_scrapes(settings), settings)
    beat(wiring.for_beat(settings, instruments(settings, "beat")), settings.sweep_seconds, stop)


def beat(sweep: Sweep, pause_seconds: float, stop: threading.Event) -> None:
    """Sweep, pause, and again, until told to stop.

    Args:
        sweep: what to do.
        pause_seconds: between the end of one sweep and the start of the next.
        stop: ends the beat when set.
    """
    while not stop.is_set():
        try:
            swept = sweep.run()
        except Unavailable as error:
            log.warning("A sweep was cut short: %s", error.detail)
        except Exception:
            # Whatever one sweep stumbles over, the jobs need the next one.
            log.exception("A sweep failed.")
        else:
            if swept:
                observability.logger().info("sweep", **asdict(swept))
        stop.wait(pause_seconds)
