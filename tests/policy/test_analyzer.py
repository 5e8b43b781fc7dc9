"""The pack as the Pulumi engine runs it: a process of its own, spoken to over gRPC."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import grpc
import pytest
import yaml
from google.protobuf import empty_pb2, struct_pb2
from pulumi.runtime.proto import analyzer_pb2, analyzer_pb2_grpc

from policy import pack
from policy.judgement import Judgement
from tests.policy.cases import UNKNOWN
from tests.policy.cases.resources import urn

PACK = Path(pack.__file__).parent
SECRET = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270"}
VOLUME = "aws:ebs/volume:Volume"
MANDATORY, ADVISORY = analyzer_pb2.MANDATORY, analyzer_pb2.ADVISORY


@pytest.fixture(scope="module")
def analyzer() -> Iterator[Any]:
    command = [sys.executable, "-u", "-m", "pulumi.policy", "127.0.0.1:1", str(PACK)]
    process = subprocess.Popen(command, cwd=PACK, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        with grpc.insecure_channel(f"127.0.0.1:{int(process.stdout.readline())}") as channel:
            yield analyzer_pb2_grpc.AnalyzerStub(channel)
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture(autouse=True)
def configured_as_at_the_start(analyzer: Any) -> None:
    configure(analyzer)


def configure(analyzer: Any, **given: dict[str, Any]) -> None:
    """As the engine does: every policy with its level, those in `given` with another or with parameters."""
    request = analyzer_pb2.ConfigureAnalyzerRequest()
    for made in analyzer.GetAnalyzerInfo(empty_pb2.Empty()).policies:
        wanted = dict(given.get(made.name.replace("-", "_"), {}))
        config = request.policyConfig[made.name]
        config.enforcementLevel = wanted.pop("level", made.enforcementLevel)
        config.properties.update(wanted)
    analyzer.Configure(request)


def struct(properties: dict[str, Any]) -> struct_pb2.Struct:
    made = struct_pb2.Struct()
    made.update(properties)
    return made


def analyze(analyzer: Any, resource_type: str, properties: dict[str, Any], name: str = "it") -> list[Any]:
    request = analyzer_pb2.AnalyzeRequest(
        type=resource_type, name=name, urn=urn(resource_type, name), properties=struct(properties)
    )
    return list(analyzer.Analyze(request).diagnostics)


def analyze_stack(analyzer: Any, *resources: tuple[str, str, dict[str, Any]]) -> dict[str, list[str]]:
    request = analyzer_pb2.AnalyzeStackRequest(
        resources=[
            analyzer_pb2.AnalyzerResource(type=kind, name=name, urn=urn(kind, name), properties=struct(properties))
            for kind, name, properties in resources
        ]
    )
    found: dict[str, list[str]] = {}
    for diagnostic in analyzer.AnalyzeStack(request).diagnostics:
        found.setdefault(diagnostic.policyName, []).append(diagnostic.message)
    return found


def test_each_rule_is_a_policy_with_framework_severity_and_remedy(analyzer: Any, judge: Judgement) -> None:
    info = analyzer.GetAnalyzerInfo(empty_pb2.Empty())
    policies = {made.name: made for made in info.policies}
    assert len(policies) == len(info.policies) == len(judge.rules) + len(pack.REPORTS)
    for rule in judge.rules:
        made = policies[rule.name]
        if rule.requirements:
            assert (made.framework.name, made.framework.version) == ("PCI DSS", "4.0.1")
        assert made.framework.reference == "; ".join(rule.requirements)
        assert made.enforcementLevel == (analyzer_pb2.DISABLED if rule.wish else MANDATORY)
        assert made.severity != analyzer_pb2.POLICY_SEVERITY_UNSPECIFIED
        assert made.description == f"{rule.claim}."
        assert made.remediation_steps.endswith(".")
        stack = made.policy_type == analyzer_pb2.POLICY_TYPE_STACK
        assert stack == rule.over_stack


def test_no_policy_is_configured_at_first(analyzer: Any) -> None:
    """A configuration without a level would turn a mandatory policy into an advisory one on the real engine."""
    assert not analyzer.GetAnalyzerInfo(empty_pb2.Empty()).initialConfig


def test_version_in_the_project_file_is_the_pack_s() -> None:
    project = yaml.safe_load((PACK / "PulumiPolicy.yaml").read_text(encoding="utf-8"))
    assert project["version"] == pack.VERSION
    assert project["description"]


def test_violation_is_mandatory_and_one_sentence(analyzer: Any) -> None:
    (found,) = analyze(analyzer, VOLUME, {"encrypted": False})
    assert found.policyName == "ec2-volume-encrypted"
    assert found.enforcementLevel == MANDATORY
    assert found.severity == analyzer_pb2.POLICY_SEVERITY_HIGH
    assert found.urn == urn(VOLUME, "it")
    assert found.message == (
        "it (aws:ebs/volume:Volume): encrypted is false, wanted true (PCI DSS 4.0.1: 3.5.1, 3.5.1.2, 8.3.2); "
        "set encrypted to true."
    )


def test_unknown_value_is_an_advisory_finding_of_the_policy_undetermined(analyzer: Any) -> None:
    (found,) = analyze(analyzer, VOLUME, {"encrypted": UNKNOWN})
    assert (found.policyName, found.enforcementLevel) == ("undetermined", ADVISORY)
    assert found.message == (
        "ec2-volume-encrypted: it (aws:ebs/volume:Volume) encrypted is not known before deployment, "
        "so whether it is true was not judged."
    )


def test_breach_is_reported_before_what_is_unknown(analyzer: Any) -> None:
    tunnels = {"tunnel1IkeVersions": UNKNOWN, "tunnel2IkeVersions": ["ikev1"]}
    found = analyze(analyzer, "aws:ec2/vpnConnection:VpnConnection", tunnels)
    names = [one.policyName for one in found if "IkeVersions" in one.message]
    assert names == ["vpn-ikev2-only", "undetermined"]


def test_marked_secret_is_not_plain_text_and_is_in_no_message(analyzer: Any) -> None:
    environment = {"variables": {"DB_PASSWORD": {**SECRET, "value": "correct-horse"}}}
    function = {"runtime": "python3.13", "environment": environment}
    assert analyze(analyzer, "aws:lambda/function:Function", function) == []
    function["environment"] = {"variables": {"DB_PASSWORD": "correct-horse"}}
    (found,) = analyze(analyzer, "aws:lambda/function:Function", function)
    assert found.policyName == "any-no-secret-in-plain-text"
    assert "correct-horse" not in found.message


def test_whole_property_marked_secret_is_still_judged(analyzer: Any) -> None:
    (found,) = analyze(analyzer, VOLUME, {"encrypted": {**SECRET, "value": False}})
    assert found.policyName == "ec2-volume-encrypted"


def test_foreign_and_component_resources_have_no_findings(analyzer: Any) -> None:
    assert analyze(analyzer, "random:index/randomPet:RandomPet", {"length": 2}) == []
    assert analyze(analyzer, "softpos:network:SecureVpc", {}) == []


def test_excepted_resource_is_listed_and_not_a_violation(analyzer: Any) -> None:
    instance = "aws:ec2/instance:Instance"
    assert "exception" not in analyze_stack(analyzer)  # one that covered nothing is not listed
    bastion = "urn:pulumi:prod::softpos::aws:ec2/instance:Instance::bastion-host"
    request = analyzer_pb2.AnalyzeRequest(
        type=instance, name="bastion-host", urn=bastion, properties=struct({"keyName": "k"})
    )
    assert "ec2-instance-without-key-pair" not in {one.policyName for one in analyzer.Analyze(request).diagnostics}
    assert "ec2-instance-without-key-pair" in {
        one.policyName for one in analyze(analyzer, instance, {"keyName": "k"}, "bastion-host")
    }, "a resource of another project has the same name"
    (line,) = analyze_stack(analyzer)["exception"]
    assert line.startswith(
        "ec2-instance-without-key-pair is excepted for urn:pulumi:*::softpos::*::bastion-host until "
    )


def test_lowered_level_counts_and_is_itself_a_violation(analyzer: Any) -> None:
    configure(analyzer, ec2_volume_encrypted={"level": ADVISORY})
    missing, found = analyze(analyzer, VOLUME, {"encrypted": False})
    assert found.enforcementLevel == ADVISORY
    assert (missing.policyName, missing.enforcementLevel) == ("exception-missing", MANDATORY)
    assert (
        [missing.message]
        == analyze_stack(analyzer)["exception-missing"]
        == [
            "Policy configuration gives ec2-volume-encrypted level advisory instead of mandatory without an exception; "
            "remove it, or add an exception for the rule with resource '*', a reason, an owner and an expiry date."
        ]
    )


def test_disabled_rule_says_nothing_and_is_itself_a_violation(analyzer: Any) -> None:
    configure(analyzer, ec2_volume_encrypted={"level": analyzer_pb2.DISABLED})
    (missing,) = analyze(analyzer, VOLUME, {"encrypted": False})
    assert (missing.policyName, missing.enforcementLevel) == ("exception-missing", MANDATORY)
    assert analyze(analyzer, VOLUME, {"encrypted": UNKNOWN}) == [], "told once, at the first resource"
    assert "level disabled" in analyze_stack(analyzer)["exception-missing"][0]


def test_loosening_is_told_before_anything_exists(analyzer: Any) -> None:
    """The engine asks first about the stack itself: an update that skips the preview stops there."""
    configure(analyzer, ec2_volume_encrypted={"level": analyzer_pb2.DISABLED})
    (missing,) = analyze(analyzer, "pulumi:pulumi:Stack", {})
    assert (missing.policyName, missing.enforcementLevel) == ("exception-missing", MANDATORY)


def test_all_rules_made_advisory_are_one_violation(analyzer: Any, judge: Judgement) -> None:
    configure(analyzer, **{made.name.replace("-", "_"): {"level": ADVISORY} for made in judge.rules})
    (missing,) = analyze(analyzer, "pulumi:pulumi:Stack", {})
    assert "other rules level advisory instead of mandatory" in missing.message
    assert "for a gradual start of all rules, level: advisory instead of rule and resource" in missing.message


def test_unknown_rule_in_the_configuration_is_refused(analyzer: Any) -> None:
    request = analyzer_pb2.ConfigureAnalyzerRequest()
    request.policyConfig["ec2-volume-encripted"].enforcementLevel = MANDATORY
    analyzer.Configure(request)
    (refused,) = analyze(analyzer, "pulumi:pulumi:Stack", {})
    assert (refused.policyName, refused.enforcementLevel) == ("configuration-invalid", MANDATORY)
    assert refused.message == (
        "Policy configuration names the unknown rule ec2-volume-encripted, the nearest is ec2-volume-encrypted; "
        "correct or remove it."
    )


def test_types_that_no_rule_is_about_are_named(analyzer: Any) -> None:
    found = analyze_stack(analyzer, ("aws:location/map:Map", "map", {}), (VOLUME, "disk", {"encrypted": True}))
    (line,) = found["not-judged"]
    assert line.startswith("No rule is about aws:location/map:Map (1): of these types only secrets")


def test_stack_whose_name_does_not_tell_is_said_to_be_no_production(analyzer: Any) -> None:
    def said(stack: str) -> bool:
        request = analyzer_pb2.AnalyzeStackRequest(
            resources=[analyzer_pb2.AnalyzerResource(type=VOLUME, name="disk", urn=urn(VOLUME, "disk", stack))]
        )
        return "production" in {one.policyName for one in analyzer.AnalyzeStack(request).diagnostics}

    assert [said(name) for name in ("prod", "production", "shop-prod", "dev", "live")] == [False] * 4 + [True]
    configure(analyzer, production={"level": ADVISORY, "stacks": ["live"]})
    assert [said(name) for name in ("live", "main")] == [False, True]


def test_wish_is_off_until_configuration_turns_it_on(analyzer: Any) -> None:
    profile = "aws:eks/fargateProfile:FargateProfile"
    assert analyze(analyzer, profile, {}) == []
    configure(analyzer, eks_nodes_can_carry_agent={"level": MANDATORY})
    (found,) = analyze(analyzer, profile, {})
    assert "wanted a managed node group with Amazon Linux (the platform's own wish); use" in found.message


def test_stricter_parameter_counts_and_is_no_violation(analyzer: Any) -> None:
    group = {"retentionInDays": 365, "kmsKeyId": "key"}
    assert analyze(analyzer, "aws:cloudwatch/logGroup:LogGroup", group) == []
    configure(analyzer, logs_retention={"minimumDays": 400})
    (found,) = analyze(analyzer, "aws:cloudwatch/logGroup:LogGroup", group)
    assert "retentionInDays is 365, wanted at least 400 days" in found.message
    assert "exception-missing" not in analyze_stack(analyzer)


def test_looser_parameter_is_itself_a_violation(analyzer: Any) -> None:
    configure(analyzer, logs_retention={"minimumDays": 30})
    assert "minimumDays 30 instead of 365" in analyze_stack(analyzer)["exception-missing"][0]


def test_rules_for_production_are_silent_elsewhere(analyzer: Any) -> None:
    balancer = "aws:lb/loadBalancer:LoadBalancer"

    def judged(stack: str) -> bool:
        request = analyzer_pb2.AnalyzeRequest(
            type=balancer, name="it", urn=urn(balancer, "it", stack), properties=struct({})
        )
        return "lb-deletion-protection" in {one.policyName for one in analyzer.Analyze(request).diagnostics}

    assert (judged("prod"), judged("dev"), judged("live")) == (True, False, False)
    configure(analyzer, lb_deletion_protection={"productionStacks": ["prod", "live"]})
    assert (judged("prod"), judged("dev"), judged("live")) == (True, False, True)


def test_pack_runs_from_a_directory_of_any_name(tmp_path: Path) -> None:
    copy = tmp_path / "vendored-pci-pack"
    copy.symlink_to(PACK)
    command = [sys.executable, "-u", "-m", "pulumi.policy", "127.0.0.1:1", str(copy)]
    process = subprocess.Popen(command, cwd=copy, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert int(process.stdout.readline()) > 0
    finally:
        process.terminate()
        process.wait(10)


def test_diagnostics_carry_the_pack_s_name(analyzer: Any) -> None:
    (found,) = analyze(analyzer, VOLUME, {"encrypted": False})
    assert SimpleNamespace(name=found.policyPackName, version=found.policyPackVersion) == SimpleNamespace(
        name=pack.NAME, version=pack.VERSION
    )
