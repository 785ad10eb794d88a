"""The manifests for Kubernetes: valid by the schemas of its releases, and all their parts fit together."""

import json
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml

from imagemill.config import Settings
from imagemill.jobs import schema
from tests.deploy.told import DEPLOY, loaded, variables_of

KUBERNETES = DEPLOY / "kubernetes"
BASE, SCALING = KUBERNETES / "base", KUBERNETES / "autoscaling"
RELEASES = ["1.30", kubernetes_validate.latest_version()]
KEDA = json.loads(Path(__file__).with_name("keda.schema.json").read_text())
Manifest = dict[str, Any]


def listed(folder: Path) -> list[str]:
    """The files that a kustomization names."""
    kustomization = yaml.safe_load((folder / "kustomization.yaml").read_text())
    return [name for name in kustomization["resources"] if name.endswith(".yaml")]


def manifests(folder: Path) -> Iterator[Manifest]:
    """All that the files of a kustomization hold."""
    for name in listed(folder):
        yield from yaml.safe_load_all((folder / name).read_text())


def name_of(manifest: Manifest) -> str:
    """Kind and name."""
    return f"{manifest['kind']} {manifest['metadata']['name']}"


PLAIN = list(manifests(BASE))
POD_MAKERS = [manifest for manifest in PLAIN if "template" in manifest.get("spec", {})]
DEPLOYMENTS = [manifest for manifest in POD_MAKERS if manifest["kind"] == "Deployment"]


def pod_of(manifest: Manifest) -> dict[str, Any]:
    """The pod that a Deployment or Job makes."""
    return dict(manifest["spec"]["template"]["spec"])


def containers_of(manifest: Manifest) -> list[dict[str, Any]]:
    """Its containers, those that run first included."""
    pod = pod_of(manifest)
    return [*pod.get("initContainers", ()), *pod["containers"]]


def check(manifest: Manifest, release: str) -> None:
    """Raise ValidationError unless a manifest is one of the release."""
    if manifest["apiVersion"].startswith("keda.sh/"):
        jsonschema.Draft202012Validator(KEDA).validate(manifest)
    else:
        kubernetes_validate.validate(manifest, release, strict=True)


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("manifest", [*PLAIN, *manifests(SCALING)], ids=name_of)
def test_every_manifest_is_valid(manifest: Manifest, release: str) -> None:
    """By the schema of an old and of the newest release; a field that the schema does not know is an error."""
    check(manifest, release)


@pytest.mark.parametrize("folder", [BASE, SCALING], ids=lambda folder: folder.name)
def test_every_file_is_listed(folder: Path) -> None:
    """No file is forgotten, and none that is named is missing."""
    assert sorted(listed(folder)) == sorted({path.name for path in folder.glob("*.yaml")} - {"kustomization.yaml"})


