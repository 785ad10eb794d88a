"""Settings: each rule refuses what it must, names the variable, and never shows the value."""

from collections.abc import Callable
from pathlib import Path

import pytest

from imagemill import config
from imagemill.cli.config import markdown
from imagemill.config import PREFIX, Profile, Settings
from imagemill.errors import ConfigurationError

SECRET = "0123456789abcdef" * 2
PAGE = Path(__file__).parents[2] / "docs" / "configuration.md"


@pytest.fixture
def variables(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Sets variables of the environment by the settings' names."""

    def set_variables(**values: str) -> None:
        for name, value in values.items():
            monkeypatch.setenv(PREFIX + name.upper(), value)

    return set_variables


def test_defaults_are_enough_for_a_desk() -> None:
    """Without any variable the service can be developed with."""
    settings = config.load()

    assert (settings.profile, settings.host, settings.port) == (Profile.DEVELOPMENT, "127.0.0.1", 5000)
    assert settings.model_fields_set == set()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("profile", "laptop"),
        ("secret_key", "too-short-4711"),
        ("secret_key", "change-me-4711-change-me-4711-change-me"),
        ("secret_key", "4711" * 8),
        ("auth", "perhaps"),
        ("auth_cache_seconds", "61"),
        ("oidc_issuer", "http://4711.example"),
        ("oidc_issuer", "https://4711.example/?a=b"),
        ("oidc_issuer", "4711.example"),
        ("port", "0"),
        ("port", "65536"),
        ("port", "http-4711"),
        ("public_url", "ftp://4711.example"),
        ("public_url", "https://4711.example/?a=b"),
        ("public_url", "4711.example"),
        ("api_processes", "0"),
        ("trusted_proxies", "10.0.0.0/8,4711.example"),
        ("trusted_proxies", "10.0.0.4711"),
        ("requests_per_minute_per_key", "0"),
        ("api_threads", "1"),
        ("shutdown_seconds", "601"),
        ("database_url", "oracle://4711"),
        ("database_url", "mysql+mysqldb://4711"),
        ("database_timeout_seconds", "1"),
        ("database_pool_size", "0"),
        ("database_recycle_seconds", "0"),
        ("storage_url", "ftp://4711"),
        ("storage_url", "s3://"),
        ("storage_url", "s3://4711/../other"),
        ("storage_url", "s3://4711//other"),
        ("storage_url", "s3://4711/other?endpoint=x"),
        ("storage_url", "gs://4711/.hidden"),
        ("outputs_url", "4711"),
        ("storage_seconds", "0"),
        ("s3_endpoint", "minio.example:4711"),
        ("s3_region", "eu central 4711"),
        ("gs_endpoint", "ftp://4711"),
        ("delivery", "pigeon-4711"),
        ("cdn_url", "cdn-4711.example"),
        ("public_url", "http://[4711"),
        ("public_url", "http://4711℀example"),
        ("images", "4711"),
        ("link_seconds", "604801"),
        ("keep_originals_days", "0"),
        ("keep_originals_days", "inf"),
        ("broker_url", "sqs://4711"),
        ("broker_url", "redis://4711:63x9/0"),
        ("broker_url", "redis://4711:70000/0"),
        ("broker_url", "redis://:47/11@broker.example"),
        ("broker_url", "rediss://4711/first"),
        ("broker_url", "redis+socket:///4711?virtual_host=first"),
        ("broker_url", "amqp://4711:56x2/images"),
        ("broker_url", "redis://[4711"),
        ("queue", "not a name 4711"),
        ("max_image_bytes", "1023"),
        ("max_pixels", "0"),
        ("max_output_pixels", "0"),
        ("wait_seconds", "301"),
        ("wait_slots", "-4711"),
        ("worker_concurrency", "257"),
        ("job_soft_seconds", "0"),
        ("job_hard_seconds", "45"),
        ("lease_seconds", "0.5"),
        ("lease_seconds", "inf"),
        ("max_attempts", "21"),
        ("resend_seconds", "0"),
        ("sweep_seconds", "0"),
        ("keep_days", "0"),
        ("keep_days", "1000001"),
        ("worker_max_jobs", "0"),
        ("worker_max_resident_bytes", "4711"),
        ("worker_max_address_bytes", "4711"),
        ("log_level", "LOUD-4711"),
        ("log_format", "xml-4711"),
        ("faults", "job-claimed:kill:4711"),
    ],
)
def test_a_bad_value_is_refused(variables: Callable[..., None], name: str, value: str) -> None:
    """The message names the variable; the value, which may be a secret, is not in it."""
    variables(**{name: value})
    with pytest.raises(ConfigurationError) as caught:
        config.load()

    assert PREFIX + name.upper() in str(caught.value)
    assert "4711" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "redis://broker",
        "redis://broker:6379//",
        "rediss://:p%2Fw@[::1]:6379/3?ssl_cert_reqs=required",
        "redis+socket:///run/broker.sock?virtual_host=0",
        "amqp://ada:p%40w@broker:5672//",
        "amqps://broker/v%2Fx",
    ],
)
def test_a_broker_may_be_spelt_as_celery_spells_it(variables: Callable[..., None], url: str) -> None:
    """With or without port, database, virtual host and password; over TLS and over a socket."""
    variables(broker_url=url)
    assert config.load().broker == url


