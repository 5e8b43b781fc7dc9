"""An application of several services: what is true of one is true of each, and nobody reaches whom nobody named."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from components.foundations.placement import Placement
from components.foundations.values import Refused
from components.service.declaration import Service, services
from components.service.softpos_application import in_order
from recording.program import Recording
from settings import PhaseName
from tests.components.service.test_softpos_service import build as build
from tests.migration_settings import MIGRATION

IMAGE = f"123456789012.dkr.ecr.eu-central-1.amazonaws.com/payments@sha256:{'7' * 64}"
DECLARED: dict[str, dict[str, Any]] = {
    "payments": {
        "image": IMAGE,
        "paths": ["/"],
        "uses": ["database", "cache"],
        "outside": [{"name": "acquirer", "cidrs": ["198.18.5.0/29"], "ports": [443, 8583], "because": "authorisation"}],
        "environment": {"LOG_LEVEL": "info"},
        "secrets": {"ACQUIRER_SECRET": "softpos/prod/acquirer"},
        "files": {"/etc/payments/rules.json": "{}"},
        "live_path": "/live",
        "command": ["/opt/run"],
        "arguments": ["-v", "-v"],
    },
    "ledger": {
        "image": IMAGE,
        "callers": ["payments"],
        "uses": ["database"],
        "permissions": [{"actions": ["s3:GetObject"], "resources": ["arn:aws:s3:::rules/*"]}],
    },
    "notify": {"image": IMAGE, "port": 0, "health_command": ["/opt/alive"]},
    "end-of-day": {
        "image": IMAGE,
        "schedule": "30 23 * * *",
        "time_zone": "Europe/Vienna",
        "memory": "1Gi",
        "uses": ["database"],
    },
    "schema": {"image": IMAGE, "before": ["payments", "ledger"], "uses": ["database"]},
}
DEPLOYMENT = "kubernetes:apps/v1:Deployment"


def declared(**changed: dict[str, Any]) -> tuple[Service, ...]:
    names = {name.replace("_", "-"): fields for name, fields in changed.items()}
    return services(json.dumps({name: {**fields, **names.get(name, {})} for name, fields in DECLARED.items()}))


@pytest.fixture(scope="module")
def several(build: Callable[..., Recording], placement: Placement) -> Recording:
    return build(placement, MIGRATION, declared())


def egress_of(recording: Recording, name: str) -> list[Any]:
    return list(recording.named(name).inputs["spec"]["egress"][0]["to"])


def test_each_service_has_scaling_a_budget_an_account_a_role_and_an_alarm_of_its_own(several: Recording) -> None:
    assert {one.name for one in several.of(DEPLOYMENT)} == {
        "service-payments-deployment",
        "service-ledger-deployment",
        "service-notify-deployment",
    }
    for service in ("payments", "ledger", "notify"):
        for role in ("scaling", "disruption", "account", "role", "identity", "too-few-pods"):
            assert several.named(f"service-{service}-{role}")


def test_pods_of_every_kind_keep_the_restricted_profile(several: Recording) -> None:
    for name in ("service-payments-deployment", "service-ledger-deployment", "service-notify-deployment"):
        assert_restricted(several.named(name).inputs["spec"]["template"]["spec"])
    assert_restricted(
        several.named("service-end-of-day-schedule").inputs["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    )
    assert_restricted(several.named("service-schema-run").inputs["spec"]["template"]["spec"])


def assert_restricted(pod: dict[str, Any]) -> None:
    (container,) = pod["containers"]
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}


def test_a_service_is_called_by_whom_it_names_and_by_nobody_else(several: Recording) -> None:
    (peer,) = egress_of(several, "service-payments-network-to-ledger")
    assert peer["podSelector"]["matchLabels"]["app.kubernetes.io/name"] == "ledger"
    incoming = several.named("service-ledger-network-from-payments").inputs["spec"]["ingress"][0]
    assert incoming["from"][0]["podSelector"]["matchLabels"]["app.kubernetes.io/name"] == "payments"
    assert incoming["ports"] == [{"protocol": "TCP", "port": 8443}]
    names = {one.name for one in several.resources}
    assert "service-notify-network-to-ledger" not in names
    assert "service-ledger-network-from-load-balancer" not in names
    assert "service-notify-network-to-database" not in names


def test_named_addresses_outside_are_reached_by_their_service_only(several: Recording) -> None:
    assert egress_of(several, "service-payments-network-to-outside-acquirer") == [
        {"ipBlock": {"cidr": "198.18.5.0/29"}}
    ]
    rule = several.named("service-payments-to-acquirer-198.18.5.0-29-8583").inputs
    assert (rule["securityGroupId"], rule["cidrIpv4"], rule["fromPort"]) == ("sg-nodes", "198.18.5.0/29", 8583)
    assert not [one for one in several.resources if one.name.startswith("service-ledger-network-to-outside")]


def test_a_role_may_do_what_its_service_declares_and_no_more(several: Recording) -> None:
    def actions(service: str) -> set[str]:
        document = json.loads(several.named(f"service-{service}-role-permissions").inputs["policy"])
        found = [one["Action"] for one in document["Statement"]]
        return {action for one in found for action in ([one] if isinstance(one, str) else one)}

    assert actions("payments") == {
        "rds-db:connect", "elasticache:Connect", "secretsmanager:GetSecretValue", "kms:Decrypt",
    }  # fmt: skip
    assert actions("ledger") == {"rds-db:connect", "secretsmanager:GetSecretValue", "kms:Decrypt", "s3:GetObject"}
    assert not [one for one in several.resources if one.name == "service-notify-role-permissions"]


def test_secrets_are_named_to_the_pod_and_never_given(several: Recording) -> None:
    (container,) = several.named("service-payments-deployment").inputs["spec"]["template"]["spec"]["containers"]
    environment = {one["name"]: one["value"] for one in container["env"]}
    assert environment["ACQUIRER_SECRET"] == "softpos/prod/acquirer"
    assert environment["LOG_LEVEL"] == "info"
    assert (container["command"], container["args"]) == (["/opt/run"], ["-v", "-v"])
    assert container["livenessProbe"]["httpGet"]["path"] == "/live"
    assert {
        "name": "files",
        "mountPath": "/etc/payments/rules.json",
        "subPath": "etc.payments.rules.json",
        "readOnly": True,
    } in container["volumeMounts"]


def test_services_start_after_those_that_must_be_ready_and_after_their_schema(several: Recording) -> None:
    job = several.named("service-schema-run").urn
    for service in ("payments", "ledger"):
        assert job in several.named(f"service-{service}-deployment").dependencies
    assert job not in several.named("service-notify-deployment").dependencies
    order = [one.name for one, _ in in_order(declared(payments={"start_after": ["ledger"]}))]
    assert order.index("schema") < order.index("ledger") < order.index("payments")


@pytest.mark.parametrize(
    ("phase", "suspended"), [("none", False), ("beside", True), ("shifting", True), ("after", False)]
)
def test_scheduled_jobs_run_on_one_side_in_every_phase(
    build: Callable[..., Recording], placement: Placement, phase: PhaseName, suspended: bool
) -> None:
    recording = build(placement, replace(MIGRATION, phase=phase), declared())
    spec = recording.named("service-end-of-day-schedule").inputs["spec"]
    assert (spec["suspend"], spec["timeZone"], spec["concurrencyPolicy"]) == (suspended, "Europe/Vienna", "Forbid")


def test_a_one_off_job_is_another_job_for_another_image(several: Recording) -> None:
    assert several.named("service-schema-run").inputs["metadata"]["name"] == f"schema-{'7' * 12}"


def test_the_one_service_of_before_keeps_its_place_in_the_state(
    build: Callable[..., Recording], placement: Placement
) -> None:
    recording = build(placement)
    component = next(one for one in recording.resources if one.type == "softpos:service:SoftPosApplication")
    assert component.name == "service"
    assert {"service-deployment", "service-service", "service-scaling", "service-role", "service-network-to-dns"} <= {
        one.name for one in recording.resources
    }


BAD = [
    ({"ledger": {"callers": ["paymnts"]}}, ".ledger.callers", "other services"),
    ({"ledger": {"callers": ["ledger"]}}, ".ledger.callers", "other services"),
    ({"ledger": {"paths": ["/"]}}, ".payments.paths", "no other service has"),
    ({"ledger": {"colour": "red"}}, ".ledger.colour", "the fields"),
    ({"ledger": {"start_after": ["payments"]}, "payments": {"start_after": ["ledger"]}}, "start_after", "circle"),
    ({"end_of_day": {"time_zone": ""}}, ".end-of-day.time_zone", "time zone"),
    ({"end_of_day": {"time_zone": "Vienna"}}, ".end-of-day.time_zone", "Europe/Vienna"),
    ({"end_of_day": {"schedule": "daily"}}, ".end-of-day.schedule", "five fields"),
    ({"end_of_day": {"paths": ["/x"]}}, ".end-of-day.paths", "nothing in a job"),
    ({"end_of_day": {"concurrency": "Allow"}}, ".end-of-day.concurrency", "Forbid or Replace"),
    ({"ledger": {"deadline_seconds": 60}}, ".ledger.deadline_seconds", "without `schedule`"),
    ({"ledger": {"replicas_min": 1}}, ".ledger.replicas_min", "from 2 to 200"),
    ({"ledger": {"replicas_min": 9, "replicas_max": 3}}, ".ledger.replicas_min", "replicas_max"),
    ({"ledger": {"port": 80}}, ".ledger.port", "from 1024"),
    ({"notify": {"paths": ["/n"]}}, ".notify.paths", "port 0"),
    ({"payments": {"image": "payments:latest"}}, ".payments.image", "by digest"),
    ({"payments": {"environment": {"URL": "mysql://u:p@h/x"}}}, ".payments.environment", "no secret"),
    ({"payments": {"environment": {"CACHE_HOST": "x"}}}, ".payments.environment.CACHE_HOST", "does not set itself"),
    ({"payments": {"files": {"/etc/softpos/x": "y"}}}, ".payments.files", "a path outside"),
    ({"payments": {"memory": "lots"}}, ".payments.memory", "an amount of memory"),
    ({"ledger": {"permissions": [{"actions": ["s3:*"], "resources": ["*"]}]}}, ".ledger.permissions[0]", "in full"),
    ({"ledger": {"permissions": [{"actions": ["s3:GetObject"]}]}}, ".ledger.permissions[0].resources", "a value"),
    ({"payments": {"outside": [{"name": "all", "cidrs": ["0.0.0.0/0"], "ports": [443], "because": "all"}]}},
     ".payments.outside.all", "/24 and narrower"),
    ({"schema": {"before": ["end-of-day"]}}, ".schema.before", "not jobs"),
]  # fmt: skip


@pytest.mark.parametrize(("changed", "place", "allowed"), BAD, ids=[f"{place}: {allowed}" for _, place, allowed in BAD])
def test_a_bad_declaration_is_refused_at_its_place(changed: dict[str, Any], place: str, allowed: str) -> None:
    with pytest.raises(Refused) as refused:
        declared(**changed)
    assert place in refused.value.place
    assert allowed in refused.value.allowed
    assert refused.value.remedy


def test_a_worker_without_a_health_command_has_no_probes(build: Callable[..., Recording], placement: Placement) -> None:
    recording = build(placement, MIGRATION, declared(notify={"health_command": []}))
    (container,) = recording.named("service-notify-deployment").inputs["spec"]["template"]["spec"]["containers"]
    assert not {"startupProbe", "readinessProbe", "livenessProbe", "ports"} & container.keys()


def test_what_looks_like_a_secret_is_not_repeated() -> None:
    with pytest.raises(Refused) as refused:
        declared(payments={"environment": {"URL": "mysql://u:hunter2@h/x"}})
    assert "hunter2" not in f"{refused.value}{refused.value.found}"