@pytest.mark.parametrize("manifest", POD_MAKERS, ids=name_of)
def test_pods_can_do_little(manifest: Manifest) -> None:
    """As Kubernetes' profile `restricted` demands, on a root file system that is read-only, and with bounded memory."""
    security = pod_of(manifest)["securityContext"]
    assert security["runAsNonRoot"]
    assert f"USER {security['runAsUser']}:{security['runAsGroup']}\n" in (DEPLOY / "Dockerfile").read_text()
    assert security["fsGroup"] == security["runAsGroup"]
    assert security["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in containers_of(manifest):
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert container["resources"]["limits"]["memory"]
        assert set(container["resources"]["requests"]) == {"cpu", "memory"}


@pytest.mark.parametrize("manifest", DEPLOYMENTS, ids=name_of)
def test_what_lasts_is_watched_and_ends_in_peace(manifest: Manifest) -> None:
    """Each role has a liveness probe, and the time that its work may take to end."""
    settings = Settings()
    (container,) = pod_of(manifest)["containers"]
    role = container["args"][0]
    needed = {"api": settings.shutdown_seconds + 5, "worker": 2 * settings.job_hard_seconds, "beat": 0}[role]
    assert container["livenessProbe"]
    assert pod_of(manifest)["terminationGracePeriodSeconds"] > needed
    assert manifest["metadata"]["name"] == f"imagemill-{role}"


@pytest.mark.parametrize("manifest", POD_MAKERS, ids=name_of)
def test_every_role_starts_with_what_it_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, manifest: Manifest
) -> None:
    """The settings' file and the files of the Secret are settings that imagemill takes, and its ports are theirs."""
    for container in containers_of(manifest):
        assert container["envFrom"] == [{"configMapRef": {"name": "imagemill"}}]
        mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
        assert set(mounts) == {volume["name"] for volume in pod_of(manifest)["volumes"]}
        variables = {variable["name"]: variable["value"] for variable in container["env"]}
        assert all(Path(value).parent == Path(mounts["secrets"]) for value in variables.values())
        settings = loaded(variables_of(BASE / "settings.env") | variables, monkeypatch, tmp_path)
        assert settings.auth == "required"
        ports = {port["name"]: port["containerPort"] for port in container.get("ports", ())}
        assert ports.items() <= {"http": settings.port, "metrics": settings.metrics_port}.items()


def test_selectors_select() -> None:
    """Each selector finds the pods of at least one Deployment or Job, and a Deployment's only its own."""
    pods = [manifest["spec"]["template"]["metadata"]["labels"] for manifest in POD_MAKERS]
    for manifest in PLAIN:
        spec = manifest.get("spec", {})
        selector = spec.get("selector") or spec.get("podSelector")
        if selector:
            wanted = selector.get("matchLabels", selector).items()
            found = [labels for labels in pods if wanted <= labels.items()]
            assert len(found) == 1 or (found and manifest["kind"] == "NetworkPolicy"), name_of(manifest)


def test_the_autoscaler_reads_the_record(tmp_path: Path) -> None:
    """Its query is one of our tables, its target a Deployment of ours, its secret the one that the pods have."""
    scaled, authentication = manifests(SCALING)
    url = f"sqlite:///{tmp_path}/record.db"
    schema.upgrade(url)
    record = sqlite3.connect(tmp_path / "record.db")
    (trigger,) = scaled["spec"]["triggers"]
    assert record.execute(trigger["metadata"]["query"]).fetchone() == (0,)
    record.close()
    assert scaled["spec"]["scaleTargetRef"]["name"] in {manifest["metadata"]["name"] for manifest in DEPLOYMENTS}
    assert trigger["authenticationRef"]["name"] == authentication["metadata"]["name"]
    (secret,) = authentication["spec"]["secretTargetRef"]
    assert secret["name"] in {
        volume.get("secret", {}).get("secretName") for volume in pod_of(DEPLOYMENTS[0])["volumes"]
    }
    assert secret["key"] == "database_url"


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is missing; Debian has none that is new enough")
@pytest.mark.parametrize("folder", [BASE, SCALING], ids=lambda folder: folder.name)
def test_kubectl_puts_it_together(folder: Path) -> None:
    """What kubectl would apply is valid, has every part, and with the autoscaler no fixed number of workers."""
    words = ["kubectl", "kustomize", str(folder)]
    built = subprocess.run(words, capture_output=True, text=True, timeout=60, check=True).stdout
    parts = list(yaml.safe_load_all(built))
    for part in parts:
        check(part, RELEASES[-1])
    expected = {name_of(manifest) for manifest in (*PLAIN, *(manifests(folder) if folder is SCALING else ()))}
    assert expected <= {name_of(part) for part in parts}
    (workers,) = [part for part in parts if name_of(part) == "Deployment imagemill-worker"]
    assert ("replicas" in workers["spec"]) is (folder is BASE)
    (settings,) = [part["metadata"]["name"] for part in parts if part["kind"] == "ConfigMap"]
    assert workers["spec"]["template"]["spec"]["containers"][0]["envFrom"][0]["configMapRef"]["name"] == settings
