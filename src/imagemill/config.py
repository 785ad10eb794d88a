"""Every setting: its name, type, unit, default and one sentence. The only reader of the environment.

A setting `name` is the environment variable `IMAGEMILL_NAME`. `load()` raises ConfigurationError, naming the variable
and never its value, instead of starting with a setting that is wrong.
"""

import hashlib
import os
import secrets
import tempfile
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import quote, urlsplit

from pydantic import AfterValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from imagemill.domain.limits import Limits
from imagemill.errors import ConfigurationError

PREFIX = "IMAGEMILL_"
MIN_SECRET_CHARACTERS = 32
_SOCKET = "broker.sock"
_MAX_SOCKET_PATH = 100  # sockaddr_un.sun_path holds 108 bytes on Linux, 104 on macOS (unix(7)).


class Profile(StrEnum):
    """What the service is run for."""

    DEVELOPMENT = "development"
    TESTING = "testing"
    STAGING = "staging"
    PRODUCTION = "production"

    @property
    def guarded(self) -> bool:
        """Whether it refuses to start with what is only fit for a desk."""
        return self is not Profile.DEVELOPMENT


def _no_trailing_slash(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.query or parts.fragment:
        raise ValueError("must be an http or https URL without query")
    return url.rstrip("/")


def _known_database(url: str) -> str:
    if not url.startswith(("sqlite:///", "postgresql://", "postgresql+psycopg://")):
        raise ValueError("must begin with sqlite:/// or postgresql://")
    return url


def _known_storage(url: str) -> str:
    if not url.startswith("file:"):
        raise ValueError("must begin with file:")
    return url


def _known_broker(url: str) -> str:
    if not url.startswith(("redis://", "rediss://", "redis+socket://")):
        raise ValueError("must begin with redis://, rediss:// or redis+socket://")
    return url


class Settings(BaseSettings):
    """All settings, frozen. Durations are seconds, sizes bytes, unless the name says otherwise."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid", hide_input_in_errors=True)

    profile: Profile = Field(
        Profile.DEVELOPMENT, description="What the service is run for; all but development refuse unsafe settings."
    )
    data: Path = Field(Path("data"), description="Folder for whatever is not given a place of its own.")
    secret_key: SecretStr | None = Field(
        None,
        description="Secret that tokens are derived from, at least 32 characters; changing it changes every token. "
        "Left out in development, one is made and kept in the data folder.",
    )
    auth: Literal["off"] | None = Field(
        None, description="Who may use the API. `off` is everybody; outside development it has to be said."
    )
    host: str = Field("127.0.0.1", description="Address that the API listens on.")
    port: int = Field(5000, ge=1, le=65535, description="TCP port that the API listens on.")
    public_url: Annotated[str, AfterValidator(_no_trailing_slash)] | None = Field(
        None, description="Base of the URLs in answers; left out, the scheme and host of the request."
    )
    accel_path: str | None = Field(
        None,
        pattern="^/[A-Za-z0-9/_-]*/$",
        description="Internal location of nginx that leads to the store's folder, such as /_objects/; nginx then sends "
        "the images (X-Accel-Redirect). Left out, the API sends them.",
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

    database_url: Annotated[str, AfterValidator(_known_database)] | None = Field(
        None, description="Where the record is: sqlite:/// or postgresql://. Left out, SQLite in the data folder."
    )
    storage_url: Annotated[str, AfterValidator(_known_storage)] | None = Field(
        None, description="Where images lie: file: and a folder. Left out, the folder `objects` in the data folder."
    )
    broker_url: Annotated[str, AfterValidator(_known_broker)] | None = Field(
        None, description="The broker: redis://, rediss:// or redis+socket://. Left out, `imagemill up` runs its own."
    )
    queue: str = Field("imagemill", pattern="^[A-Za-z0-9._-]{1,64}$", description="Name of the broker's queue.")

    max_image_bytes: int = Field(32 * 2**20, ge=1024, le=2**30, description="Size of an image as it is sent.")
    max_pixels: int = Field(100_000_000, ge=1, description="Width × height × frames of an image.")
    max_frames: int = Field(1000, ge=1, description="Frames of an animation, or pages of a TIFF.")
    max_output_pixels: int = Field(50_000_000, ge=1, description="Width × height of an output.")

    max_pending: int = Field(100_000, ge=1, description="Jobs that may wait; past it a new one is answered 503.")

    wait_seconds: int = Field(30, ge=0, le=300, description="The longest wait that `Prefer: wait` is granted.")
    wait_slots: int | None = Field(
        None,
        ge=0,
        description="Requests of one API process that may wait at a time; left out, half of its threads.",
    )

    worker_concurrency: int | None = Field(
        None, ge=1, le=256, description="Child processes of a worker; left out, one for each core."
    )
    job_soft_seconds: int = Field(45, ge=1, description="A job that takes longer is ended with an error.")
    job_hard_seconds: int = Field(60, ge=2, description="A worker child whose job takes longer is killed.")
    lease_seconds: float = Field(
        15, ge=1, description="How long a silent worker keeps its job; a live one renews three times as often."
    )
    max_attempts: int = Field(3, ge=1, le=20, description="Workers that may die over a job before it fails.")
    patience_seconds: int = Field(
        3600, ge=1, description="How old a job may be to be tried again while the object store is away."
    )
    resend_seconds: int = Field(
        15, ge=1, description="How long a job waits to be claimed before it is sent again; doubles each time."
    )
    sweep_seconds: float = Field(2, gt=0, le=60, description="Pause between two sweeps.")
    keep_days: float = Field(30, gt=0, description="How long ended jobs and their images are kept.")
    worker_max_jobs: int = Field(1000, ge=1, description="Jobs after which a worker child is replaced.")
    worker_max_resident_bytes: int = Field(
        512 * 2**20, ge=2**27, description="Resident memory after which a worker child is replaced, between two jobs."
    )
    worker_max_address_bytes: int = Field(
        2 * 2**30, ge=2**29, description="Address space of a worker child (RLIMIT_AS); past it a job fails."
    )

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
    otlp_endpoint: Annotated[str, AfterValidator(_no_trailing_slash)] | None = Field(
        None,
        description="Base URL of an OpenTelemetry collector, such as http://127.0.0.1:4318, that traces are sent to. "
        "Left out, nothing is traced. Needs the extra `otel`.",
    )
    trace_ratio: float = Field(1.0, ge=0, le=1, description="Part of the traces that is sent.")
    sentry_dsn: SecretStr | None = Field(
        None, description="DSN of the Sentry project that faults are reported to. Needs the extra `sentry`."
    )
    task_events: bool = Field(
        False, description="Whether Celery tells of each task as it goes; Flower shows nothing without."
    )
    flower_host: str = Field("127.0.0.1", description="Address that `imagemill flower` listens on.")
    flower_port: int = Field(5555, ge=1, le=65535, description="TCP port that `imagemill flower` listens on.")
    flower_prefix: str = Field(
        "flower", pattern="^[A-Za-z0-9_-]+$", description="Path under which `imagemill flower` answers."
    )
    flower_users: SecretStr | None = Field(
        None,
        description="Who may see Flower, as `name:password`, several separated by commas. Left out, whom FLOWER_AUTH "
        "and FLOWER_OAUTH2_… let in; outside development one of the two is required.",
    )
    flower_operates: bool = Field(
        False, description="Whether Flower may also stop workers and revoke tasks, instead of only showing them."
    )
    faults: str = Field(
        "", description="Testing only: fault points to stop or kill at, such as `job-claimed:kill:1`; see faults.py."
    )

    @model_validator(mode="after")
    def _check_relations(self) -> "Settings":
        if self.job_hard_seconds <= self.job_soft_seconds:
            raise ValueError("IMAGEMILL_JOB_HARD_SECONDS must be greater than IMAGEMILL_JOB_SOFT_SECONDS")
        if self.metrics_port == self.port:
            raise ValueError("IMAGEMILL_METRICS_PORT must be another port than IMAGEMILL_PORT")
        if self.faults and self.profile is not Profile.TESTING:
            raise ValueError("IMAGEMILL_FAULTS works in the testing profile only")
        if self.secret_key and len(self.secret_key.get_secret_value()) < MIN_SECRET_CHARACTERS:
            raise ValueError(f"IMAGEMILL_SECRET_KEY must have at least {MIN_SECRET_CHARACTERS} characters")
        if self.profile.guarded and not self.secret_key:
            raise ValueError(f"IMAGEMILL_SECRET_KEY must be set when IMAGEMILL_PROFILE is {self.profile}")
        if self.profile.guarded and self.auth is None:
            raise ValueError(
                f"IMAGEMILL_AUTH must be set when IMAGEMILL_PROFILE is {self.profile}: "
                "say off if something in front of imagemill decides who may use it"
            )
        return self

    @property
    def limits(self) -> Limits:
        """What one image may cost."""
        return Limits(self.max_image_bytes, self.max_pixels, self.max_output_pixels, self.max_frames)

    @property
    def database(self) -> str:
        """URL of the record."""
        return self.database_url or f"sqlite:///{self.data.absolute() / 'imagemill.db'}"

    @property
    def storage(self) -> str:
        """URL of the object store."""
        return self.storage_url or f"file:{self.data.absolute() / 'objects'}"

    @property
    def broker(self) -> str:
        """URL of the broker."""
        return self.broker_url or f"redis+socket://{self.broker_socket}?virtual_host=0"

    @property
    def broker_socket(self) -> Path:
        """Unix socket of the embedded broker: in the data folder, else in a private one among the temporary files."""
        path = self.data.absolute() / _SOCKET
        # Too long for a socket, or with characters that would have to be quoted in a URL.
        if len(os.fsencode(path)) > _MAX_SOCKET_PATH or quote(str(path)) != str(path):
            digest = hashlib.sha256(os.fsencode(path)).hexdigest()[:16]
            return Path(tempfile.gettempdir(), f"imagemill-{os.getuid()}-{digest}", _SOCKET)
        return path

    @property
    def waits(self) -> int:
        """Requests of one API process that may wait at a time; at least one thread always stays free."""
        return min(self.api_threads // 2 if self.wait_slots is None else self.wait_slots, self.api_threads - 1)

    @property
    def concurrency(self) -> int:
        """Child processes of a worker."""
        # Where a process can be bound to cores (not on macOS), the others are none of ours.
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        return self.worker_concurrency or cores or 1

    @property
    def json_logs(self) -> bool:
        """Whether log lines are JSON."""
        return (self.log_format or ("text" if self.profile is Profile.DEVELOPMENT else "json")) == "json"

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

    def secret(self) -> str:
        """The deployment's secret; in development made on first use and kept in the data folder."""
        if self.secret_key:
            return self.secret_key.get_secret_value()
        try:
            secret = _kept_secret(self.data / "secret_key")
        except OSError as error:
            raise ConfigurationError(
                f"{PREFIX}DATA: the secret key cannot be kept in the folder: {error.strerror}"
            ) from error
        if len(secret) < MIN_SECRET_CHARACTERS:
            raise ConfigurationError(f"{PREFIX}DATA: the secret_key in the folder is too short; it may be cut off")
        return secret


def load(overrides: Mapping[str, Any] | None = None) -> Settings:
    """Read the environment, then the overrides over it.

    Args:
        overrides: settings by name, such as command line flags; None values are left out.

    Raises:
        ConfigurationError: a variable is unknown, unreadable or at odds with another.
    """
    unknown = sorted(
        name
        for name in os.environ
        if name.startswith(PREFIX) and name[len(PREFIX) :].lower() not in Settings.model_fields
    )
    if unknown:
        raise ConfigurationError(f"{unknown[0]} is not a setting; `imagemill config` lists them all")
    try:
        return Settings(**{name: value for name, value in (overrides or {}).items() if value is not None})
    except ValidationError as error:
        raise ConfigurationError("; ".join(map(_sentence, error.errors()))) from None


def environment(settings: Settings) -> dict[str, str]:
    """The environment in which another process loads the same settings."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    return inherited | {
        PREFIX + name.upper(): value.get_secret_value() if isinstance(value, SecretStr) else str(value)
        for name in Settings.model_fields
        if (value := getattr(settings, name)) is not None
    }


def export(settings: Settings) -> None:
    """Let the processes that this one starts load the same settings."""
    os.environ.update(environment(settings))


def tell_library(variable: str, value: str) -> None:
    """Set a variable that a library reads from the environment and takes from nowhere else."""
    os.environ[variable] = value


def is_set(variable: str) -> bool:
    """Whether the environment has a variable that a library reads."""
    return bool(os.environ.get(variable))


def source_of(name: str, settings: Settings) -> Literal["environment", "default"]:
    """Where a setting's value came from."""
    return "environment" if name in settings.model_fields_set else "default"


def _sentence(error: Any) -> str:
    variable = "".join(f"{PREFIX}{str(part).upper()}: " for part in error["loc"][:1])
    return variable + str(error["msg"]).removeprefix("Value error, ")


def _kept_secret(path: Path) -> str:
    # Linked into place whole, so that of several processes that start at once all read the same one.
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(32))
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    _flush_folder(path.parent)
    return path.read_text()


def _flush_folder(folder: Path) -> None:
    # Tokens are given out that only this secret explains. Also where another process has just made it: it may not
    # have flushed the folder yet.
    place = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(place)
    finally:
        os.close(place)
