"""What an operator sees of the service: log, metrics, traces, reports of faults. The only place that configures them.

logs.py        one form for every line of a process, and the ids that each line carries
metrics.py     the table of metrics, and the counting
slots.py       where the processes of a machine count together, and which of them live
exposition.py  all that they counted, as Prometheus reads it
tracing.py     OpenTelemetry
reports.py     reports of faults, by Sentry
watched.py     an object store whose failures are counted
instruments.py what a process is given of all this
"""

from imagemill.observability.logs import bind, bound, cause, configure, logger, unbind

__all__ = ["bind", "bound", "cause", "configure", "logger", "unbind"]
