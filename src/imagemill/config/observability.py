"""Settings of logs, metrics, traces and reports."""

import hashlib
import os
import tempfile
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr

from imagemill.config.deployment import Deployment, Profile
from imagemill.config.spelling import HttpUrl


class Observability(Deployment):
    """What the service tells of itself, and whom."""

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="Least severity that is logged."
    )
    log_format: Literal["text", "json"] | None = Field(
        None, description="Form of the log; left out, text in development and JSON elsewhere."
    )
    metrics_port: int | None = Field(
        None,
        ge=1,
        le=65535,
        description="TCP port on which each role answers /metrics; roles on one machine that share it count together. "
        "Left out, nothing is counted; in development the API answers on its own port.",
    )
    metrics_host: str = Field("127.0.0.1", description="Address that the port of the metrics listens on.")
    otlp_endpoint: HttpUrl | None = Field(
        None,
        description="Base URL of an OpenTelemetry collector, such as http://127.0.0.1:4318, that traces are sent to. "
        "Left out, nothing is traced. Needs the extra `otel`.",
    )
    trace_ratio: float = Field(1.0, ge=0, le=1, description="Part of the traces that is sent.")
    sentry_dsn: SecretStr | None = Field(
        None, description="DSN of the Sentry project that faults are reported to. Needs the extra `sentry`."
    )

    @property
    def log_lines(self) -> Literal["text", "json"]:
        """Form of the log."""
        return self.log_format or ("text" if self.profile is Profile.DEVELOPMENT else "json")

    @property
    def metrics_folder(self) -> Path | None:
        """Where the processes of this machine count together; None where nothing is counted.

        Never on a disk that other machines or containers see: theirs would be counted twice.
        """
        if self.metrics_port is not None:
            memory = Path("/dev/shm")  # noqa: S108 - a folder that is not ours is refused
            place = memory if os.access(memory, os.W_OK) else Path(tempfile.gettempdir())
            digest = hashlib.sha256(os.fsencode(self.data.absolute())).hexdigest()[:16]
            return place / f"imagemill-{os.getuid()}-{digest}-{self.metrics_port}"
        return self.data.absolute() / "metrics" if self.profile is Profile.DEVELOPMENT else None
