"""What `convert` writes: settings in their shape, secrets without values, images by digest, a page of questions."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema_rs import Draft202012Validator

from operations.__main__ import main
from settings.reading import known_keys
from tests.operations.openshift.conftest import CASES, NAMES, deployment, expected, thing

SHAPE = Draft202012Validator(json.loads((Path(__file__).parent / "services.schema.json").read_text(encoding="utf-8")))
KNOWS_SERVICES = any(key.name == "softpos:services" for key in known_keys())


@dataclass(frozen=True)
class Converted:
    code: int
    config: dict[str, Any]
    secrets: str
    images: str
    page: str

    @property
    def services(self) -> dict[str, Any]:
        found: dict[str, Any] = self.config.get("softpos:services", {})
        return found


@pytest.fixture
def convert(tmp_path: Path) -> Callable[..., Converted]:
    """Runs `openshift convert` on files or on objects."""

    def run(*sources: Path | list[dict[str, Any]]) -> Converted:
        files = []
        for number, source in enumerate(sources):
            path = source if isinstance(source, Path) else tmp_path / f"export-{number}.yaml"
            if isinstance(source, list):
                path.write_text(yaml.safe_dump({"apiVersion": "v1", "kind": "List", "items": source}), encoding="utf-8")
            files.append(str(path))
        code = main(["openshift", "convert", *files, "--out", str(tmp_path / "services.yaml")])
        texts = [
            (tmp_path / f"services{end}").read_text(encoding="utf-8")
            for end in (".yaml", "-secrets.csv", "-images.sh", "-open.md")
        ]
        return Converted(code, yaml.safe_load(texts[0])["config"], *texts[1:])

    return run


def listener(name: str = "api") -> list[dict[str, Any]]:
    """A service that is public, without a question."""
    return [
        deployment(name),
        thing("Service", name, spec={"selector": {"app": name}, "ports": [{"port": 8443, "targetPort": 8443}]}),
        thing(
            "Route",
            name,
            "route.openshift.io/v1",
            spec={"host": "pay.example.com", "path": "/v2", "to": {"name": name}, "tls": {"termination": "reencrypt"}},
        ),
    ]


@pytest.mark.parametrize("name", NAMES)
def test_the_settings_of_each_case_have_the_shape_of_a_service(name: str, convert: Callable[..., Converted]) -> None:
    found = convert(CASES / f"{name}.yaml")
    assert [error.instance_path for error in SHAPE.iter_errors(found.services)] == []
    open_verdicts = {"decision", "impossible"} & {entry["verdict"] for entry in expected(name)["objects"]}
    assert found.code == (1 if open_verdicts else 0)


@pytest.mark.skipif(not KNOWS_SERVICES, reason="the setting softpos:services is not there yet")
@pytest.mark.parametrize("name", NAMES)
def test_a_converted_file_is_accepted_by_a_rehearsal(name: str, convert: Callable[..., Converted]) -> None:
    config = convert(CASES / f"{name}.yaml").config
    texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in config.items()}
    given = [part for key, value in texts.items() for part in ("--config", f"{key}={value}")]
    assert main(["rehearse", "--stack", "prod", *given]) == 0


def test_a_service_without_a_question_is_written_whole(convert: Callable[..., Converted]) -> None:
    found = convert(listener())
    assert found.code == 0
    assert found.services == {
        "api": {
            "image": f"123456789012.dkr.ecr.eu-central-1.amazonaws.com/softpos@sha256:{'ab' * 32}",
            "port": 8443,
            "health_path": "/ready",
            "cpu_request": "250m",
            "cpu_limit": "1",
            "memory": "512Mi",
            "replicas_min": 2,
            "paths": ["/v2", "/v2/*"],
        }
    }


def test_a_path_that_only_some_addresses_may_reach_is_not_published(convert: Callable[..., Converted]) -> None:
    objects = listener()
    objects[2]["metadata"]["annotations"] = {"haproxy.router.openshift.io/ip_allowlist": "192.0.2.0/24"}
    found = convert(objects)
    assert found.code == 1
    assert "paths" not in found.services["api"]
    assert "Route/api (pay.example.com/v2): not published" in found.page


def test_a_host_outside_the_zone_is_not_published(convert: Callable[..., Converted]) -> None:
    objects = listener()
    objects[2]["spec"]["host"] = "pay.elsewhere.test"
    found = convert(objects)
    assert "paths" not in found.services["api"]
    assert "outside example.com" in found.page


def test_two_routes_of_one_host_and_path_are_a_question(convert: Callable[..., Converted]) -> None:
    found = convert([*listener("api"), *listener("other")])
    assert found.code == 1
    assert found.services["api"]["paths"] == ["/v2", "/v2/*"]
    assert "paths" not in found.services["other"]
    assert "has the same host and path" in found.page


def test_a_caller_that_is_not_written_is_not_named(convert: Callable[..., Converted]) -> None:
    policy = thing(
        "NetworkPolicy",
        "pair",
        "networking.k8s.io/v1",
        spec={
            "podSelector": {"matchLabels": {"app": "api"}},
            "ingress": [{"from": [{"podSelector": {"matchLabels": {"app": "ghost"}}}]}],
        },
    )
    found = convert([*listener(), policy])
    assert "callers" not in found.services["api"]
    assert "ghost calls api: not written" in found.page


def test_what_a_service_calls_names_it_among_the_callers(convert: Callable[..., Converted]) -> None:
    caller = deployment("portal", env=[{"name": "API", "value": "https://api.softpos-prod.svc:8443/v2"}])
    assert convert([*listener(), caller]).services["api"]["callers"] == ["portal"]


def test_secrets_are_named_with_their_entries_and_readers(convert: Callable[..., Converted]) -> None:
    reader = deployment(env=[{"name": "MAC", "valueFrom": {"secretKeyRef": {"name": "acquirer", "key": "mac.key"}}}])
    found = convert([reader, thing("Secret", "acquirer", type="Opaque", data={"mac.key": "Y2FuYXJ5LXZhbHVl"})])
    assert "softpos/prod/acquirer,acquirer,mac.key,api" in found.secrets
    assert found.services["api"]["secrets"] == {"ACQUIRER_SECRET": "softpos/prod/acquirer"}


def test_images_are_copied_by_digest_from_the_registry_as_it_is_reached_from_outside(
    convert: Callable[..., Converted], tmp_path: Path
) -> None:
    found = convert(CASES / "02-deploymentconfig.yaml")
    digest = "e5e90220e4bd7d3235d9cbf309c68d5b9b8691a4f1809c3751fdbaec0022b558"
    assert f'copy "$registry/softpos-images/ledger@sha256:{digest}" ledger-{digest[:12]}' in found.images
    assert "--preserve-digests" in found.images
    assert ".svc:5000" not in found.images
    bash = shutil.which("bash") or "bash"
    assert subprocess.run([bash, "-n"], input=found.images, text=True, check=False).returncode == 0


def test_a_reference_that_the_shell_would_read_is_not_written(convert: Callable[..., Converted]) -> None:
    evil = deployment(image=f'r.example.net/x$(touch pwned)"@sha256:{"ab" * 32}')
    assert "pwned" not in convert([evil]).images


def test_an_export_is_never_overwritten(tmp_path: Path) -> None:
    export = tmp_path / "export.yaml"
    shutil.copy(CASES / "01-one-service.yaml", export)
    before = export.read_bytes()
    assert main(["openshift", "convert", str(export), "--out", str(export)]) == 2
    assert (export.read_bytes(), list(tmp_path.iterdir())) == (before, [export])


@pytest.mark.parametrize(
    "arguments", [["--out", "/nowhere/services.yaml"], ["--stack", "none", "--out", "x.yaml"], ["--out", "-"], []]
)
def test_bad_arguments_write_nothing(arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["openshift", "convert", str(CASES / "01-one-service.yaml"), *arguments]) == 2
    assert list(tmp_path.iterdir()) == []
