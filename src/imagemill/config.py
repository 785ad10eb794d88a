"""Every setting: its name, type, unit, default and one sentence. The only reader of the environment.

A setting `name` is the environment variable `IMAGEMILL_NAME`, or the content of the file that `IMAGEMILL_NAME_FILE`
names. `load()` raises ConfigurationError, naming the variable and never its value, instead of starting with a setting
that is wrong.
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
IN_FILE = "_FILE"
"""What follows a variable's name where its value is in a file, as Docker and Kubernetes hand out secrets."""

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

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, frozen=True, extra="forbid", hide_input_in_errors=True, env_ignore_empty=True
    )

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
    faults: str = Field(
        "", description="Testing only: fault points to stop or kill at, such as `job-claimed:kill:1`; see faults.py."
    )

    @model_validator(mode="after")
    def _check_relations(self) -> "Settings":
        if self.job_hard_seconds <= self.job_soft_seconds:
            raise ValueError("IMAGEMILL_JOB_HARD_SECONDS must be greater than IMAGEMILL_JOB_SOFT_SECONDS")
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
    files = _files()
    known = {PREFIX + name.upper() + end for name in Settings.model_fields for end in ("", IN_FILE)}
    unknown = sorted(name for name in os.environ if name.startswith(PREFIX) and name not in known)
    if unknown:
        raise ConfigurationError(f"{unknown[0]} is not a setting; `imagemill config` lists them all")
    given = {name: value for name, value in (overrides or {}).items() if value is not None}
    for name, variable in files.items():
        if name in given or os.environ.get(PREFIX + name.upper()):
            raise ConfigurationError(f"{variable}: the setting is given without a file, too; leave one of them out")
        given[name] = _content(variable)
    try:
        return Settings(**given)
    except ValidationError as error:
        raise ConfigurationError("; ".join(map(_sentence, error.errors()))) from None


def environment(settings: Settings) -> dict[str, str]:
    """The environment in which another process loads the same settings. What is in a file stays there."""
    files = _files()
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith(PREFIX) or name in files.values()
    }
    return inherited | {
        PREFIX + name.upper(): value.get_secret_value() if isinstance(value, SecretStr) else str(value)
        for name in Settings.model_fields
        if name not in files and (value := getattr(settings, name)) is not None
    }


def export(settings: Settings) -> None:
    """Let the processes that this one starts load the same settings."""
    os.environ.update(environment(settings))


def source_of(name: str, settings: Settings) -> Literal["file", "environment", "default"]:
    """Where a setting's value came from."""
    if name in _files():
        return "file"
    return "environment" if name in settings.model_fields_set else "default"


def _files() -> dict[str, str]:
    """The settings whose value is in a file, and the variables that name the files."""
    variables = {name: PREFIX + name.upper() + IN_FILE for name in Settings.model_fields}
    return {name: variable for name, variable in variables.items() if os.environ.get(variable)}


def _content(variable: str) -> str:
    try:
        # An editor ends the last line; what a shell's $(cat file) leaves out is no part of the value.
        return Path(os.environ[variable]).read_text().rstrip("\n")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise ConfigurationError(f"{variable}: the file cannot be read: {reason}") from error


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
