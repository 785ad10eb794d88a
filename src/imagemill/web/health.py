"""`/healthz`: the process answers. `/readyz`: work can be taken in."""

from dataclasses import dataclass

from flask import Flask, Response

from imagemill.flow.health import Health
from imagemill.web.answers import respond
from imagemill.web.schemas import AliveAnswer, PartAnswer, ReadyAnswer

_NEEDED = ("database", "store")
"""Without these nothing can be accepted. Without the broker it can: the sweep sends later what was accepted."""


@dataclass(frozen=True)
class HealthPages:
    """The two pages that a supervisor or a load balancer asks for."""

    health: Health

    def register(self, app: Flask) -> None:
        """Put the pages in their places."""
        app.add_url_rule("/healthz", "healthz", self.alive)
        app.add_url_rule("/readyz", "readyz", self.ready)

    def alive(self) -> Response:
        """Asks nobody else."""
        return respond(AliveAnswer())

    def ready(self) -> Response:
        """Asks every part: 200 if jobs can be accepted, 503 if not."""
        troubles = self.health.check()
        parts = {
            name: PartAnswer(state="ok" if trouble is None else "away", detail=trouble)
            for name, trouble in troubles.items()
        }
        if any(troubles[name] for name in _NEEDED):
            return respond(ReadyAnswer(state="unavailable", parts=parts), 503)
        return respond(ReadyAnswer(state="degraded" if any(troubles.values()) else "ready", parts=parts))
