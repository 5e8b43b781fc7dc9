import json
from collections.abc import Callable
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network

import pulumi
import pytest

from components.foundations.alarms import Alarms
from components.foundations.log_storage import LogStorage
from components.foundations.placement import Placement
from components.network.site_to_site_vpn import SiteToSiteVpn, SiteToSiteVpnArgs
from recording.program import Recording
from recording.recorder import Resource
from settings import VpnSettings
from tests.components.conftest import ACCOUNT, LOG_KEY_ARN, Play

BGP = VpnSettings(
    enabled=True,
    customer_gateway_ip=IPv4Address("198.51.100.10"),
    customer_gateway_asn=65000,
    routing="bgp",
    on_premises_cidrs=(IPv4Network("10.80.0.0/16"), IPv4Network("10.90.0.0/16")),
)
STATIC = replace(BGP, routing="static")
TABLES = ["rtb-application-a", "rtb-application-b", "rtb-data-a", "rtb-data-b"]
TUNNELS = pytest.mark.parametrize("tunnel", ["tunnel1", "tunnel2"])

Build = Callable[[VpnSettings], Recording]
RECORDED: dict[VpnSettings, Recording] = {}
"""Recordings do not change, and playing is what takes time: each is made once."""


@pytest.fixture
def build(play: Play, placement: Placement, logs: LogStorage, alarms: Alarms) -> Build:
    def run(settings: VpnSettings) -> Recording:
        if settings not in RECORDED:
            RECORDED[settings] = play(lambda: SiteToSiteVpn("vpn", arguments(placement, logs, alarms, settings)))
        return RECORDED[settings]

    return run


def arguments(placement: Placement, logs: LogStorage, alarms: Alarms, settings: VpnSettings) -> SiteToSiteVpnArgs:
    return SiteToSiteVpnArgs(
        placement=placement,
        logs=logs,
        alarms=alarms,
        settings=settings,
        vpc_id="vpc-1",
        route_table_ids=TABLES,
    )


def connection(recording: Recording) -> Resource:
    return recording.named("vpn-connection")


@TUNNELS
def test_a_tunnel_negotiates_strong_ciphers_only(build: Build, tunnel: str) -> None:
    inputs = connection(build(BGP)).inputs
    assert inputs[f"{tunnel}IkeVersions"] == ["ikev2"]
    for phase in ("Phase1", "Phase2"):
        assert inputs[f"{tunnel}{phase}EncryptionAlgorithms"] == ["AES256-GCM-16"]
        assert set(inputs[f"{tunnel}{phase}IntegrityAlgorithms"]) == {"SHA2-384", "SHA2-512"}
        assert set(inputs[f"{tunnel}{phase}DhGroupNumbers"]) == {20, 21}


@TUNNELS
def test_a_tunnel_heals_by_itself_and_changes_by_consent(build: Build, tunnel: str) -> None:
    inputs = connection(build(BGP)).inputs
    assert (inputs[f"{tunnel}StartupAction"], inputs[f"{tunnel}DpdTimeoutAction"]) == ("start", "restart")
    assert inputs[f"{tunnel}EnableTunnelLifecycleControl"] is True


def test_aws_makes_the_preshared_keys_and_keeps_them_out_of_the_state(build: Build) -> None:
    inputs = connection(build(BGP)).inputs
    assert inputs["presharedKeyStorage"] == "SecretsManager"
    assert not {"tunnel1PresharedKey", "tunnel2PresharedKey"} & inputs.keys()


@TUNNELS
@pytest.mark.parametrize(("settings", "bgp"), [(BGP, True), (STATIC, None)], ids=["bgp", "static"])
def test_a_tunnel_logs_to_an_encrypted_group_that_admits_the_delivery(
    build: Build, tunnel: str, settings: VpnSettings, bgp: bool | None
) -> None:
    recording = build(settings)
    group = recording.named("vpn-log")
    options = connection(recording).inputs[f"{tunnel}LogOptions"]["cloudwatchLogOptions"]
    assert (options["logEnabled"], options["logGroupArn"]) == (True, group.outputs["arn"])
    assert options.get("bgpLogEnabled") == bgp
    assert group.inputs["kmsKeyId"] == LOG_KEY_ARN
    permission = recording.named("vpn-log-delivery")
    assert permission.urn in connection(recording).dependencies
    statement = json.loads(permission.inputs["policyDocument"])["Statement"][0]
    assert statement["Principal"] == {"Service": "delivery.logs.amazonaws.com"}
    assert statement["Condition"]["StringEquals"] == {"aws:SourceAccount": ACCOUNT}
    assert statement["Resource"].endswith(":log-group:/softpos/test/vpn:log-stream:*")


