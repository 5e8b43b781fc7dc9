import json
from collections.abc import Callable
from dataclasses import replace
from ipaddress import IPv4Network
from typing import Any

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as kubernetes
import pytest

from components.data.addresses import CacheAddress, DatabaseAddress
from components.foundations.alarms import Alarms
from components.foundations.placement import Placement
from components.service.declaration import SIMPLE_NODE_PORT, Service, simple
from components.service.softpos_application import SoftPosApplication, SoftPosApplicationArgs
from recording.program import Recording
from settings import MigrationSettings, PhaseName
from tests.components.conftest import ACCOUNT, REGION, Play
from tests.migration_settings import MIGRATION

AUTHORITIES_PEM = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
KEY_ARN = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/database"
SETTINGS = simple(
    image=f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/softpos@sha256:{'9' * 64}",
    health_path="/healthy",
    replicas_min=3,
    replicas_max=12,
)

Build = Callable[..., Recording]


@pytest.fixture(scope="module")
def build(play: Play, alarms: Alarms) -> Build:
    def run(
        placement: Placement, migration: MigrationSettings = MIGRATION, services: tuple[Service, ...] = (SETTINGS,)
    ) -> Recording:
        def program() -> None:
            provider = aws.Provider("aws", region=REGION)
            in_account = pulumi.ResourceOptions(provider=provider)
            nodes = aws.eks.NodeGroup(
                "nodes",
                node_role_arn="arn",
                subnet_ids=["subnet-a"],
                cluster_name="softpos-test",
                scaling_config=aws.eks.NodeGroupScalingConfigArgs(min_size=1, desired_size=1, max_size=1),
                opts=in_account,
            )
            database = aws.rds.Cluster("database", engine="aurora-mysql", cluster_identifier="db", opts=in_account)
            reader = aws.rds.ClusterInstance(
                "reader",
                cluster_identifier=database.cluster_identifier,
                engine="aurora-mysql",
                instance_class="db.r7g.large",
                opts=in_account,
            )
            pulumi.export("reader", reader.identifier)
            SoftPosApplication(
                "service",
                SoftPosApplicationArgs(
                    placement=placement,
                    alarms=alarms,
                    services=services,
                    node_security_group_id="sg-nodes",
                    kubernetes_provider=kubernetes.Provider("kubernetes", kubeconfig="{}"),
                    cluster_name="softpos-test",
                    nodes_ready=[nodes],
                    vpc_cidr=IPv4Network("10.20.0.0/16"),
                    database=DatabaseAddress(
                        cluster_resource_id=database.cluster_resource_id,
                        endpoint=database.endpoint,
                        reader_endpoint=database.reader_endpoint,
                        port=3306,
                        name="softpos",
                    ),
                    cache=CacheAddress(
                        replication_group_id="softpos-test-cache",
                        user_id="softpos-test-application",
                        user_name="softpos-test-application",
                        primary_endpoint="master.cache.example.net",
                        reader_endpoint="replica.cache.example.net",
                        port=6379,
                    ),
                    migration=migration,
                    source_ready=[],
                    secret_key_arn=KEY_ARN,
                    database_authorities=AUTHORITIES_PEM,
                ),
                in_account,
            )

        return play(program)

    return run


@pytest.fixture(scope="module")
def service(build: Build, placement: Placement) -> Recording:
    return build(placement)


@pytest.fixture(scope="module")
def deployment(service: Recording) -> dict[str, Any]:
    return dict(service.named("service-deployment").inputs["spec"])


@pytest.fixture(scope="module")
def pod(deployment: dict[str, Any]) -> dict[str, Any]:
    return dict(deployment["template"]["spec"])


@pytest.fixture(scope="module")
def container(pod: dict[str, Any]) -> dict[str, Any]:
    (only,) = pod["containers"]
    return dict(only)


# ---- Pods -----------------------------------------------------------------------------------------------------------


def test_namespace_admits_restricted_pods_only(service: Recording) -> None:
    labels = service.named("service-namespace").inputs["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


def test_pod_keeps_the_restricted_profile(pod: dict[str, Any], container: dict[str, Any]) -> None:
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] > 0
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"]["allowPrivilegeEscalation"] is False
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod)
    assert {next(iter(set(volume) - {"name"})) for volume in pod["volumes"]} == {"emptyDir", "configMap"}


