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
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import quote, urlsplit

from pydantic import AfterValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from imagemill.domain.limits import Limits
from imagemill.domain.places import is_place
from imagemill.domain.secret import MIN_CHARACTERS, weakness
from imagemill.errors import ConfigurationError
from imagemill.relations import contradictions

PREFIX = "IMAGEMILL_"
IN_FILE = "_FILE"
"""What follows a variable's name where its value is in a file, as Docker and Kubernetes hand out secrets."""
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


def _trustworthy_issuer(url: str) -> str:
    # Spelt as it came: an issuer with a slash at its end is another one (OpenID Connect Discovery 1.0, section 4.3).
    _no_trailing_slash(url)
    parts = urlsplit(url)
    if parts.scheme != "https" and parts.hostname not in ("localhost", "127.0.0.1", "::1"):
        raise ValueError("must be an https URL, or on this machine")
    return url


def _hard_to_guess(secret: SecretStr) -> SecretStr:
    # An empty one is as good as none: in a guarded profile that is refused as such.
    if secret and (weak := weakness(secret.get_secret_value())):
        raise ValueError(weak)
    return secret


def _known_database(url: str) -> str:
    if not url.startswith(("sqlite:///", "postgresql://", "postgresql+psycopg://", "mysql://", "mysql+pymysql://")):
        raise ValueError("must begin with sqlite:///, postgresql:// or mysql://")
    return url


def _known_storage(url: str) -> str:
    if not is_place(url):
        raise ValueError("must be file: and a folder, s3://bucket/prefix or gs://bucket/prefix")
    return url


def _known_broker(url: str) -> str:
    if not url.startswith(("redis://", "rediss://", "redis+socket://")):
        raise ValueError("must begin with redis://, rediss:// or redis+socket://")
    return url


def _networks_only(text: str) -> str:
    try:
        _networks(text)
    except ValueError:
        raise ValueError("must be addresses or networks, separated by commas") from None
    return text


def _networks(text: str) -> tuple[IPv4Network | IPv6Network, ...]:
    return tuple(ip_network(word.strip()) for word in text.split(",") if word.strip())


