"""What must be true of the whole program, for the stacks as they are in the repository."""

import base64
import importlib
import json
import re
from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pulumi_aws
import pytest
import yaml

from operations.plan.forecast import LIMIT_SECONDS, forecast_creation
from operations.plan.segmentation import openings
from operations.plan.stack_recording import record_stack
from recording.program import Recording
from recording.recorder import Resource
from tests.recorded import recorded
from tests.security_groups import bearers, inward, one_sided

ROOT = Path(__file__).parents[1]
INTERNET = "0.0.0.0/0"


@pytest.fixture(scope="session", params=["dev", "prod"])
def program(request: pytest.FixtureRequest) -> Recording:
    return recorded(request.param)


@pytest.fixture(scope="session")
def prod() -> Recording:
    return recorded("prod")


def texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, member in value.items():
            yield key
            yield from texts(member)
    elif isinstance(value, list):
        for member in value:
            yield from texts(member)


def group_of(program: Recording, bearer: str) -> str:
    """The one security group that this resource stands behind."""
    groups = [group for group, found in bearers(program.resources).items() if bearer in {r.name for r in found}]
    assert len(groups) == 1, groups
    return groups[0]


# ---- Segmentation (PCI DSS 1.3, 1.4) --------------------------------------------------------------------------------


def test_the_internet_reaches_the_load_balancer_on_443_and_trusted_ranges_the_bastion_on_22_and_nothing_else(
    program: Recording,
) -> None:
    inside = [program.of("aws:ec2/vpc:Vpc")[0].inputs["cidrBlock"], "10.80.0.0/16"]
    from_internet = {
        (opening.peer, opening.group, opening.ports)
        for opening in openings(program.resources)
        if opening.direction == "ingress"
        and opening.from_outside
        and not any(ip_network(opening.peer).subnet_of(ip_network(range_)) for range_ in inside)  # type: ignore[arg-type]
    }
    assert from_internet == {
        (INTERNET, group_of(program, "edge-balancer"), (443, 443)),
        ("203.0.113.0/28", group_of(program, "bastion-host"), (22, 22)),
    }


def test_only_nodes_bastion_and_migration_reach_the_database(program: Recording) -> None:
    found = inward(openings(program.resources), group_of(program, "database-cluster"))
    assert {opening.peer for opening in found} == {
        group_of(program, "cluster-nodes-template"),
        group_of(program, "bastion-host"),
        group_of(program, "migration-instance"),
    }
    assert {opening.ports for opening in found} == {(3306, 3306)}


def test_only_nodes_and_bastion_reach_the_cache(program: Recording) -> None:
    found = inward(openings(program.resources), group_of(program, "cache"))
    assert {opening.peer for opening in found} == {
        group_of(program, "cluster-nodes-template"),
        group_of(program, "bastion-host"),
    }
    assert {opening.ports for opening in found} == {(6379, 6379)}


def test_the_load_balancer_reaches_nothing_but_the_service_port_of_the_nodes(program: Recording) -> None:
    balancer = group_of(program, "edge-balancer")
    outward = [o for o in openings(program.resources) if o.direction == "egress" and o.group == balancer]
    assert [(o.peer, o.ports) for o in outward] == [(group_of(program, "cluster-nodes-template"), (30443, 30443))]


def test_database_and_cache_reach_nobody(program: Recording) -> None:
    silent = {group_of(program, "database-cluster"), group_of(program, "cache")}
    assert [o for o in openings(program.resources) if o.direction == "egress" and o.group in silent] == []


def test_hosts_accept_ssh_from_the_bastion_only(program: Recording) -> None:
    ssh = [o for o in openings(program.resources) if o.direction == "ingress" and o.ports[0] <= 22 <= o.ports[1]]
    bastion = group_of(program, "bastion-host")
    assert {(o.group, o.peer) for o in ssh if o.group != bastion} == {
        (group_of(program, "cluster-nodes-template"), bastion)
    }


def test_every_path_between_groups_is_open_at_both_ends(program: Recording) -> None:
    assert one_sided(openings(program.resources)) == ()


def test_every_security_group_protects_something(program: Recording) -> None:
    assert [group for group, found in bearers(program.resources).items() if not found] == []


