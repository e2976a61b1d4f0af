"""Kubernetes manifests: checked against the API's schemas, each other and the settings."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from sentistream.monitor.settings import HeadquartersSettings, load_settings
from sentistream.monitor.settings.settings_model import ENV_PREFIX

DEPLOY = Path(__file__).parents[3] / "deploy"
FOLDERS = {name: DEPLOY / "kubernetes" / name for name in ("headquarters", "site")}
VERSIONS = ("1.28", "1.33")
"""The oldest and newest supported version of Kubernetes."""


def kustomization(folder: Path) -> dict[str, Any]:
    read = yaml.safe_load((folder / "kustomization.yaml").read_text("utf-8"))
    assert isinstance(read, dict)
    return read


def resources(name: str) -> list[dict[str, Any]]:
    folder = FOLDERS[name]
    found = []
    for file in kustomization(folder)["resources"]:
        found += [each for each in yaml.safe_load_all((folder / file).read_text("utf-8")) if each]
    return found


def containers(name: str) -> list[dict[str, Any]]:
    return [
        container
        for each in resources(name)
        if each["kind"] == "StatefulSet"
        for part in ("initContainers", "containers")
        for container in each["spec"]["template"]["spec"].get(part, [])
    ]


def environment(name: str) -> dict[str, dict[str, Any]]:
    """The monitor's environment variables."""
    (monitor,) = [each for each in containers(name) if each["name"] == "monitor"]
    return {each["name"]: each for each in monitor["env"]}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", FOLDERS)
def test_every_resource_conforms_to_the_schema(name: str, version: str) -> None:
    for resource in resources(name):
        kubernetes_validate.validate(resource, version, strict=True)


def test_schema_detects_a_mistake() -> None:
    for resource in resources("site"):
        if resource["kind"] == "StatefulSet":
            resource["spec"]["template"]["spec"]["containers"][0]["imagee"] = "x"
            with pytest.raises(kubernetes_validate.ValidationError):
                kubernetes_validate.validate(resource, VERSIONS[-1], strict=True)


@pytest.mark.parametrize("name", FOLDERS)
def test_every_file_is_listed_and_every_image_has_a_version(name: str) -> None:
    folder, listed = FOLDERS[name], kustomization(FOLDERS[name])
    files = {path.name for path in folder.glob("*.yaml")} - {"kustomization.yaml"}
    assert files == set(listed["resources"])
    named = {each["name"]: each["newTag"] for each in listed["images"]}
    for container in containers(name):
        image = container["image"]
        assert image in named or ":" in image, image
    assert "latest" not in named.values()


@pytest.mark.parametrize("name", FOLDERS)
def test_containers_are_hardened(name: str) -> None:
    for each in resources(name):
        if each["kind"] != "StatefulSet":
            continue
        pod = each["spec"]["template"]["spec"]
        assert pod["automountServiceAccountToken"] is False
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert each["spec"]["replicas"] == 1
        labels = each["spec"]["template"]["metadata"]["labels"]
        assert each["spec"]["selector"]["matchLabels"] == labels
    for container in containers(name):
        own = container["securityContext"]
        assert own["readOnlyRootFilesystem"] is True
        assert own["allowPrivilegeEscalation"] is False
        assert own["capabilities"] == {"drop": ["ALL"]}


@pytest.mark.parametrize("name", FOLDERS)
def test_mounted_and_referenced_resources_exist(name: str) -> None:
    listed = kustomization(FOLDERS[name])
    maps = {
        each["name"]: {line.partition("=")[0] for line in each["literals"]}
        for each in listed["configMapGenerator"]
    } | {
        each["metadata"]["name"]: set(each["data"])
        for each in resources(name)
        if each["kind"] == "ConfigMap"
    }
    secrets = {each["name"] for each in listed.get("secretGenerator", [])}
    # as the first lines of the kustomization require
    keys = {"HEADQUARTERS_PASSWORD", "SITE_PASSWORD", "DATABASE_PASSWORD"}
    for each in resources(name):
        if each["kind"] != "StatefulSet":
            continue
        pod = each["spec"]["template"]["spec"]
        volumes = {volume["name"] for volume in pod["volumes"]}
        claims = {claim["metadata"]["name"] for claim in each["spec"]["volumeClaimTemplates"]}
        for volume in pod["volumes"]:
            if "secret" in volume:
                assert volume["secret"]["secretName"] in secrets
            if "configMap" in volume:
                assert volume["configMap"]["name"] in maps
        for container in [*pod.get("initContainers", []), *pod["containers"]]:
            mounted = {mount["name"] for mount in container["volumeMounts"]}
            assert mounted <= volumes | claims
            for variable in container.get("env", []):
                source = variable.get("valueFrom", {})
                if "secretKeyRef" in source:
                    assert source["secretKeyRef"]["name"] in secrets
                    assert source["secretKeyRef"]["key"] in keys
                if "configMapKeyRef" in source:
                    reference = source["configMapKeyRef"]
                    assert reference["key"] in maps[reference["name"]]
    services = {
        each["metadata"]["name"]: each for each in resources(name) if each["kind"] == "Service"
    }
    for each in resources(name):
        if each["kind"] == "StatefulSet":
            service = services[each["spec"]["serviceName"]]
            assert service["spec"]["selector"] == each["spec"]["selector"]["matchLabels"]
            ports = {
                port["name"]: port["containerPort"]
                for container in each["spec"]["template"]["spec"]["containers"]
                for port in container.get("ports", [])
            }
            for port in service["spec"]["ports"]:
                assert ports[port["targetPort"]] == port["port"]