@pytest.mark.parametrize("settings", [BGP, STATIC], ids=["bgp", "static"])
def test_every_private_route_table_learns_the_way(build: Build, settings: VpnSettings) -> None:
    recording = build(settings)
    learned = recording.of("aws:ec2/vpnGatewayRoutePropagation:VpnGatewayRoutePropagation")
    assert {route.inputs["routeTableId"] for route in learned} == set(TABLES)
    assert {route.inputs["vpnGatewayId"] for route in learned} == {recording.named("vpn-gateway").id}


def test_routes_are_announced_or_written_down_never_both(build: Build) -> None:
    announced, written = build(BGP), build(STATIC)
    assert connection(announced).inputs["staticRoutesOnly"] is False
    assert not announced.of("aws:ec2/vpnConnectionRoute:VpnConnectionRoute")
    assert connection(written).inputs["staticRoutesOnly"] is True
    routes = written.of("aws:ec2/vpnConnectionRoute:VpnConnectionRoute")
    assert {route.inputs["destinationCidrBlock"] for route in routes} == {"10.80.0.0/16", "10.90.0.0/16"}


@pytest.mark.parametrize(
    ("number", "field"), [(65000, "bgpAsn"), (2_147_483_647, "bgpAsn"), (4_200_000_000, "bgpAsnExtended")]
)
def test_an_autonomous_system_number_stands_in_the_field_that_aws_has_for_its_size(
    build: Build, number: int, field: str
) -> None:
    gateway = build(replace(BGP, customer_gateway_asn=number)).named("vpn-customer-gateway").inputs
    assert gateway[field] == str(number)
    assert len({"bgpAsn", "bgpAsnExtended"} & gateway.keys()) == 1


def test_each_tunnel_rings_when_it_is_down_or_silent(build: Build) -> None:
    recording = build(BGP)
    alarms = [recording.named(f"vpn-tunnel-{number}-down").inputs for number in (1, 2)]
    outputs = connection(recording).outputs
    assert [alarm["dimensions"] for alarm in alarms] == [
        {"VpnId": connection(recording).id, "TunnelIpAddress": outputs[f"tunnel{number}Address"]} for number in (1, 2)
    ]
    for alarm in alarms:
        assert (alarm["metricName"], alarm["comparisonOperator"], alarm["threshold"]) == (
            "TunnelState",
            "LessThanThreshold",
            1,
        )
        assert alarm["treatMissingData"] == "breaching"


def test_who_waits_for_the_vpn_waits_for_connection_and_routes(
    play: Play, placement: Placement, logs: LogStorage, alarms: Alarms
) -> None:
    class Client(pulumi.CustomResource):
        def __init__(self, after: list[pulumi.Resource]) -> None:
            super().__init__("aws:test/client:Client", "client", {}, pulumi.ResourceOptions(depends_on=after))

    recording = play(lambda: Client(SiteToSiteVpn("vpn", arguments(placement, logs, alarms, STATIC)).ready))
    routes = recording.of("aws:ec2/vpnConnectionRoute:VpnConnectionRoute")
    routes += recording.of("aws:ec2/vpnGatewayRoutePropagation:VpnGatewayRoutePropagation")
    expected = {connection(recording).urn, *(route.urn for route in routes)}
    assert set(recording.named("client").dependencies) == expected


def test_without_tunnels_nothing_is_created_and_every_output_is_there(
    play: Play, placement: Placement, logs: LogStorage, alarms: Alarms
) -> None:
    built: list[SiteToSiteVpn] = []
    settings = replace(BGP, enabled=False)
    recording = play(lambda: built.append(SiteToSiteVpn("vpn", arguments(placement, logs, alarms, settings))))
    assert [found.type for found in recording.resources] == ["softpos:network:SiteToSiteVpn"]
    assert (built[0].tunnel_addresses, built[0].ready) == ([], [])
    assert isinstance(built[0].connection_id, pulumi.Output)
