"""What the tests of exports share: cases, and a command that runs in this process."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from operations.__main__ import main

CASES = Path(__file__).parent / "cases"
NAMES = sorted(path.name.removesuffix(".expected.yaml") for path in CASES.glob("*.expected.yaml"))


def expected(name: str) -> dict[str, Any]:
    """What a case's author expects."""
    found: dict[str, Any] = yaml.safe_load((CASES / f"{name}.expected.yaml").read_text(encoding="utf-8"))
    return found


def items(name: str) -> list[dict[str, Any]]:
    """The objects of a case."""
    found: list[dict[str, Any]] = yaml.safe_load((CASES / f"{name}.yaml").read_text(encoding="utf-8"))["items"]
    return found


@dataclass(frozen=True)
class Result:
    """One run of the command."""

    code: int
    output: str
    """Both streams."""
    document: dict[str, Any]

    def of(self, name: str) -> dict[str, Any]:
        """The entry of one object."""
        found = [entry for entry in self.document["objects"] if entry["object"] == name]
        assert len(found) == 1, f"{name}: {len(found)} entries"
        return dict(found[0])


@pytest.fixture
def inspect(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Callable[..., Result]:
    """Runs `openshift inspect` on files, on texts or on objects."""

    def run(*sources: Path | str | list[dict[str, Any]]) -> Result:
        files = []
        for number, source in enumerate(sources):
            path = source if isinstance(source, Path) else tmp_path / f"export-{number}.yaml"
            if isinstance(source, str):
                path.write_text(source, encoding="utf-8")
            elif isinstance(source, list):
                path.write_text(yaml.safe_dump({"apiVersion": "v1", "kind": "List", "items": source}), encoding="utf-8")
            files.append(str(path))
        out = tmp_path / "result.json"
        out.unlink(missing_ok=True)
        code = main(["openshift", "inspect", *files, "--json", str(out)])
        streams = capfd.readouterr()
        document = json.loads(out.read_text(encoding="utf-8")) if out.exists() else {}
        return Result(code, streams.out + streams.err, document)

    return run


def pod_of(workload: dict[str, Any]) -> dict[str, Any]:
    """The pod's spec of a Deployment."""
    spec: dict[str, Any] = workload["spec"]["template"]["spec"]
    return spec


def deployment(
    name: str = "api", *, replicas: int = 2, spec: dict[str, Any] | None = None, **container: Any
) -> dict[str, Any]:
    """A Deployment that becomes a service without a question; `container` and `spec` lay fields over its pod."""
    own = {
        "name": name,
        "image": f"registry.example.net/softpos/{name}@sha256:{'ab' * 32}",
        "ports": [{"containerPort": 8443, "name": "https"}],
        "readinessProbe": {"httpGet": {"path": "/ready", "port": "https", "scheme": "HTTPS"}},
        "resources": {"requests": {"cpu": "250m", "memory": "512Mi"}, "limits": {"cpu": "1", "memory": "512Mi"}},
        **container,
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": "softpos-prod"},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": {"containers": [own], **(spec or {})}},
        },
    }


def thing(kind: str, name: str, api_version: str = "v1", **fields: Any) -> dict[str, Any]:
    """Any other object of the project."""
    metadata = {"name": name, "namespace": "softpos-prod", **fields.pop("metadata", {})}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **fields}