def test_every_bad_value_is_named_at_once(variables: Callable[..., None]) -> None:
    """Who mends one variable does not have to start again to hear of the next."""
    variables(port="0", queue="not a name")
    with pytest.raises(ConfigurationError, match=r"IMAGEMILL_PORT.*IMAGEMILL_QUEUE"):
        config.load()


def test_an_empty_variable_is_none(variables: Callable[..., None]) -> None:
    """Compose files cannot leave a variable out, only empty."""
    variables(accel_path="", port="", queue_file="")
    settings = config.load()
    assert settings == config.Settings()
    assert config.source_of("port", settings) == "default"


def test_an_unknown_variable_is_refused(variables: Callable[..., None]) -> None:
    """A misspelt variable would otherwise be no setting at all, in silence."""
    variables(secret_kye=SECRET)
    with pytest.raises(ConfigurationError, match="IMAGEMILL_SECRET_KYE is not a setting") as caught:
        config.load()

    assert "perhaps IMAGEMILL_SECRET_KEY is meant" in str(caught.value)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("profile", ["testing", "staging", "production"])
def test_a_guarded_profile_wants_a_secret(variables: Callable[..., None], profile: str) -> None:
    """All but development start with a secret, and refuse without it; an empty one is none."""
    variables(profile=profile, secret_key=SECRET)
    assert config.load().secret() == SECRET

    variables(secret_key="")
    with pytest.raises(ConfigurationError, match="IMAGEMILL_SECRET_KEY must be set"):
        config.load()


@pytest.mark.parametrize("profile", ["testing", "staging", "production"])
def test_a_guarded_profile_wants_keys(variables: Callable[..., None], profile: str) -> None:
    """Left out, auth is required; off has to be said."""
    variables(profile=profile, secret_key=SECRET)
    assert config.load().auth_required

    variables(auth="off")
    assert not config.load().auth_required


def test_an_empty_word_about_auth_is_no_word(variables: Callable[..., None]) -> None:
    """A variable that a template left empty opens no door."""
    variables(profile="production", secret_key=SECRET, auth="")
    assert config.load().auth_required


def test_development_is_open_unless_it_is_told(variables: Callable[..., None]) -> None:
    """A desk needs no key, and may want to try with keys."""
    assert not config.load().auth_required

    variables(auth="required")
    assert config.load().auth_required


def test_an_issuer_wants_an_audience_and_auth(variables: Callable[..., None]) -> None:
    """Tokens for other services must not do here; and tokens that nobody asks for are a misunderstanding."""
    variables(oidc_issuer="https://issuer.example/", auth="required")
    with pytest.raises(ConfigurationError, match="IMAGEMILL_OIDC_AUDIENCE must be set"):
        config.load()

    variables(oidc_audience="imagemill")
    assert config.load().oidc_issuer == "https://issuer.example/", "an issuer is spelt as it spells itself"

    variables(auth="off")
    with pytest.raises(ConfigurationError, match="IMAGEMILL_OIDC_ISSUER does nothing"):
        config.load()