def test_pod_writes_to_memory_only(pod: dict[str, Any], container: dict[str, Any]) -> None:
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert [volume["emptyDir"]["medium"] for volume in pod["volumes"] if "emptyDir" in volume] == ["Memory"]
    assert [mount["mountPath"] for mount in container["volumeMounts"] if not mount.get("readOnly")] == ["/tmp"]  # noqa: S108 (the container's own)


def test_pod_has_no_kubernetes_token(pod: dict[str, Any], service: Recording) -> None:
    assert pod["automountServiceAccountToken"] is False
    assert service.named("service-account").inputs["automountServiceAccountToken"] is False


def test_image_is_the_one_of_the_settings_by_digest(container: dict[str, Any]) -> None:
    assert container["image"] == SETTINGS.image


def test_pod_claims_what_it_uses_and_is_limited_to_it(container: dict[str, Any]) -> None:
    for kind in ("requests", "limits"):
        assert set(container["resources"][kind]) == {"cpu", "memory"}


def test_load_balancer_requests_reach_the_port_on_which_pods_are_healthy(
    service: Recording, container: dict[str, Any]
) -> None:
    (port,) = service.named("service-service").inputs["spec"]["ports"]
    assert port["nodePort"] == SIMPLE_NODE_PORT
    assert [opened["containerPort"] for opened in container["ports"]] == [port["targetPort"]]
    for probe in ("startupProbe", "readinessProbe"):
        check = container[probe]["httpGet"]
        assert (check["port"], check["scheme"], check["path"]) == (port["targetPort"], "HTTPS", "/healthy")


def test_database_that_is_away_does_not_restart_every_pod(container: dict[str, Any]) -> None:
    assert "httpGet" not in container["livenessProbe"]


def test_environment_holds_addresses_and_no_secret(container: dict[str, Any]) -> None:
    names = {entry["name"] for entry in container["env"]}
    assert {"DATABASE_CONNECTION_SECRET", "CACHE_HOST", "CACHE_READER_HOST"} <= names
    assert not [name for name in names if "PASSWORD" in name or "TOKEN" in name]
    assert not [entry["name"] for entry in container["env"] if "DATABASE_HOST" in entry["name"]]


def test_pod_finds_its_databases_authorities_where_its_environment_says(
    service: Recording, deployment: dict[str, Any], pod: dict[str, Any], container: dict[str, Any]
) -> None:
    environment = {entry["name"]: entry["value"] for entry in container["env"]}
    directory, _, file = environment["DATABASE_CA_FILE"].rpartition("/")
    [mounted] = [mount["name"] for mount in container["volumeMounts"] if mount["mountPath"] == directory]
    [made] = [volume["configMap"]["name"] for volume in pod["volumes"] if volume["name"] == mounted]
    authorities = service.named("service-database-authorities").inputs
    assert authorities["metadata"] == {"name": made, "namespace": "softpos"}
    assert authorities["data"] == {file: AUTHORITIES_PEM}


# ---- Rollout and scaling --------------------------------------------------------------------------------------------


def test_rollout_takes_no_pod_away_before_its_successor_works(deployment: dict[str, Any]) -> None:
    assert deployment["strategy"]["rollingUpdate"]["maxUnavailable"] == 0