def test_no_security_group_has_inline_rules(program: Recording) -> None:
    groups = program.of("aws:ec2/securityGroup:SecurityGroup")
    assert groups
    assert [g.name for g in groups if g.inputs.get("ingress") or g.inputs.get("egress")] == []


def test_data_stands_in_the_data_tier(program: Recording) -> None:
    data = {s.id for s in program.of("aws:ec2/subnet:Subnet") if s.inputs["tags"]["Tier"] == "data"}
    for type_ in ("aws:rds/subnetGroup:SubnetGroup", "aws:elasticache/subnetGroup:SubnetGroup"):
        groups = program.of(type_)
        assert groups
        assert all(set(group.inputs["subnetIds"]) == data for group in groups)


# ---- What the case study names --------------------------------------------------------------------------------------

SERVICES = {
    "IAM": "aws:iam/role:Role",
    "Route53": "aws:route53/record:Record",
    "EKS": "aws:eks/cluster:Cluster",
    "EC2": "aws:ec2/instance:Instance",
    "Elastic Load Balancing": "aws:lb/loadBalancer:LoadBalancer",
    "Inspector": "aws:inspector2/enabler:Enabler",
    "RDS": "aws:rds/cluster:Cluster",
    "ElastiCache": "aws:elasticache/replicationGroup:ReplicationGroup",
    "Config": "aws:cfg/recorder:Recorder",
    "CloudWatch": "aws:cloudwatch/metricAlarm:MetricAlarm",
    "CloudTrail": "aws:cloudtrail/trail:Trail",
    "Site-to-Site VPN": "aws:ec2/vpnConnection:VpnConnection",
    "DMS": "aws:dms/replicationTask:ReplicationTask",
    "WAF": "aws:wafv2/webAcl:WebAcl",
}


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_of_the_case_study_is_there(program: Recording, service: str) -> None:
    assert program.of(SERVICES[service])


def test_the_fortinet_rules_are_in_the_firewall(program: Recording) -> None:
    firewall = program.of("aws:wafv2/webAcl:WebAcl")[0]
    groups = [rule["statement"].get("managedRuleGroupStatement", {}) for rule in firewall.inputs["rules"]]
    assert "Fortinet" in {group.get("vendorName") for group in groups}


def test_every_node_boots_with_the_agent_and_without_its_token(program: Recording) -> None:
    for template in program.of("aws:ec2/launchTemplate:LaunchTemplate"):
        script = base64.b64decode(template.inputs["userData"]).decode()
        assert "dsa_control" in script
        assert "get-secret-value" in script
        assert not re.search(r"token[:=]\"?[A-F0-9-]{16,}", script)


# ---- Money and data that must survive -------------------------------------------------------------------------------

STATEFUL = {
    "database-cluster": "aws:rds/cluster:Cluster",
    "database-writer": "aws:rds/clusterInstance:ClusterInstance",
    "cache": "aws:elasticache/replicationGroup:ReplicationGroup",
    "keys-database": "aws:kms/key:Key",
    "keys-cache": "aws:kms/key:Key",
    "keys-cluster": "aws:kms/key:Key",
    "keys-logs": "aws:kms/key:Key",
    "keys-audit": "aws:kms/key:Key",
    "keys-migration": "aws:kms/key:Key",
    "audit-trail-bucket": "aws:s3/bucket:Bucket",
    "migration-state": "aws:dynamodb/table:Table",
}
"""Logical names are contracts: a rename replaces the resource and loses what it holds, unless it carries an alias."""


@pytest.mark.parametrize("name", STATEFUL)
def test_the_logical_names_of_what_holds_data_are_pinned(program: Recording, name: str) -> None:
    assert program.named(name, STATEFUL[name])


def test_production_protects_what_holds_data(prod: Recording) -> None:
    holding = {
        name: type_ for name, type_ in STATEFUL.items() if name != "database-writer"
    }  # its cluster holds the data
    unprotected = [name for name, type_ in holding.items() if not prod.named(name, type_).protect]
    assert unprotected == []


