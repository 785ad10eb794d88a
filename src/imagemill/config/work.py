"""Settings of the work: workers, what a job may take, and how long things are kept."""

import os

from pydantic import Field

from imagemill.config.deployment import Deployment


class Work(Deployment):
    """What workers and the beat do, how often and for how long."""

    worker_concurrency: int | None = Field(
        None, ge=1, le=256, description="Child processes of a worker; left out, one for each core."
    )
    worker_own_cores: bool = Field(
        True,
        description="Whether each child of a worker keeps to a core of its own, where there are as many as cores. "
        "To be switched off where several containers with workers share their cores.",
    )
    job_soft_seconds: int = Field(45, ge=1, description="A job that takes longer is ended with an error.")
    job_hard_seconds: int = Field(60, ge=2, description="A worker child whose job takes longer is killed.")
    lease_seconds: float = Field(
        15,
        ge=1,
        le=86_400,
        description="How long a silent worker keeps its job; a live one renews three times as often.",
    )
    max_attempts: int = Field(3, ge=1, le=20, description="Workers that may die over a job before it fails.")
    patience_seconds: int = Field(
        3600, ge=1, description="How old a job may be to be tried again while the object store is away."
    )
    resend_seconds: int = Field(
        15, ge=1, description="How long a job waits to be claimed before it is sent again; doubles each time."
    )
    sweep_seconds: float = Field(2, gt=0, le=60, description="Pause between two sweeps.")
    # Longer than anybody keeps anything, and short enough for the end to be a date.
    keep_days: float = Field(
        30, gt=0, le=1_000_000, description="How long ended jobs, their outputs and originals are kept."
    )
    keep_originals_days: float | None = Field(
        None,
        gt=0,
        le=1_000_000,
        description="How long an original is kept after it was last sent, if its jobs have ended; its outputs stay. "
        "Left out, as long as a job of it is kept.",
    )
    worker_max_jobs: int = Field(1000, ge=1, description="Jobs after which a worker child is replaced.")
    worker_max_resident_bytes: int = Field(
        512 * 2**20, ge=2**27, description="Resident memory after which a worker child is replaced, between two jobs."
    )
    worker_max_address_bytes: int = Field(
        2 * 2**30, ge=2**29, description="Address space of a worker child (RLIMIT_AS); past it a job fails."
    )

    @property
    def concurrency(self) -> int:
        """Child processes of a worker."""
        # Where a process can be bound to cores (not on macOS), the others are none of ours.
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        return self.worker_concurrency or cores or 1