def test_leaving_pod_outlives_what_the_load_balancer_still_waits_for(
    pod: dict[str, Any], container: dict[str, Any]
) -> None:
    still_listening = container["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert still_listening > 0
    assert pod["terminationGracePeriodSeconds"] > still_listening + SETTINGS.drain_seconds


def test_pods_spread_over_hosts_strictly_and_over_zones_without_blocking_scaling(pod: dict[str, Any]) -> None:
    rules = {rule["topologyKey"]: rule for rule in pod["topologySpreadConstraints"]}
    assert rules["kubernetes.io/hostname"]["whenUnsatisfiable"] == "DoNotSchedule"
    assert rules["topology.kubernetes.io/zone"]["whenUnsatisfiable"] == "ScheduleAnyway"
    assert all(rule["maxSkew"] == 1 for rule in rules.values())


def test_autoscaler_moves_the_count_and_a_deployment_does_not_move_it_back(service: Recording) -> None:
    scaling = service.named("service-scaling").inputs["spec"]
    assert (scaling["minReplicas"], scaling["maxReplicas"]) == (3, 12)
    assert scaling["scaleTargetRef"]["name"] == service.named("service-deployment").inputs["metadata"]["name"]
    assert service.named("service-deployment").ignore_changes == ("spec.replicas",)


def test_maintenance_takes_one_pod_at_a_time_and_broken_pods_do_not_block_it(service: Recording) -> None:
    budget = service.named("service-disruption").inputs["spec"]
    assert budget["maxUnavailable"] == 1
    assert budget["unhealthyPodEvictionPolicy"] == "AlwaysAllow"
    assert budget["selector"] == service.named("service-deployment").inputs["spec"]["selector"]


# ---- Network --------------------------------------------------------------------------------------------------------

POLICY = "kubernetes:networking.k8s.io/v1:NetworkPolicy"


def test_nothing_is_allowed_that_is_not_named(service: Recording) -> None:
    spec = service.named("service-network-deny-all").inputs["spec"]
    assert (spec["podSelector"], sorted(spec["policyTypes"])) == ({}, ["Egress", "Ingress"])
    assert not {"ingress", "egress"} & set(spec)


def allowed(service: Recording, direction: str) -> set[tuple[str, int]]:
    """Every address range (or namespace) and port that the policies name in one direction."""
    found: set[tuple[str, int]] = set()
    for policy in service.of(POLICY):
        for rule in policy.inputs["spec"].get(direction, ()):
            for peer in rule["from" if direction == "ingress" else "to"]:
                where = peer["ipBlock"]["cidr"] if "ipBlock" in peer else peer["namespaceSelector"]["matchLabels"]
                found |= {(str(where), port["port"]) for port in rule["ports"]}
    return found


APPLICATION_TIER = ("10.20.0.0/19", "10.20.32.0/19", "10.20.64.0/19")
DATA_TIER = ("10.20.108.0/22", "10.20.112.0/22", "10.20.116.0/22")


def test_pods_are_reached_from_the_nodes_on_their_port_only(service: Recording) -> None:
    assert allowed(service, "ingress") == {(cidr, 8443) for cidr in APPLICATION_TIER}


def test_pods_reach_database_cache_aws_names_and_credentials_and_nothing_else(service: Recording) -> None:
    assert allowed(service, "egress") == {
        *((cidr, port) for cidr in DATA_TIER for port in (3306, 6379)),
        *((cidr, 443) for cidr in APPLICATION_TIER),
        ("{'kubernetes.io/metadata.name': 'kube-system'}", 53),
        ("169.254.170.23/32", 80),
    }


# ---- Identity and secret --------------------------------------------------------------------------------------------


def test_role_enters_one_database_as_one_user_and_one_cache(service: Recording) -> None:
    statements = json.loads(service.named("service-role-permissions").inputs["policy"])["Statement"]
    resources = {statement["Action"]: statement["Resource"] for statement in statements}
    database = service.of("aws:rds/cluster:Cluster")[0].outputs["clusterResourceId"]
    assert resources == {
        "rds-db:connect": f"arn:aws:rds-db:{REGION}:{ACCOUNT}:dbuser:{database}/softpos_app",
        "elasticache:Connect": [
            f"arn:aws:elasticache:{REGION}:{ACCOUNT}:replicationgroup:softpos-test-cache",
            f"arn:aws:elasticache:{REGION}:{ACCOUNT}:user:softpos-test-application",
        ],
        "secretsmanager:GetSecretValue": service.named("service-database-connection").outputs["arn"],
        "kms:Decrypt": KEY_ARN,
    }


def test_role_is_for_the_applications_account_of_this_cluster(service: Recording) -> None:
    role = service.named("service-role", "aws:iam/role:Role")
    (trust,) = json.loads(role.inputs["assumeRolePolicy"])["Statement"]
    association = service.named("service-identity").inputs
    assert trust["Condition"]["StringEquals"] == {
        "aws:RequestTag/eks-cluster-arn": f"arn:aws:eks:{REGION}:{ACCOUNT}:cluster/softpos-test",
        "aws:RequestTag/kubernetes-namespace": association["namespace"],
        "aws:RequestTag/kubernetes-service-account": association["serviceAccount"],
    }
    assert service.named("service-account").inputs["metadata"]["name"] == association["serviceAccount"]


def test_connection_secret_says_where_and_holds_no_password(service: Recording) -> None:
    version = service.named("service-database-connection-value")
    value = json.loads(version.wire_inputs.fields["secretString"].struct_value.fields["value"].string_value)
    database = service.of("aws:rds/cluster:Cluster")[0].outputs
    assert value == {
        "host": database["endpoint"],
        "reader_host": database["readerEndpoint"],
        "port": 3306,
        "database": "softpos",
        "username": "softpos_app",
        "auth": "iam",
    }


def test_deployment_does_not_move_the_database_address_back_after_a_cutover(service: Recording) -> None:
    assert service.named("service-database-connection-value").ignore_changes == ("secretString",)


def test_connection_secret_has_the_stacks_key_and_is_guarded_in_production(
    service: Recording, build: Build, production: Placement
) -> None:
    assert service.named("service-database-connection").inputs["kmsKeyId"] == KEY_ARN
    guarded = build(production).named("service-database-connection")
    assert guarded.protect
    assert guarded.inputs["recoveryWindowInDays"] >= 7


# ---- Order ----------------------------------------------------------------------------------------------------------


def waits_for(service: Recording, name: str) -> set[str]:
    by_urn = {known.urn: known for known in service.resources}
    found: set[str] = set()
    open_urns = list(service.named(name).dependencies)
    while open_urns:
        known = by_urn.get(open_urns.pop())
        if known and known.name not in found:
            found.add(known.name)
            open_urns.extend(known.dependencies)
    return found


def test_pods_start_with_identity_policies_and_address_and_do_not_wait_for_a_reader(service: Recording) -> None:
    needed = waits_for(service, "service-deployment")
    policies = {policy.name for policy in service.of(POLICY)}
    assert {"nodes", "service-identity", "service-database-connection-value", *policies} <= needed
    assert "service-role-permissions-attachment" in needed
    assert "reader" not in needed


def test_what_needs_no_node_does_not_wait_for_nodes(service: Recording) -> None:
    for name in ("service-namespace", "service-service", "service-identity", "service-network-deny-all"):
        assert "nodes" not in waits_for(service, name)


def test_somebody_is_told_when_fewer_pods_run_than_the_least(service: Recording) -> None:
    alarm = service.named("service-too-few-pods").inputs
    assert (alarm["threshold"], alarm["comparisonOperator"]) == (SETTINGS.replicas_min, "LessThanThreshold")
    assert alarm["dimensions"]["Service"] == service.named("service-service").inputs["metadata"]["name"]


# ---- During a migration ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("phase", "host", "login"),
    [
        ("none", None, "iam"),
        ("beside", "mysql.datacentre.example.com", "password"),
        ("shifting", "mysql.datacentre.example.com", "password"),
        ("after", None, "iam"),
    ],
)
def test_new_connection_secret_names_the_side_that_the_phase_says(
    build: Build, placement: Placement, phase: PhaseName, host: str | None, login: str
) -> None:
    recording = build(placement, replace(MIGRATION, phase=phase))
    version = recording.named("service-database-connection-value")
    value = json.loads(version.wire_inputs.fields["secretString"].struct_value.fields["value"].string_value)
    target = recording.of("aws:rds/cluster:Cluster")[0].outputs["endpoint"]
    assert (value["host"], value["auth"]) == (host or target, login)
    assert "password" not in value