def test_broker_files_match_the_compose_file() -> None:
    (data,) = [each["data"] for each in resources("headquarters") if each["kind"] == "ConfigMap"]
    for name in ("mosquitto.conf", "acl"):
        assert data[name] == (DEPLOY / "headquarters" / name).read_text("utf-8"), name


def test_headquarters_environment_holds_known_settings(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    variables = environment("headquarters")
    literals = dict(
        line.split("=", 1)
        for each in kustomization(FOLDERS["headquarters"])["configMapGenerator"]
        for line in each["literals"]
    )
    order = list(variables)
    for name, variable in variables.items():
        if not name.startswith(ENV_PREFIX):
            continue
        source = variable.get("valueFrom", {})
        value = variable.get("value", "filled")
        if "configMapKeyRef" in source:
            value = literals[source["configMapKeyRef"]["key"]]
        for other in variables:
            if f"$({other})" in value:
                # only variables defined before it are expanded
                assert order.index(other) < order.index(name)
                value = value.replace(f"$({other})", "filled")
        assert "$(" not in value
        monkeypatch.setenv(name, value)
    settings = load_settings(None)
    rendered = settings.headquarters
    services = {
        each["metadata"]["name"] for each in resources("headquarters") if each["kind"] == "Service"
    }
    assert rendered.host.split(".")[0] in services
    assert rendered.host.endswith(".sentistream.svc")
    assert rendered.site_host == "broker.example.org"
    assert rendered.port == HeadquartersSettings().port
    assert "@database/" in settings.storage.url.get_secret_value()
    assert "database" in services
    assert settings.server.public_url == "https://shops.example.org"


def test_only_the_broker_is_public() -> None:
    found = resources("headquarters")
    open_to_all = [
        each["metadata"]["name"]
        for each in found
        if each["kind"] == "Service" and each["spec"].get("type", "ClusterIP") != "ClusterIP"
    ]
    assert open_to_all == ["broker"]
    policies = {
        each["metadata"]["name"]: each["spec"]["ingress"]
        for each in found
        if each["kind"] == "NetworkPolicy"
    }
    assert set(policies) == {"broker", "database", "monitor"}
    assert [rule for rules in policies.values() for rule in rules if "from" not in rule] == (
        policies["broker"]
    )


def test_no_file_contains_a_password() -> None:
    for folder in FOLDERS.values():
        assert not [path for path in folder.rglob("*") if path.suffix in (".key", ".env")]
        for path in folder.glob("*.yaml"):
            assert "password:" not in path.read_text("utf-8").lower().replace(
                "database_password", ""
            )


@pytest.mark.parametrize("name", FOLDERS)
def test_kubectl_renders_the_manifests(name: str, tmp_path: Path) -> None:
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        pytest.skip("needs kubectl")
    folder = tmp_path / name
    shutil.copytree(FOLDERS[name], folder)
    for generated in kustomization(folder).get("secretGenerator", []):
        for file in [*generated.get("files", []), *generated.get("envs", [])]:
            (folder / file).parent.mkdir(exist_ok=True)
            (folder / file).write_text("HEADQUARTERS_PASSWORD=a\nSITE_PASSWORD=b\n")
    output = subprocess.run(  # noqa: S603
        [kubectl, "kustomize", str(folder)], capture_output=True, check=True, timeout=60
    )
    rendered = [each for each in yaml.safe_load_all(output.stdout) if each]
    names = {each["kind"]: set[str]() for each in rendered}
    for each in rendered:
        names[each["kind"]].add(each["metadata"]["name"])
        kubernetes_validate.validate(each, VERSIONS[-1], strict=True)
        if each["kind"] != "Namespace":
            assert each["metadata"]["namespace"] == "sentistream"
    images = set()
    for each in rendered:
        if each["kind"] != "StatefulSet":
            continue
        pod = each["spec"]["template"]["spec"]
        for volume in pod["volumes"]:
            if "secret" in volume:
                # generated names have a hash: a changed file restarts the pod
                assert volume["secret"]["secretName"] in names["Secret"]
        images |= {container["image"] for container in pod["containers"]}
    assert any(image.startswith("registry.example.org/sentistream:") for image in images)
    assert "sentistream" not in images