@pytest.mark.parametrize(
    ("named", "values"),
    [
        ("S3_SECRET_ACCESS_KEY", {"s3_access_key_id": "name-4711"}),
        ("S3_ACCESS_KEY_ID", {"s3_secret_access_key": "secret-4711"}),
        ("S3_ENDPOINT", {"s3_path_style": "false"}),
        ("STORAGE_ALLOW_HTTP", {"s3_endpoint": "http://minio-4711.example"}),
        ("STORAGE_ALLOW_HTTP", {"gs_endpoint": "http://google-4711.example"}),
        ("CDN_URL", {"delivery": "public"}),
        ("DELIVERY", {"cdn_url": "https://cdn-4711.example"}),
        ("IMAGES", {"delivery": "public", "cdn_url": "https://cdn-4711.example", "images": "signed"}),
        ("DELIVERY", {"delivery": "redirect"}),
        ("DELIVERY", {"delivery": "redirect", "storage_url": "s3://bucket-4711", "outputs_url": "file:/srv/4711"}),
        ("ACCEL_PATH", {"delivery": "redirect", "storage_url": "s3://bucket-4711", "accel_path": "/x/"}),
    ],
)
def test_what_does_not_go_together_is_refused(
    variables: Callable[..., None], named: str, values: dict[str, str]
) -> None:
    """Half of a key, a way without its place, a private image on a public server: the variable is named."""
    variables(**values)
    with pytest.raises(ConfigurationError, match=f"IMAGEMILL_{named}") as caught:
        config.load()
    assert "4711" not in str(caught.value)


def test_outputs_lie_with_originals_unless_told(tmp_path: Path) -> None:
    """One place, or two."""
    settings = Settings(data=tmp_path, storage_url="s3://bucket/prefix")
    assert (settings.storage, settings.outputs) == ("s3://bucket/prefix",) * 2
    settings = Settings(data=tmp_path, outputs_url="gs://another.bucket/")
    assert (settings.storage, settings.outputs) == (f"file:{tmp_path}/objects", "gs://another.bucket/")


def test_faults_work_in_the_testing_profile_only(variables: Callable[..., None]) -> None:
    """Nobody kills a production process by a variable."""
    variables(faults="job-claimed:kill", profile="testing", secret_key=SECRET, auth="off")
    assert config.load().faults == "job-claimed:kill"

    variables(profile="development")
    with pytest.raises(ConfigurationError, match="IMAGEMILL_FAULTS works in the testing profile only"):
        config.load()


def test_a_flag_wins_over_the_environment(variables: Callable[..., None]) -> None:
    """Flags over variables over defaults; a flag that was not given is None and changes nothing."""
    variables(port="6000", host="::1")
    settings = config.load({"port": 7000, "host": None})

    assert (settings.port, settings.host) == (7000, "::1")
    assert config.source_of("port", settings) == "environment"
    assert config.source_of("queue", settings) == "default"