@pytest.mark.parametrize(("phase", "ways"), [("none", 0), ("beside", 1), ("shifting", 1), ("after", 0)])
def test_pods_may_reach_the_source_at_its_address_while_the_phase_needs_it(
    build: Build, placement: Placement, phase: PhaseName, ways: int
) -> None:
    recording = build(placement, replace(MIGRATION, phase=phase))
    found = [one for one in recording.resources if one.name == "service-network-to-source"]
    assert len(found) == ways
    for policy in found:
        (rule,) = policy.inputs["spec"]["egress"]
        assert rule["to"] == [{"ipBlock": {"cidr": "10.80.16.10/32"}}]
        assert rule["ports"] == [{"protocol": "TCP", "port": 3307}]


def test_a_first_deployment_does_not_wait_for_pods_whose_password_a_person_still_has_to_give(
    build: Build, placement: Placement
) -> None:
    def awaited(phase: PhaseName) -> bool:
        deployment = build(placement, replace(MIGRATION, phase=phase)).named("service-deployment")
        return "pulumi.com/skipAwait" not in deployment.inputs["metadata"].get("annotations", {})

    phases: tuple[PhaseName, ...] = ("none", "beside", "shifting", "after")
    assert [awaited(phase) for phase in phases] == [True, False, True, True]
