"""Health: ask each part that the service stands on whether it answers."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass

from imagemill.domain.ports import JobQueue, JobStore, ObjectStore
from imagemill.errors import Unavailable

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Health:
    """Checks the parts."""

    jobs: JobStore
    store: ObjectStore
    queue: JobQueue

    def check(self) -> Mapping[str, str | None]:
        """What is wrong with each part: None, or a sentence. Without the broker jobs are still accepted."""
        checks = {"database": self.jobs.check, "store": self.store.check, "broker": self.queue.check}
        troubles: dict[str, str | None] = {}
        for part, check in checks.items():
            try:
                check()
                troubles[part] = None
            except Unavailable as error:
                log.warning("A part is away: %s", part, extra={"cause": repr(error.__cause__)})
                troubles[part] = error.detail
        return troubles
