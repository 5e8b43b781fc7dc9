"""A value of a Secret, and what looks like one elsewhere, reaches no output, no file, no error."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from operations.__main__ import main
from operations.openshift.sensitive import looks_secret
from tests.operations.openshift.conftest import Result, deployment, thing

CANARY = "Canary-7hJ2kLm9Qx"
ENCODED = base64.b64encode(CANARY.encode()).decode()
APPLIED = json.dumps({"data": {"password": ENCODED}, "stringData": {"password": CANARY}})
ANNOTATED = {"annotations": {"kubectl.kubernetes.io/last-applied-configuration": APPLIED}}
JDBC = f"jdbc:mysql://app:{CANARY}@mysql.datacentre.example.com:3306/softpos"
PROPERTIES = f"log.level=info\nspring.datasource.password={CANARY}\nurl={JDBC}\n"

PLACES: dict[str, list[dict[str, Any]]] = {
    "data": [thing("Secret", "s", type="Opaque", data={"password": ENCODED})],
    "stringData": [thing("Secret", "s", type="Opaque", stringData={"anything": CANARY})],
    "data that is no mapping": [thing("Secret", "s", data=CANARY)],
    "data that is a list": [thing("Secret", "s", data={"password": [CANARY]})],
    "last-applied-configuration": [
        thing("Secret", "s", metadata=ANNOTATED),
        thing("ConfigMap", "c", metadata=ANNOTATED),
    ],
    "another annotation": [thing("Secret", "s", metadata={"annotations": {"note": CANARY}}, data={})],
    "environment by name": [deployment(env=[{"name": "DB_PASSWORD", "value": CANARY}])],
    "environment by form": [deployment(env=[{"name": "DB_URL", "value": JDBC}])],
    "environment that repeats a Secret": [
        thing("Secret", "s", data={"k": ENCODED}),
        deployment(env=[{"name": "GREETING", "value": CANARY}, {"name": "MORE", "value": f"x={CANARY}"}]),
    ],
    "argument": [deployment(args=["serve", f"--admin-password={CANARY}"])],
    "two arguments": [deployment(args=["serve", "--password", CANARY])],
    "command": [deployment(command=["sh", "-c", f"TOKEN={CANARY} run"])],
    "properties": [
        thing("ConfigMap", "c", data={"application.properties": PROPERTIES}),
        deployment(
            spec={"volumes": [{"name": "c", "configMap": {"name": "c"}}]},
            volumeMounts=[{"name": "c", "mountPath": "/etc/app"}],
            envFrom=[{"configMapRef": {"name": "c"}}],
        ),
    ],
    "hook": [deployment(lifecycle={"preStop": {"exec": {"command": ["curl", f"-Htoken:{CANARY}"]}}})],
    "probe": [deployment(readinessProbe={"exec": {"command": ["check", f"--password={CANARY}"]}})],
    "proxy": [deployment(env=[{"name": "HTTPS_PROXY", "value": f"http://u:{CANARY}@proxy.example.com:3128"}])],
    "route": [
        thing(
            "Route",
            "r",
            "route.openshift.io/v1",
            spec={
                "host": "a.example.com",
                "to": {"name": "x"},
                "tls": {"termination": "edge", "key": f"-----BEGIN PRIVATE KEY-----{CANARY}"},
            },
        )
    ],
    "template": [
        thing(
            "Template", "t", "template.openshift.io/v1", parameters=[{"name": "PASSWORD", "value": CANARY}], objects=[]
        )
    ],
    "template's object": [
        thing(
            "Template", "t", "template.openshift.io/v1", objects=[thing("Secret", "s", stringData={"password": CANARY})]
        )
    ],
    "source of a build": [
        thing(
            "BuildConfig",
            "b",
            "build.openshift.io/v1",
            spec={"source": {"git": {"uri": f"https://u:{CANARY}@git.example.net/x"}}, "strategy": {}},
        )
    ],
    "unknown kind": [thing("Vault", "v", "example.com/v1", spec={"token": CANARY})],
    "a Secret of another group": [thing("Secret", "s", "example.com/v1", data={"x": CANARY})],
    "a Secret that breaks the schema": [thing("Secret", "s", data={"x": CANARY}, immutable=CANARY)],
}


@pytest.mark.parametrize("place", PLACES)
def test_a_canary_is_never_written(
    place: str, inspect: Callable[..., Result], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    result = inspect(PLACES[place])
    assert result.code == 0
    export = tmp_path / "export.yaml"
    export.write_text(yaml.safe_dump({"kind": "List", "apiVersion": "v1", "items": PLACES[place]}), encoding="utf-8")
    out = tmp_path / "out"
    out.mkdir()
    assert main(["openshift", "convert", str(export), "--out", str(out / "services.yaml")]) in (0, 1)
    streams = capfd.readouterr()
    written = "".join(path.read_text(encoding="utf-8") for path in out.iterdir())
    assert len(list(out.iterdir())) == 4
    for text in (result.output, json.dumps(result.document), streams.out, streams.err, written):
        assert CANARY not in text
        assert ENCODED not in text


BROKEN = (
    f"kind: Secret\ndata: {{password: {CANARY}\n",
    f"kind: Secret\nx: !{CANARY} y\n",
    f"kind: Secret\nx: *{CANARY}\n",
    f"{CANARY}\n",
)


@pytest.mark.parametrize("broken", BROKEN)
def test_an_error_quotes_nothing(broken: str, inspect: Callable[..., Result]) -> None:
    result = inspect(broken)
    assert result.code == 2
    assert CANARY not in result.output


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DB_PASSWORD", "hunter2"), ("apiKey", "abc"), ("ACQUIRER_MAC_KEY", "00112233"), ("clientSecret", "x"),
        ("X", "AKIAIOSFODNN7EXAMPLE"), ("X", "Bearer abcdefghijkl"), ("X", "redis://:secret@redis:6379"),
        ("X", "-----BEGIN PRIVATE KEY-----"), ("X", "d8Fk2mQ9xPz7LwV4nRt6"), ("PIN", "4711"),
        ("TOKEN", "/looks/like/a/path"),
    ],
)  # fmt: skip
def test_what_looks_like_a_secret_is_taken_for_one(name: str, value: str) -> None:
    assert looks_secret(name, value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LOG_LEVEL", "info"), ("TOKEN_TTL", "900"),
        ("PASSWORD_FILE", "/run/password"), ("SSL_CERT", "/etc/pki/ca.pem"),
        ("AUTH_ENABLED", "true"), ("DB_PASSWORD", "$(FROM_SECRET)"), ("JAVA_OPTS", "-Xmx512m -XX:+UseG1GC"),
        ("LEDGER_URL", "https://ledger:8443/v2"), ("DB_PASSWORD", ""), ("ZONE", "Europe/Vienna"),
        ("IMAGE", f"registry.example.net/x@sha256:{'ab' * 32}"),
    ],
)  # fmt: skip
def test_what_is_plain_is_left_plain(name: str, value: str) -> None:
    assert not looks_secret(name, value)
