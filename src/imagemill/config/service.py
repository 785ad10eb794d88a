"""Settings of the API: where it listens, and what its processes may hold and wait for."""

from pydantic import Field

from imagemill.config.deployment import Deployment
from imagemill.config.spelling import HttpUrl


class Service(Deployment):
    """Where the API listens, and what its processes may hold and wait for."""

    host: str = Field("127.0.0.1", description="Address that the API listens on.")
    port: int = Field(5000, ge=1, le=65535, description="TCP port that the API listens on.")
    public_url: HttpUrl | None = Field(
        None, description="Base of the URLs in answers; left out, the scheme and host of the request."
    )
    api_processes: int = Field(2, ge=1, le=64, description="Processes of the API.")
    api_threads: int = Field(8, ge=2, le=64, description="Threads of each API process; each serves one request.")
    client_seconds: float = Field(
        15,
        gt=0,
        le=3600,
        description="How long a client may stall; then its connection ends. A body has a second more for each 16 KiB.",
    )
    shutdown_seconds: int = Field(
        30,
        ge=1,
        le=600,
        description="How long running requests may take to end at a stop, and jobs under `imagemill up`; "
        "`imagemill worker` alone first ends the jobs that it has taken, however long that takes.",
    )
    wait_seconds: int = Field(30, ge=0, le=300, description="The longest wait that `Prefer: wait` is granted.")
    wait_slots: int | None = Field(
        None,
        ge=0,
        description="Requests of one API process that may wait at a time; left out, half of its threads.",
    )

    @property
    def waits(self) -> int:
        """Requests of one API process that may wait at a time; at least one thread always stays free."""
        return min(self.api_threads // 2 if self.wait_slots is None else self.wait_slots, self.api_threads - 1)