def test_removing_the_migration_removes_only_the_migration(prod: Recording) -> None:
    after = {r.urn: r for r in record_stack("prod", {"migrationPhase": "after"}).resources}
    gone = [r for r in prod.resources if r.urn not in after]
    assert gone
    assert {r.name.partition("-")[0] for r in gone if not r.name.startswith("edge-")} == {
        "migration",
        "source",
        "service",
    }
    assert [r.name for r in gone if r.name.startswith("service")] == ["service-network-to-source"]
    assert sorted(r.name for r in gone if r.name.startswith("edge")) == [
        "edge-name-test-certificate",
        "edge-name-test-certificate-expires",
        "edge-name-test-certificate-proof",
        "edge-name-test-certificate-validation",
        "edge-test-alias",
        "edge-test-certificate",
    ]
    kept = [r for r in prod.resources if r.urn in after and r.type.startswith(("aws:rds", "aws:elasticache"))]
    assert kept
    assert [r.name for r in kept if r.inputs != after[r.urn].inputs] == []


def test_the_migration_never_starts_by_itself(program: Recording) -> None:
    tasks = program.of("aws:dms/replicationTask:ReplicationTask")
    assert len(tasks) == 2
    assert [task.inputs.get("startReplicationTask", False) for task in tasks] == [False, False]


# ---- Tags, secrets, names -------------------------------------------------------------------------------------------

TAGS = {"Name", "Project", "Stack", "Owner", "CostCentre", "DataClass"}


def sdk_class(type_: str) -> type:
    """The SDK's class of a resource type, which knows whether it takes tags."""
    module, _, name = type_.removeprefix("aws:").partition("/")
    return getattr(importlib.import_module(f"pulumi_aws.{module}"), name.partition(":")[2])  # type: ignore[no-any-return]


def test_everything_that_takes_tags_has_all_of_them(program: Recording) -> None:
    assert pulumi_aws
    taggable = [r for r in program.resources if r.type.startswith("aws:") and hasattr(sdk_class(r.type), "tags")]
    assert len(taggable) > 150
    assert [r.name for r in taggable if not set(r.inputs.get("tags") or {}) >= TAGS] == []


def test_what_nodes_bring_along_is_tagged_too(program: Recording) -> None:
    template = program.of("aws:ec2/launchTemplate:LaunchTemplate")[0]
    tagged = {spec["resourceType"]: set(spec["tags"]) for spec in template.inputs["tagSpecifications"]}
    assert {"instance", "volume", "network-interface"} <= set(tagged)
    assert all(tags >= TAGS for tags in tagged.values())


SECRET_SHAPES = (
    r"AKIA[0-9A-Z]{16}",
    r"-----BEGIN (RSA |EC |OPENSSH |)PRIVATE KEY-----",
    r"(?i)\"(password|token|secret)\"\s*:\s*\"[^\"]{4,}\"",
    r"eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}",
)


def test_no_secret_stands_in_inputs_user_data_or_outputs(program: Recording) -> None:
    everything = list(texts(dict(program.outputs)))
    for resource in program.resources:
        everything += texts(dict(resource.inputs))
        if "userData" in resource.inputs:
            found = resource.inputs["userData"]
            everything.append(found if found.startswith("#!") else base64.b64decode(found).decode())
    assert len(everything) > 5000
    assert [text[:60] for text in everything for shape in SECRET_SHAPES if re.search(shape, text)] == []


def test_the_kubeconfig_travels_as_a_secret(program: Recording) -> None:
    providers = [r for r in program.of("pulumi:providers:kubernetes") if r.name == "cluster-kubernetes"]
    assert [provider.inputs["kubeconfig"] for provider in providers] == ["[secret]"]


NAME_LIMITS = {
    "aws:lb/loadBalancer:LoadBalancer": ("name", 32),
    "aws:lb/targetGroup:TargetGroup": ("name", 32),
    "aws:iam/role:Role": ("name", 64),
    "aws:s3/bucket:Bucket": ("bucket", 63),
    "aws:rds/cluster:Cluster": ("clusterIdentifier", 63),
    "aws:elasticache/replicationGroup:ReplicationGroup": ("replicationGroupId", 40),
    "aws:dms/replicationInstance:ReplicationInstance": ("replicationInstanceId", 63),
}


def test_physical_names_fit_aws(program: Recording) -> None:
    for type_, (key, limit) in NAME_LIMITS.items():
        for resource in program.of(type_):
            assert len(resource.inputs.get(key, "")) <= limit, resource.name


