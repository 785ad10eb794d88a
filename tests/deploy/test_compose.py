"""compose.yaml: valid, and all its parts fit together. No container engine is needed, and none is started."""

import json
import re
import runpy
import ssl
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import check_jsonschema
import jsonschema
import pytest
import yaml

from imagemill.cli.main import commands
from tests.deploy.told import DEPLOY, loaded, variables_of

SCHEMA = Path(check_jsonschema.__file__).parent / "builtin_schemas" / "vendor" / "compose-spec.json"
TEXT = (DEPLOY / "compose.yaml").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
ROLES = [name for name, service in SERVICES.items() if service["image"] == "imagemill" and service["command"]]
LASTING = [name for name in SERVICES if name not in ("setup", "upgrade")]
SETUP = runpy.run_path(str(DEPLOY / "compose" / "setup.py"))
MOUNTED = {"secrets": "imagemill", "postgres-secrets": "postgres", "s3-secrets": "s3", "certificate": "certificate"}


def interpolated(text: str, given: Mapping[str, str]) -> str:
    """A text with its ${NAME:-default} and ${NAME-default} put in."""

    def value(match: re.Match[str]) -> str:
        name, colon, default = match.groups()
        found = given.get(name)
        return default if found is None or (colon and not found) else found

    return re.sub(r"\$\{(\w+)(:?)-([^}]*)\}", value, text)


def environment(service: str, given: Mapping[str, str]) -> dict[str, str]:
    """The variables of a service."""
    return {name: interpolated(text, given) for name, text in SERVICES[service]["environment"].items()}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The volumes as the service `setup` fills them."""
    folder = tmp_path_factory.mktemp("setup")
    for name in MOUNTED.values():
        (folder / name).mkdir()
    SETUP["set_up"](folder)
    return folder


def test_it_is_valid() -> None:
    """By the schema of the Compose Specification."""
    schema = json.loads(SCHEMA.read_text())
    jsonschema.validators.validator_for(schema)(schema).validate(COMPOSE)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("file", [None, DEPLOY / "s3.env"], ids=["folder", "bucket"])
def test_every_role_starts_with_what_it_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, role: str, file: Path | None
) -> None:
    """Each variable is a setting with a value that it can have, also for the store of the profile s3."""
    settings = loaded(environment(role, variables_of(file) if file else {}), monkeypatch, tmp_path)
    assert settings.storage.startswith("s3://imagemill" if file else "file:/var/lib/imagemill")
    assert settings.accel_path == (None if file else "/_objects/")
    assert SERVICES[role]["command"][0] in {
        *(command.name or command.callback.__name__ for command in commands().registered_commands),
        *(group.name for group in commands().registered_groups),
    }


def test_secrets_are_files_that_setup_makes(made: Path) -> None:
    """No secret is in the environment; every file that one names is in a volume that the service mounts."""
    for name, service in SERVICES.items():
        mounts = [mount.split(":") for mount in service.get("volumes", ())]
        for variable, value in service.get("environment", {}).items():
            assert not re.search("SECRET|PASSWORD|USERS|DATABASE_URL", variable) or variable.endswith("_FILE"), name
            if variable.endswith("_FILE"):
                volume = next(mount[0] for mount in mounts if value.startswith(f"{mount[1]}/"))
                assert (made / MOUNTED[volume] / Path(value).name).is_file(), value


def test_secrets_stay(made: Path) -> None:
    """A second start changes nothing, and what one container alone may see is readable by nobody else."""
    before = {path: path.read_bytes() for path in made.rglob("*") if path.is_file()}
    SETUP["set_up"](made)
    assert {path: path.read_bytes() for path in made.rglob("*") if path.is_file()} == before
    for path in (*(made / "imagemill").iterdir(), *(made / "certificate").iterdir()):
        assert stat.S_IMODE(path.stat().st_mode) == 0o440


def test_a_certificate_of_ones_own_stays(tmp_path: Path) -> None:
    """Setup makes one for localhost only where none is."""
    for name in MOUNTED.values():
        (tmp_path / name).mkdir()
    (tmp_path / "certificate" / "certificate.pem").write_text("mine")
    SETUP["set_up"](tmp_path)
    assert [path.name for path in (tmp_path / "certificate").iterdir()] == ["certificate.pem"]


def test_the_certificate_is_for_localhost(made: Path) -> None:
    """A client that is told to trust it believes that it speaks to localhost."""
    folder = made / "certificate"
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    server.load_cert_chain(folder / "certificate.pem", folder / "key.pem")
    client.load_verify_locations(folder / "certificate.pem")
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    asking = client.wrap_bio(to_client, to_server, server_hostname="localhost")
    answering = server.wrap_bio(to_server, to_client, server_side=True)
    for side in (asking, answering, asking, answering):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
    assert asking.getpeercert()


def test_only_nginx_is_reached_and_only_from_here() -> None:
    """One service has ports, and they are this machine's until somebody says otherwise."""
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert set(published) == {"nginx"}
    assert all(interpolated(port, {}).startswith("127.0.0.1:") for port in published["nginx"])


