"""What a process is given to be seen by: its metrics and its traces."""

import logging
from dataclasses import dataclass, field

from imagemill.config import Settings
from imagemill.observability import slots
from imagemill.observability.metrics import NoMetrics, PrometheusMetrics
from imagemill.observability.tracing import NoTracing, tracing

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Instruments:
    """Metrics and traces; left out, none.

    Args:
        metrics: counts.
        tracing: traces; the metrics tell it of stages.
    """

    metrics: NoMetrics = field(default_factory=NoMetrics)
    tracing: NoTracing = field(default_factory=NoTracing)


def instruments(settings: Settings, role: str) -> Instruments:
    """The instruments that the settings ask for. Once in each process, after any fork.

    Args:
        settings: say whether to count and to trace.
        role: api, worker or beat.
    """
    traces = tracing(settings, role)
    folder = settings.metrics_folder
    if folder is None:
        return Instruments(NoMetrics(traces), traces)
    slot = slots.claim(folder)
    try:
        return Instruments(PrometheusMetrics(slot, role, traces), traces)
    except OSError as error:
        # To work unseen is better than not to work.
        slot.lock.close()
        log.error("Nothing is counted, as there is no room in %s: %s", folder, error.strerror)
        return Instruments(NoMetrics(traces), traces)
