"""Exports in every form that `oc` writes are read, and everything else is refused with one sentence."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from operations.__main__ import main
from operations.openshift.export import Export
from operations.openshift.part import Part
from operations.openshift.progress import Progress
from operations.openshift.reading import Objects
from operations.openshift.review import review_export
from tests.operations.openshift.conftest import Result, deployment, thing

SERVICE = thing("Service", "api", spec={"selector": {"app": "api"}, "ports": [{"port": 8443, "targetPort": 8443}]})


def listed(*objects: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "List", "items": list(objects)}


def without_kind(item: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in item.items() if key not in ("apiVersion", "kind")}


FORMS: dict[str, str] = {
    "a list": yaml.safe_dump(listed(deployment(), SERVICE)),
    "several documents": yaml.safe_dump_all([deployment(), SERVICE]),
    "empty documents between": f"---\n---\n{yaml.safe_dump(deployment())}---\n{yaml.safe_dump(SERVICE)}---\n",
    "JSON": json.dumps(listed(deployment(), SERVICE)),
    "JSON with a byte order mark": "\ufeff" + json.dumps(listed(deployment(), SERVICE)),
    "a list in a list": yaml.safe_dump(listed(listed(deployment(), SERVICE))),
    "lists of one kind": yaml.safe_dump_all(
        [
            {"apiVersion": "apps/v1", "kind": "DeploymentList", "items": [without_kind(deployment())]},
            {"apiVersion": "v1", "kind": "ServiceList", "items": [SERVICE]},
        ]
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_an_export_is_read_alike(form: str, inspect: Callable[..., Result]) -> None:
    result = inspect(FORMS[form])
    assert result.code == 0
    assert [(entry["object"], entry["verdict"]) for entry in result.document["objects"]] == [
        ("Deployment/api", "changed"),
        ("Service/api", "carried"),
    ]


ENDLESS = "kind: X\na: &a [1]\n" + "".join(
    f"b{n}: &b{n} [{', '.join([f'*{prev}'] * 9)}]\n" for n, prev in enumerate(["a", *[f"b{n}" for n in range(12)]])
)
REFUSED: dict[str, str] = {
    "nothing": "",
    "a comment": "# nothing\n",
    "an empty list": "apiVersion: v1\nkind: List\nitems: []\n",
    "a word": "hello\n",
    "a list of words": "[a, b]\n",
    "no kind": "a: b\n",
    "a kind that is no text": "kind: [a]\n",
    "broken YAML": "kind: Service\n  metadata: [\n",
    "broken JSON": '{"kind": "Service", ',
    "a key twice": "kind: Service\nmetadata: {}\nmetadata: {}\n",
    "items that are no list": "kind: List\nitems: {a: b}\n",
    "an item that is no object": "kind: List\nitems: [7]\n",
    "an item without a kind": "kind: List\nitems: [{a: b}]\n",
    "a tag": "kind: !!python/object/apply:os.system [ls]\n",
    "an anchor that holds itself": "kind: X\na: &a [*a]\n",
    "anchors that stand for billions": ENDLESS,
    "nested too deeply": "kind: X\na: " + "[" * 2000 + "]" * 2000 + "\n",
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_no_export_is_refused_with_one_sentence(what: str, inspect: Callable[..., Result]) -> None:
    result = inspect(REFUSED[what])
    assert result.code == 2
    assert result.document == {}
    assert len(result.output.strip().splitlines()) == 1
    assert "allowed: " in result.output


def test_bytes_that_are_no_text_and_files_that_are_not_there_are_refused(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    binary = tmp_path / "binary.yaml"
    binary.write_bytes(b"\xff\xfe\x00kind")
    for arguments in (
        ["inspect", str(binary)],
        ["inspect", str(tmp_path / "none.yaml")],
        ["inspect", str(tmp_path)],
        ["inspect"],
    ):
        assert main(["openshift", *arguments]) == 2
        assert len(capfd.readouterr().err.strip().splitlines()) == 1


def test_an_object_that_breaks_the_schema_is_a_question_and_its_values_stay_away(
    inspect: Callable[..., Result],
) -> None:
    broken = deployment()
    broken["spec"]["replicas"] = "three-canary"
    entry = inspect([broken]).of("Deployment/api")
    assert entry["verdict"] == "decision"
    assert "spec.replicas" in entry["says"]
    assert "canary" not in entry["says"]


SHAPES = (None, 7, "text", [], {}, [None], {"a": None}, True)


@pytest.mark.parametrize(
    "kind",
    [
        "DeploymentConfig",
        "Route",
        "ImageStream",
        "BuildConfig",
        "Template",
        "EgressIP",
        "NetNamespace",
        "SecurityContextConstraints",
        "Gizmo",
    ],
)
def test_odd_shapes_crash_nothing(kind: str, inspect: Callable[..., Result]) -> None:
    group = {"DeploymentConfig": "apps.openshift.io/v1", "EgressIP": "k8s.ovn.org/v1"}.get(kind, "v1")
    odd: list[dict[str, Any]] = []
    for number, shape in enumerate(SHAPES):
        odd += [thing(kind, f"a{number}", group, spec=shape), {"apiVersion": group, "kind": kind, "metadata": shape}]
        odd += [
            thing(
                kind,
                f"b{number}",
                group,
                spec={"template": shape, "to": shape, "tls": shape, "triggers": shape, "strategy": shape},
            )
        ]
        odd += [thing(kind, f"c{number}", group, status=shape, parameters=shape, objects=shape, egressIPs=shape)]
    assert inspect(odd).code == 0


def many(number: int, *, alike: bool) -> list[dict[str, Any]]:
    """Deployments with their Services and Routes; `alike` ones have the same labels."""
    objects = []
    for index in range(number):
        found = deployment(f"api-{index}", env=[{"name": "PEER", "value": f"https://api-{(index + 1) % number}:8443"}])
        if alike:
            found["spec"]["selector"]["matchLabels"] = found["spec"]["template"]["metadata"]["labels"] = {"app": "api"}
        labels = found["spec"]["template"]["metadata"]["labels"]
        route = {"host": f"h{index}.example.com", "to": {"name": f"api-{index}"}, "tls": {"termination": "edge"}}
        objects += [
            found,
            thing("Service", f"api-{index}", spec={"selector": labels, "ports": [{"port": 8443}]}),
            thing("Route", f"api-{index}", "route.openshift.io/v1", spec=route),
            thing(
                "NetworkPolicy",
                f"api-{index}",
                "networking.k8s.io/v1",
                spec={"podSelector": {}, "ingress": [{"from": [{"podSelector": {}}]}]},
            ),
        ]
    return objects


@pytest.mark.parametrize("alike", [False, True])
def test_work_grows_with_the_export_and_not_with_its_square(alike: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    counted = 0
    find = Part._find

    def counting(self: Part, way: tuple[str, ...]) -> Any:
        nonlocal counted
        counted += 1
        return find(self, way)

    monkeypatch.setattr(Part, "_find", counting)
    work = []
    for number in (50, 100):
        counted = 0
        document = review_export(Export(Objects(found=many(number, alike=alike)))).document()
        work.append((counted, len(json.dumps(document))))
    assert work[1][0] < 2.3 * work[0][0]
    assert work[1][1] < 2.3 * work[0][1]


def test_progress_is_told_after_two_seconds_and_not_before() -> None:
    from io import StringIO

    from rich.console import Console

    now, out = [0.0], StringIO()
    with Progress(Console(file=out), clock=lambda: now[0]) as progress:
        hear = progress.of("judged", 5000)
        for moment, done in ((0.5, 100), (1.9, 900)):
            now[0] = moment
            hear(done)
        assert out.getvalue() == ""
        now[0] = 2.1
        hear(1000)
    assert out.getvalue() == "judged 1000 of 5000 objects\n"
