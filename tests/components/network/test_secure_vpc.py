from ipaddress import IPv4Network

import pytest

from components.foundations.log_storage import LogStorage
from components.foundations.placement import Placement
from components.network.secure_vpc import SecureVpc, SecureVpcArgs
from recording.program import Recording
from tests.components.conftest import Play


@pytest.fixture
def network(play: Play, placement: Placement, logs: LogStorage) -> Recording:
    return play(lambda: SecureVpc("network", arguments(placement, logs)))


def arguments(placement: Placement, logs: LogStorage, nat: str = "single") -> SecureVpcArgs:
    return SecureVpcArgs(
        placement=placement,
        logs=logs,
        cidr=IPv4Network("10.20.0.0/16"),
        availability_zones=("eu-central-1a", "eu-central-1b", "eu-central-1c"),
        nat=nat,  # type: ignore[arg-type]
        trusted_cidrs=("203.0.113.0/28",),
        on_premises_cidrs=(IPv4Network("10.80.0.0/16"),),
    )


def test_data_tier_has_no_route_to_the_internet(network: Recording) -> None:
    data_tables = {table.id for table in network.of("aws:ec2/routeTable:RouteTable") if "-data-" in table.name}
    routed_tables = {route.inputs["routeTableId"] for route in network.of("aws:ec2/route:Route")}
    assert len(data_tables) == 3
    assert len(routed_tables) == 6
    assert not data_tables & routed_tables


def test_every_subnet_has_its_own_route_table(network: Recording) -> None:
    associations = network.of("aws:ec2/routeTableAssociation:RouteTableAssociation")
    assert {a.inputs["subnetId"] for a in associations} == {s.id for s in network.of("aws:ec2/subnet:Subnet")}
    assert len({a.inputs["routeTableId"] for a in associations}) == 9


def test_no_subnet_gives_public_addresses_by_itself(network: Recording) -> None:
    subnets = network.of("aws:ec2/subnet:Subnet")
    assert len(subnets) == 9
    assert [subnet.inputs["mapPublicIpOnLaunch"] for subnet in subnets] == [False] * 9


def test_default_security_group_and_acl_let_nothing_through(network: Recording) -> None:
    for name in ("network-default-security-group", "network-default-acl"):
        closed = network.named(name)
        assert (closed.inputs["ingress"], closed.inputs["egress"]) == ([], [])


def test_every_subnet_has_an_acl_of_its_tier(network: Recording) -> None:
    covered = [subnet for acl in network.of("aws:ec2/networkAcl:NetworkAcl") for subnet in acl.inputs["subnetIds"]]
    assert sorted(covered) == sorted(subnet.id for subnet in network.of("aws:ec2/subnet:Subnet"))


def test_no_acl_opens_ssh_or_remote_desktop_to_the_world(network: Recording) -> None:
    entries = [entry for acl in network.of("aws:ec2/networkAcl:NetworkAcl") for entry in acl.inputs["ingress"]]
    open_entries = [entry for entry in entries if entry["cidrBlock"] == "0.0.0.0/0"]
    assert open_entries
    for port in (22, 3389):
        assert not [entry for entry in open_entries if entry["fromPort"] <= port <= entry["toPort"]]


@pytest.mark.parametrize(("nat", "gateways"), [("single", 1), ("per-zone", 3)])
def test_nat_gateways_follow_the_setting(
    play: Play, placement: Placement, logs: LogStorage, nat: str, gateways: int
) -> None:
    network = play(lambda: SecureVpc("network", arguments(placement, logs, nat)))
    found = network.of("aws:ec2/natGateway:NatGateway")
    assert len({gateway.inputs["subnetId"] for gateway in found}) == gateways
    used = {route.inputs.get("natGatewayId") for route in network.of("aws:ec2/route:Route")} - {None}
    assert used == {gateway.id for gateway in found}


def test_flow_logs_record_everything_encrypted_for_the_audit_period(network: Recording) -> None:
    flow_log = network.named("network-flow-log")
    group = network.named("network-flow-log-group")
    assert flow_log.inputs["trafficType"] == "ALL"
    assert flow_log.inputs["logDestination"] == group.outputs["arn"]
    assert group.inputs["kmsKeyId"].endswith("key/logs")
    assert group.inputs["retentionInDays"] >= 365