def test_another_process_gets_the_same_settings(
    variables: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What `environment` returns loads as what it was made of, secrets and flags included."""
    variables(secret_key=SECRET, wait_slots="3")
    settings = config.load({"port": 7000, "data": Path("/srv/images")})
    handed = config.environment(settings)
    for name, value in handed.items():
        monkeypatch.setenv(name, value)

    assert config.load() == settings
    assert PREFIX + "BROKER_URL" not in handed


def test_a_file_holds_what_its_variable_would(variables: Callable[..., None], tmp_path: Path) -> None:
    """`_FILE` behind a variable's name, as Docker and Kubernetes hand out secrets; the last line's end is no part."""
    secret = tmp_path / "secret"
    secret.write_text(SECRET + "\n")
    variables(secret_key_file=str(secret))
    settings = config.load()

    assert settings.secret() == SECRET
    assert config.source_of("secret_key", settings) == "file"


def test_what_is_in_a_file_stays_there(
    variables: Callable[..., None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Another process is told the file; the secret itself is in nobody's environment."""
    (tmp_path / "secret").write_text(SECRET)
    variables(secret_key_file=str(tmp_path / "secret"), queue="other")
    settings = config.load()
    handed = config.environment(settings)
    for name, value in handed.items():
        monkeypatch.setenv(name, value)

    assert config.load() == settings
    assert SECRET not in handed.values()


@pytest.mark.parametrize(("content", "reason"), [(None, "No such file"), (b"\xff\xfe", "it is not text")])
def test_a_file_that_cannot_be_read_is_named(
    variables: Callable[..., None], tmp_path: Path, content: bytes | None, reason: str
) -> None:
    """The message names the variable and the reason."""
    if content is not None:
        (tmp_path / "secret").write_bytes(content)
    variables(secret_key_file=str(tmp_path / "secret"))
    with pytest.raises(ConfigurationError, match=f"IMAGEMILL_SECRET_KEY_FILE: the file cannot be read: {reason}"):
        config.load()


def test_a_setting_is_given_once(variables: Callable[..., None], tmp_path: Path) -> None:
    """Beside a file there is neither a variable nor a flag: nobody has to know which of them would win."""
    (tmp_path / "port").write_text("6000")
    variables(port_file=str(tmp_path / "port"))
    assert config.load().port == 6000
    with pytest.raises(ConfigurationError, match="IMAGEMILL_PORT_FILE: the setting is given without a file, too"):
        config.load({"port": 7000})

    variables(port="6000")
    with pytest.raises(ConfigurationError, match="IMAGEMILL_PORT_FILE: the setting is given without a file, too"):
        config.load()


def test_export_puts_the_settings_into_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes that are started without an environment of their own load the same settings."""
    for name in config.environment(config.load()):
        monkeypatch.setenv(name, "", prepend=None)
        monkeypatch.delenv(name)
    config.export(config.load({"port": 7001}))

    assert config.load().port == 7001


def test_trusted_proxies_are_networks() -> None:
    """Addresses and networks of both families, spaces allowed; none unless somebody is named."""
    settings = Settings(trusted_proxies="10.0.0.0/8, ::1,")
    assert [str(network) for network in settings.proxies] == ["10.0.0.0/8", "::1/128"]
    assert Settings().proxies == ()


def test_waiting_requests_leave_a_thread_free() -> None:
    """Half of the threads may wait, or as many as asked for, but never all."""
    assert Settings(api_threads=8).waits == 4
    assert Settings(api_threads=8, wait_slots=20).waits == 7
    assert Settings(api_threads=8, wait_slots=0).waits == 0


def test_a_worker_has_a_child_for_each_core() -> None:
    """Unless it is told how many."""
    assert Settings().concurrency >= 1
    assert Settings(worker_concurrency=5).concurrency == 5


def test_logs_are_json_outside_development() -> None:
    """The form follows the profile unless it is chosen."""
    assert Settings().log_lines == "text"
    guarded = {"profile": "testing", "secret_key": SECRET, "auth": "off"}
    assert Settings(**guarded).log_lines == "json"
    assert Settings(log_format="json").log_lines == "json"
    assert Settings(**guarded, log_format="text").log_lines == "text"


def test_limits_are_the_settings() -> None:
    """What the domain checks against is what the variables say."""
    limits = Settings(max_image_bytes=2048, max_pixels=7, max_output_pixels=5).limits

    assert (limits.image_bytes, limits.pixels, limits.output_pixels) == (2048, 7, 5)


def test_a_url_loses_its_last_slash() -> None:
    """So that joining it with a path gives no double one."""
    assert Settings(public_url="https://images.example/").public_url == "https://images.example"


def test_a_secret_is_never_shown() -> None:
    """Neither in a repr nor in a dump, as a log or a traceback might have it."""
    settings = Settings(secret_key=SECRET)

    assert SECRET not in repr(settings)
    assert SECRET not in str(settings.model_dump())


def test_the_page_lists_every_setting() -> None:
    """The documentation is what `imagemill config --markdown` prints: each variable, its default, its sentence."""
    page = PAGE.read_text()

    assert page == markdown()
    for name, field in Settings.model_fields.items():
        assert f"| `{PREFIX}{name.upper()}` |" in page
        assert field.description
        assert field.description in page


def test_input_formats_are_known_ones() -> None:
    """In any case and with spaces, each once; an unknown word is refused, and so is none at all."""
    assert config.load({"input_formats": "PNG, jpeg,png,"}).taken == ("png", "jpeg")
    assert "svg" not in config.load().taken
    for wrong in ("jpeg,jxl", ","):
        with pytest.raises(ConfigurationError, match="IMAGEMILL_INPUT_FORMATS"):
            config.load({"input_formats": wrong})


def test_heic_needs_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Named without it, the service does not start, and says what to install."""
    assert "heic" in config.load({"input_formats": "jpeg,heic"}).taken
    monkeypatch.setattr("imagemill.config.relations.find_spec", lambda _: None)
    with pytest.raises(ConfigurationError, match=r"imagemill\[heic\]"):
        config.load({"input_formats": "jpeg,heic"})