def test_outputs_tell_a_user_what_he_needs(program: Recording) -> None:
    assert {
        "applicationUrl",
        "bastionAddress",
        "sshCommand",
        "kubeconfigCommand",
        "databaseWriterEndpoint",
        "databaseReaderEndpoint",
        "cachePrimaryEndpoint",
        "cacheReaderEndpoint",
        "vpnTunnelAddresses",
        "migrationTaskNames",
        "dashboardUrl",
        "trailBucket",
    } <= set(program.outputs)
    assert all(program.outputs[name] for name in ("bastionAddress", "databaseWriterEndpoint", "vpnTunnelAddresses"))


# ---- Permissions (PCI DSS 7.2) --------------------------------------------------------------------------------------


def policies(program: Recording) -> Iterator[tuple[Resource, dict[str, Any]]]:
    for resource in program.of("aws:iam/policy:Policy"):
        for statement in json.loads(resource.inputs["policy"])["Statement"]:
            yield resource, statement


def test_no_full_access_policy_is_attached(program: Recording) -> None:
    attached = [a.inputs["policyArn"] for a in program.of("aws:iam/rolePolicyAttachment:RolePolicyAttachment")]
    assert attached
    assert [arn for arn in attached if "FullAccess" in arn or "AdministratorAccess" in arn] == []


def test_no_statement_allows_every_action_of_a_service(program: Recording) -> None:
    found = list(policies(program))
    assert found
    for resource, statement in found:
        actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
        assert not [action for action in actions if action.endswith(":*") or action == "*"], resource.name


def test_iam_documents_pass_a_linter(program: Recording) -> None:
    from parliament import analyze_policy_string  # imports slowly

    accepted = {"RESOURCE_STAR", "CREDENTIALS_EXPOSURE"}  # judged by the policy pack, with their reasons
    for resource in program.of("aws:iam/policy:Policy"):
        findings = analyze_policy_string(resource.inputs["policy"]).findings
        assert [str(f) for f in findings if f.issue not in accepted] == [], resource.name


# ---- Time -----------------------------------------------------------------------------------------------------------


def test_a_deployment_from_zero_stays_within_its_time(program: Recording) -> None:
    assert forecast_creation(program.resources).seconds <= 15 * 60
    assert forecast_creation(program.resources, "max").seconds <= LIMIT_SECONDS


NEEDED_CHAINS = {
    "cluster": ["keys-cluster", "cluster-control-plane-eksCluster", "cluster-nodes", "service-deployment"],
    "database": ["keys-database", "database-cluster", "database-writer", "database-reader-1"],
}
"""The two chains of waits that nothing can shorten; see docs/adr/0008."""


def test_nothing_waits_for_what_it_does_not_need(prod: Recording) -> None:
    forecast = forecast_creation(prod.resources)
    by_name = {urn.rpartition("::")[2]: step for urn, step in forecast.steps.items()}
    needed = max(sum(by_name[name].seconds for name in chain) for chain in NEEDED_CHAINS.values())
    assert forecast.seconds <= 1.05 * needed


def test_the_workload_does_not_wait_for_the_database(prod: Recording) -> None:
    forecast = forecast_creation(prod.resources)
    ends = {urn.rpartition("::")[2]: step.end for urn, step in forecast.steps.items()}
    assert ends["service-deployment"] < ends["database-reader-1"]


def test_in_dev_control_plane_and_nodes_decide_the_time() -> None:
    """What ends last there is the add-on beside the workload on the first node."""
    forecast = forecast_creation(recorded("dev").resources)
    for path in (forecast.critical_path, forecast.service_path):
        long = [step.urn.rpartition("::")[2] for step in path[:-1] if step.seconds > 30]
        assert long == ["cluster-control-plane-eksCluster", "cluster-nodes"]
    assert forecast.service_path[-1].urn.endswith("service-deployment")
    assert forecast.seconds - forecast.service_path[-1].end <= 30


def test_configuration_files_name_nothing_secret() -> None:
    for stack in ("dev", "prod"):
        content = (ROOT / f"Pulumi.{stack}.yaml").read_text(encoding="utf-8")
        assert "secure:" not in content
        assert [s for s in SECRET_SHAPES if re.search(s, content)] == []
        assert yaml.safe_load(content)["config"]