def test_the_record_and_the_broker_have_no_way_out() -> None:
    """They are in a network without one, and in no other."""
    assert COMPOSE["networks"]["inside"]["internal"]
    assert all(SERVICES[name]["networks"] == ["inside"] for name in ("postgres", "valkey", "s3"))


def test_what_is_named_exists() -> None:
    """Volumes, networks, services and files that something refers to are there."""
    for service in SERVICES.values():
        for mount in service.get("volumes", ()):
            source = interpolated(mount, {}).split(":")[0]
            assert (DEPLOY / source).exists() if source.startswith(".") else source in COMPOSE["volumes"]
        assert set(service.get("networks", ())) <= set(COMPOSE["networks"])
        assert set(service.get("depends_on", {})) <= set(SERVICES)
    hosts = set(re.findall(r"(?:redis|http)://([a-z0-9]+):", TEXT + (DEPLOY / "s3.env").read_text()))
    sites = "".join(path.read_text() for path in (DEPLOY / "nginx" / "compose").iterdir())
    hosts |= set(re.findall(r"(?:server |http://)([a-z]+):\d", sites))
    assert hosts <= set(SERVICES)
    assert hosts >= {"api", "flower", "valkey", "s3"}


def test_who_is_waited_for_can_be_healthy() -> None:
    """The start order rests on checks that exist: of the service, or of the image."""
    waited = {
        other: what["condition"]
        for service in SERVICES.values()
        for other, what in service.get("depends_on", {}).items()
    }
    assert {name for name, condition in waited.items() if condition == "service_healthy"} <= {
        name for name in SERVICES if "test" in SERVICES[name].get("healthcheck", {}) or name in ROLES
    }
    assert waited["setup"] == waited["upgrade"] == "service_completed_successfully"


@pytest.mark.parametrize("name", LASTING)
def test_every_service_has_limits_and_comes_back(name: str) -> None:
    """None can take the whole machine, and none stays away."""
    service = SERVICES[name]
    assert {"cpus", "memory", "pids"} <= set(service["deploy"]["resources"]["limits"])
    assert service["restart"] == "unless-stopped"
    assert "no-new-privileges:true" in service["security_opt"]


@pytest.mark.parametrize("name", [*ROLES, "setup", "nginx"])
def test_what_is_ours_can_change_nothing(name: str) -> None:
    """A root file system that is read-only, no capabilities, and no root but for the one that gives secrets away."""
    service = SERVICES[name]
    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]
    assert service.get("cap_add", []) == (["CHOWN"] if name == "setup" else [])
    assert service.get("user", "") == {"setup": "0:0", "nginx": f"101:{SETUP['GROUP']}"}.get(name, "")
    assert f"USER {SETUP['OWNER']}:{SETUP['GROUP']}\n" in (DEPLOY / "Dockerfile").read_text()