class Settings(BaseSettings):
    """All settings, frozen. Durations are seconds, sizes bytes, unless the name says otherwise."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, frozen=True, extra="forbid", hide_input_in_errors=True, env_ignore_empty=True
    )

    profile: Profile = Field(
        Profile.DEVELOPMENT, description="What the service is run for; all but development refuse unsafe settings."
    )
    data: Path = Field(Path("data"), description="Folder for whatever is not given a place of its own.")
    secret_key: Annotated[SecretStr, AfterValidator(_hard_to_guess)] | None = Field(
        None,
        description="Secret that tokens are derived from, at least 32 random characters; changing it changes every "
        "token. Left out in development, one is made and kept in the data folder.",
    )
    auth: Literal["required", "off"] | None = Field(
        None,
        description="Who may use the API. `required`: who has a key; `off`: everybody. Left out, off in development "
        "and required elsewhere.",
    )
    auth_cache_seconds: float = Field(
        5,
        ge=0,
        le=60,
        description="How long an API process goes by what it has read of a key; so long a revoked key still opens.",
    )
    oidc_issuer: Annotated[str, AfterValidator(_trustworthy_issuer)] | None = Field(
        None,
        description="OpenID Connect issuer whose tokens are accepted beside keys, spelt as in their `iss`; needs the "
        "extra `imagemill[oidc]`.",
    )
    oidc_audience: str | None = Field(None, min_length=1, description="What has to be in a token's `aud`.")
    oidc_scopes_claim: str = Field(
        "scope",
        min_length=1,
        description="Claim of a token that holds its scopes: a list, or words with spaces between.",
    )
    oidc_scopes_prefix: str = Field(
        "", description="What stands before a scope of ours in that claim, such as `imagemill:`."
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
    delivery: Literal["proxy", "redirect", "public"] = Field(
        "proxy",
        description="How outputs reach those who ask: `proxy` sends them from here, `redirect` sends to a link of the "
        "bucket that expires, `public` gives out URLs under IMAGEMILL_CDN_URL.",
    )
    cdn_url: Annotated[str, AfterValidator(_no_trailing_slash)] | None = Field(
        None, description="Where the world finds the outputs' keys, such as a CDN in front of the bucket."
    )
    images: Literal["public", "signed"] = Field(
        "public", description="Who may fetch an output: who knows its URL, or only with a signed link that expires."
    )
    link_seconds: int = Field(
        3600, ge=10, le=604_800, description="How long a signed link and a link of the bucket work, at most."
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
        None,
        description="Where the record is: sqlite:///, postgresql://, or mysql:// for MySQL and MariaDB. "
        "Left out, SQLite in the data folder.",
    )
    database_timeout_seconds: int = Field(
        5,
        ge=2,
        le=60,
        description="How long the database may take to let in, to grant a lock or a free connection, or to run a "
        "statement; then requests are answered 503.",
    )
    database_pool_size: int = Field(
        8,
        ge=1,
        le=64,
        description="Connections that one process may hold; no more are opened than it uses at once. "
        "An API process uses one for each thread at most, a worker child two, the beat one.",
    )
    database_recycle_seconds: int = Field(
        1800, ge=1, description="Age at which a connection is replaced; less than what a firewall forgets after."
    )
    storage_url: Annotated[str, AfterValidator(_known_storage)] | None = Field(
        None,
        description="Where originals and outputs lie: file: and a folder, s3://bucket/prefix or gs://bucket/prefix. "
        "Left out, the folder `objects` in the data folder.",
    )
    outputs_url: Annotated[str, AfterValidator(_known_storage)] | None = Field(
        None, description="Where outputs lie, if not with the originals; in the same words."
    )
    storage_seconds: float = Field(
        10, gt=0, le=300, description="How long one request to a bucket may take, an upload as a whole."
    )
    storage_allow_http: bool = Field(
        False, description="Whether a bucket may be spoken to without TLS: keys are not sent, but images are."
    )
    s3_endpoint: Annotated[str, AfterValidator(_no_trailing_slash)] | None = Field(
        None, description="Where S3 is spoken, such as https://minio.example:9000. Left out, AWS itself."
    )
    s3_region: str | None = Field(
        None, pattern="^[A-Za-z0-9-]{1,64}$", description="The bucket's region, as its provider calls it."
    )
    s3_access_key_id: str | None = Field(
        None,
        min_length=1,
        description="Name of the key for S3. Left out, AWS_ACCESS_KEY_ID and its kin count, then the role of the "
        "container or the machine.",
    )
    s3_secret_access_key: SecretStr | None = Field(None, min_length=1, description="The key for S3 of that name.")
    s3_path_style: bool = Field(
        True, description="Whether URLs have the bucket in their path; turned off, it is in the endpoint's host name."
    )
    gs_service_account: Path | None = Field(
        None,
        description="File with the key of a service account, for gs://. Left out, GOOGLE_APPLICATION_CREDENTIALS names "
        "it, or the machine has an account.",
    )
    gs_endpoint: Annotated[str, AfterValidator(_no_trailing_slash)] | None = Field(
        None, description="Where the XML API of Google Cloud Storage is spoken. Left out, Google itself."
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
    max_pending_seconds: int = Field(
        21_600, ge=1, description="How long a job may have waited; while one has for longer, a new one is answered 503."
    )
    max_pending_per_owner: int | None = Field(
        None,
        ge=1,
        description="Jobs that one owner may have waiting; past it a new one is answered 429. Left out, any number; "
        "while `auth` is off there is one owner, and this is not looked at.",
    )
    requests_per_minute_per_key: int | None = Field(
        None, ge=1, description="Requests to the API with one key; past it they are answered 429. Left out, any number."
    )
    requests_per_minute_per_address: int | None = Field(
        None,
        ge=1,
        description="Requests to the API from one address, or one /64 of IPv6, counted before a key is looked at; "
        "past it they are answered 429. Left out, any number. Behind a proxy, `trusted_proxies` has to name it.",
    )
    trusted_proxies: Annotated[str, AfterValidator(_networks_only)] = Field(
        "",
        description="Addresses and networks whose X-Forwarded-For is believed, such as `10.0.0.0/8,::1`.",
    )

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
    keep_days: float = Field(30, gt=0, description="How long ended jobs, their outputs and originals are kept.")
    keep_originals_days: float | None = Field(
        None,
        gt=0,
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
        if self.profile.guarded and not self.secret_key:
            raise ValueError(f"IMAGEMILL_SECRET_KEY must be set when IMAGEMILL_PROFILE is {self.profile}")
        for contradiction in contradictions(self):
            raise ValueError(contradiction)
        return self

    @property
    def auth_required(self) -> bool:
        """Whether who uses the API has to show a key or a token."""
        return self.access == "required"

    @property
    def access(self) -> Literal["required", "off"]:
        """Who may use the API."""
        return self.auth or ("required" if self.profile.guarded else "off")

    @property
    def limits(self) -> Limits:
        """What one image may cost."""
        return Limits(self.max_image_bytes, self.max_pixels, self.max_output_pixels, self.max_frames)

    @property
    def proxies(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """Networks of the proxies that are trusted."""
        return _networks(self.trusted_proxies)

    @property
    def database(self) -> str:
        """URL of the record."""
        return self.database_url or f"sqlite:///{self.data.absolute() / 'imagemill.db'}"

    @property
    def storage(self) -> str:
        """URL of the place of originals."""
        return self.storage_url or f"file:{self.data.absolute() / 'objects'}"

    @property
    def outputs(self) -> str:
        """URL of the place of outputs."""
        return self.outputs_url or self.storage

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
        if len(secret) < MIN_CHARACTERS:
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


def tell_library(variable: str, value: str) -> None:
    """Set a variable that a library reads from the environment and takes from nowhere else."""
    os.environ[variable] = value


def is_set(variable: str) -> bool:
    """Whether the environment has a variable that a library reads."""
    return bool(os.environ.get(variable))


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
