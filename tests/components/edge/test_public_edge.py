from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from components.edge.backends import FIRST_ROUTE, Backend, priority
from components.edge.edge_alarms import OF_LOAD_BALANCER, OF_TARGETS
from components.edge.public_edge import TLS_POLICY, PublicEdge, PublicEdgeArgs
from components.edge.web_firewall import RULE_GROUPS
from components.foundations.alarms import Alarms
from components.foundations.log_storage import LogStorage
from components.foundations.placement import Placement
from recording.program import Recording
from recording.recorder import Resource
from settings import PHASES, EdgeSettings, PhaseName
from tests.components.conftest import REGION, TOPIC_ARN, Play
from tests.migration_settings import MIGRATION

NODES = "sg-nodes"
BASTION = "sg-bastion"
NODE_PORT = 30443
BUCKET = "access-logs"
SETTINGS = EdgeSettings(
    zone_name="example.com",
    zone_id="",
    host_name="pay.example.com",
    idle_timeout_seconds=75,
    stickiness_seconds=1800,
    waf_rules="fortinet",
    waf_mode="block",
    waf_requests_per_five_minutes=2000,
)


@pytest.fixture(scope="module")
def arguments(placement: Placement, logs: LogStorage, alarms: Alarms) -> PublicEdgeArgs:
    return PublicEdgeArgs(
        placement=placement,
        logs=logs,
        alarms=alarms,
        settings=SETTINGS,
        vpc_id="vpc-1",
        public_subnet_ids=["subnet-a", "subnet-b", "subnet-c"],
        node_security_group_id=NODES,
        backends=(Backend(name="", node_port=NODE_PORT, health_path="/health", protocol="HTTPS", patterns=("/*",)),),
        autoscaling_group_names=["nodes-1", "nodes-2"],
        migration=MIGRATION,
        firewall_mode="block",
        bastion_security_group_id=BASTION,
        public_route_table_ids=["rtb-a", "rtb-b", "rtb-c"],
        vpn_gateway_id="vgw-1",
        vpn_ready=[],
        access_log_bucket=BUCKET,
    )


@pytest.fixture(scope="module")
def edge(play: Play, arguments: PublicEdgeArgs) -> Recording:
    return play(lambda: PublicEdge("edge", arguments))


def with_settings(play: Play, arguments: PublicEdgeArgs, **changed: Any) -> Recording:
    changed_arguments = replace(arguments, settings=replace(SETTINGS, **changed))
    return play(lambda: PublicEdge("edge", changed_arguments))


def waits_for(recording: Recording, resource: Resource) -> set[str]:
    """Types of everything that must exist before `resource` can be made."""
    by_urn = {found.urn: found for found in recording.resources}

    def before(urn: str) -> Iterator[str]:
        for needed in by_urn[urn].dependencies:
            yield needed
            yield from before(needed)

    return {by_urn[urn].type for urn in before(resource.urn)}


def openings(recording: Recording, direction: str) -> list[tuple[str, str, int, int]]:
    """Each security group rule: its group, the other side, the first and the last port."""
    kind = f"SecurityGroup{direction}Rule"
    rules = [rule.inputs for rule in recording.of(f"aws:vpc/securityGroup{direction}Rule:{kind}")]
    return [
        (
            rule["securityGroupId"],
            rule.get("cidrIpv4") or rule["referencedSecurityGroupId"],
            rule["fromPort"],
            rule["toPort"],
        )
        for rule in rules
    ]


def balancer_group(recording: Recording) -> Resource:
    return recording.named("edge-security-group")


# ---- Who reaches whom -----------------------------------------------------------------------------------------------


def test_internet_reaches_only_https_of_the_load_balancer(edge: Recording) -> None:
    from_internet = [rule for rule in openings(edge, "Ingress") if rule[1] == "0.0.0.0/0"]
    assert from_internet == [(balancer_group(edge).id, "0.0.0.0/0", 443, 443)]
    assert not [
        rule for group in edge.of("aws:ec2/securityGroup:SecurityGroup") for rule in group.inputs.get("ingress", [])
    ]


def test_load_balancer_reaches_only_the_applications_port_on_the_nodes(edge: Recording) -> None:
    assert openings(edge, "Egress") == [(balancer_group(edge).id, NODES, NODE_PORT, NODE_PORT)]
    assert edge.named("edge-balancer").inputs["securityGroups"] == [balancer_group(edge).id]


def test_nodes_take_that_port_from_the_load_balancer_only(edge: Recording) -> None:
    into_nodes = [rule for rule in openings(edge, "Ingress") if rule[0] == NODES]
    assert into_nodes == [(NODES, balancer_group(edge).id, NODE_PORT, NODE_PORT)]


# ---- The listener ---------------------------------------------------------------------------------------------------


def test_only_listener_speaks_modern_tls(edge: Recording) -> None:
    (listener,) = edge.of("aws:lb/listener:Listener")
    assert (listener.inputs["port"], listener.inputs["protocol"]) == (443, "HTTPS")
    assert listener.inputs["sslPolicy"] == TLS_POLICY
    assert "TLS13-1-2-Res-PQ" in TLS_POLICY


def test_browsers_are_told_to_stay_with_https(edge: Recording) -> None:
    header = edge.named("edge-https").inputs["routingHttpResponseStrictTransportSecurityHeaderValue"]
    assert int(header.partition("max-age=")[2].partition(";")[0]) >= 365 * 86_400


def test_listener_opens_only_when_certificate_and_firewall_stand(edge: Recording) -> None:
    needed = waits_for(edge, edge.named("edge-https"))
    assert "aws:acm/certificateValidation:CertificateValidation" in needed
    assert "aws:wafv2/webAclAssociation:WebAclAssociation" in needed


def test_load_balancer_and_targets_wait_for_neither_certificate_nor_firewall(edge: Recording) -> None:
    for name in ("edge-balancer", "edge-nodes", "edge-nodes-0"):
        needed = waits_for(edge, edge.named(name))
        assert not [type_ for type_ in needed if type_.startswith(("aws:acm/", "aws:wafv2/", "aws:route53/"))]


# ---- The load balancer and its targets ------------------------------------------------------------------------------


def test_load_balancer_refuses_smuggled_and_malformed_requests(edge: Recording) -> None:
    balancer = edge.named("edge-balancer").inputs
    assert balancer["dropInvalidHeaderFields"] is True
    assert balancer["desyncMitigationMode"] == "strictest"
    assert balancer["enableWafFailOpen"] is False


def test_load_balancer_logs_requests_and_connections(edge: Recording) -> None:
    balancer = edge.named("edge-balancer").inputs
    for log in ("accessLogs", "connectionLogs"):
        assert (balancer[log]["bucket"], balancer[log]["enabled"]) == (BUCKET, True)


def test_targets_are_spoken_to_by_tls_in_every_zone(edge: Recording) -> None:
    targets = edge.named("edge-nodes").inputs
    assert (targets["protocol"], targets["healthCheck"]["protocol"]) == ("HTTPS", "HTTPS")
    assert targets["loadBalancingCrossZoneEnabled"] == "true"


def test_sessions_persist_and_idle_connections_end_as_set(edge: Recording) -> None:
    stickiness = edge.named("edge-nodes").inputs["stickiness"]
    assert (stickiness["type"], stickiness["enabled"], stickiness["cookieDuration"]) == ("lb_cookie", True, 1800)
    assert edge.named("edge-balancer").inputs["idleTimeout"] == 75


def test_every_group_of_nodes_is_a_target(edge: Recording) -> None:
    attached = {a.inputs["autoscalingGroupName"] for a in edge.of("aws:autoscaling/attachment:Attachment")}
    assert attached == {"nodes-1", "nodes-2"}


def test_production_does_not_lose_load_balancer_or_zone_by_mistake(
    play: Play, arguments: PublicEdgeArgs, production: Placement
) -> None:
    edge = play(lambda: PublicEdge("edge", replace(arguments, placement=production)))
    assert edge.named("edge-balancer").inputs["enableDeletionProtection"] is True
    assert edge.named("edge-name-zone").protect


# ---- The firewall ---------------------------------------------------------------------------------------------------


def firewall_rules(recording: Recording) -> list[dict[str, Any]]:
    (acl,) = recording.of("aws:wafv2/webAcl:WebAcl")
    rules: list[dict[str, Any]] = acl.inputs["rules"]
    return rules


@pytest.mark.parametrize("choice", ["fortinet", "aws"])
def test_firewall_asks_the_chosen_rule_groups(play: Play, arguments: PublicEdgeArgs, choice: str) -> None:
    rules = firewall_rules(with_settings(play, arguments, waf_rules=choice))
    groups = [rule["statement"]["managedRuleGroupStatement"] for rule in rules if "overrideAction" in rule]
    assert [(group["vendorName"], group["name"]) for group in groups] == list(RULE_GROUPS[choice])
    assert ("Fortinet" in {group["vendorName"] for group in groups}) == (choice == "fortinet")


@pytest.mark.parametrize(("mode", "own", "managed"), [("block", "block", "none"), ("count", "count", "count")])
def test_firewall_blocks_or_only_counts(
    play: Play, arguments: PublicEdgeArgs, mode: str, own: str, managed: str
) -> None:
    rules = firewall_rules(play(lambda: PublicEdge("edge", replace(arguments, firewall_mode=mode))))
    assert {action for rule in rules for action in rule.get("action", {})} == {own}
    assert {action for rule in rules for action in rule.get("overrideAction", {})} == {managed}


def test_one_address_is_limited_to_the_set_rate(edge: Recording) -> None:
    (limit,) = [rule["statement"]["rateBasedStatement"] for rule in firewall_rules(edge) if "action" in rule]
    assert (limit["limit"], limit["evaluationWindowSec"], limit["aggregateKeyType"]) == (2000, 300, "IP")


def test_firewall_stands_before_this_load_balancer(edge: Recording) -> None:
    association = edge.named("edge-firewall-association").inputs
    assert association["resourceArn"] == edge.named("edge-balancer").outputs["arn"]


def test_firewall_records_neither_credentials_nor_what_may_hold_a_card_number(edge: Recording) -> None:
    (acl,) = edge.of("aws:wafv2/webAcl:WebAcl")
    protected = [entry["field"] for entry in acl.inputs["dataProtectionConfig"]["dataProtections"]]
    assert {"BODY", "QUERY_STRING"} <= {field["fieldType"] for field in protected}
    assert {key for field in protected for key in field.get("fieldKeys", [])} >= {"authorization", "cookie"}
    redacted = edge.named("edge-firewall-log").inputs["redactedFields"]
    assert {field["singleHeader"]["name"] for field in redacted if "singleHeader" in field} >= {
        "authorization",
        "cookie",
    }
    assert [field for field in redacted if "queryString" in field]


def test_firewall_logs_where_waf_may_write(edge: Recording) -> None:
    group = edge.named("edge-firewall-log-group")
    assert edge.named("edge-firewall-log").inputs["logDestinationConfigs"] == [group.outputs["arn"]]
    assert group.inputs["name"].startswith("aws-waf-logs-")


# ---- The name -------------------------------------------------------------------------------------------------------


def records(recording: Recording, type_: str) -> list[dict[str, Any]]:
    return [dict(found.inputs) for found in recording.of("aws:route53/record:Record") if found.inputs["type"] == type_]


def test_name_points_to_the_load_balancer(edge: Recording) -> None:
    (alias,) = records(edge, "A")
    balancer = edge.named("edge-balancer").outputs
    assert alias["name"] == "pay.example.com"
    assert [(a["name"], a["zoneId"]) for a in alias["aliases"]] == [(balancer["dnsName"], balancer["zoneId"])]


def test_certificate_is_proved_by_dns_so_that_it_renews_itself(edge: Recording) -> None:
    certificate = edge.named("edge-name-certificate")
    assert (certificate.inputs["domainName"], certificate.inputs["validationMethod"]) == ("pay.example.com", "DNS")
    (proof,) = records(edge, "CNAME")
    assert proof["records"] == [certificate.outputs["domainValidationOptions"][0]["resourceRecordValue"]]


def test_only_amazon_may_issue_certificates_for_the_name(edge: Recording) -> None:
    (authority,) = records(edge, "CAA")
    assert authority["name"] == "pay.example.com"
    assert [entry.split('"')[1] for entry in authority["records"] if " issue " in entry] == ["amazon.com"]


def test_created_zone_logs_its_queries_encrypted_for_the_audit_period(edge: Recording) -> None:
    (query_log,) = edge.of("aws:route53/queryLog:QueryLog")
    group = edge.named("edge-name-query-log-group")
    assert query_log.inputs["zoneId"] == edge.named("edge-name-zone").id
    assert query_log.inputs["cloudwatchLogGroupArn"] == group.outputs["arn"]
    assert group.inputs["region"] == "us-east-1"
    assert group.inputs["kmsKeyId"] == edge.named("edge-name-query-log-key").outputs["arn"]
    assert group.inputs["retentionInDays"] >= 365


def test_existing_zone_gets_records_and_is_otherwise_left_alone(play: Play, arguments: PublicEdgeArgs) -> None:
    edge = with_settings(play, arguments, zone_id="Z0123456789ABC")
    assert not edge.of("aws:route53/zone:Zone")
    assert not edge.of("aws:route53/queryLog:QueryLog")
    assert {record.inputs["zoneId"] for record in edge.of("aws:route53/record:Record")} == {"Z0123456789ABC"}


@pytest.mark.parametrize(("zone_id", "count"), [("", 4), ("Z0123456789ABC", 0)])
def test_edge_says_whom_to_delegate_a_created_zone_to(
    play: Play, arguments: PublicEdgeArgs, zone_id: str, count: int
) -> None:
    seen: list[int] = []

    def build() -> None:
        edge = PublicEdge("edge", replace(arguments, settings=replace(SETTINGS, zone_id=zone_id)))
        edge.name_servers.apply(lambda servers: seen.append(len(servers)))

    play(build)
    assert seen == [count]


# ---- Alarms ---------------------------------------------------------------------------------------------------------


def test_every_alarm_reaches_somebody(edge: Recording) -> None:
    alarms = edge.of("aws:cloudwatch/metricAlarm:MetricAlarm")
    assert {alarm.name for alarm in alarms} == {
        *(f"edge-{row.role}" for row in (*OF_LOAD_BALANCER, *OF_TARGETS)),
        "edge-firewall-blocked",
        "edge-name-certificate-expires",
    }
    assert [alarm.inputs["alarmActions"] for alarm in alarms] == [[TOPIC_ARN]] * len(alarms)


def test_alarms_watch_this_load_balancer_and_its_targets(edge: Recording) -> None:
    balancer = edge.named("edge-balancer").outputs["arnSuffix"]
    targets = edge.named("edge-nodes").outputs["arnSuffix"]
    assert edge.named("edge-refuses-requests").inputs["dimensions"] == {"LoadBalancer": balancer}
    assert edge.named("edge-unhealthy-nodes").inputs["dimensions"] == {"LoadBalancer": balancer, "TargetGroup": targets}


def test_blocked_requests_are_counted_under_the_acls_own_metric(edge: Recording) -> None:
    (acl,) = edge.of("aws:wafv2/webAcl:WebAcl")
    watched = edge.named("edge-firewall-blocked").inputs["dimensions"]
    assert watched == {"WebACL": acl.inputs["visibilityConfig"]["metricName"], "Region": REGION, "Rule": "ALL"}


# ---- During a migration ---------------------------------------------------------------------------------------------

RULE = "aws:lb/listenerRule:ListenerRule"
RECORD = "aws:route53/record:Record"
OLD = "edge-data-centre"


@pytest.fixture(scope="module")
def in_phase(play: Play, arguments: PublicEdgeArgs) -> Callable[..., Recording]:
    """The edge in a phase; each is recorded once."""

    @cache
    def build(phase: PhaseName, *, production: bool = False) -> Recording:
        changed = replace(
            arguments,
            migration=replace(MIGRATION, phase=phase),
            placement=replace(arguments.placement, production=production),
        )
        return play(lambda: PublicEdge("edge", changed))

    return build


@pytest.mark.parametrize(
    ("phase", "owned", "overwrites"),
    [("none", True, False), ("beside", False, False), ("shifting", False, False), ("after", True, True)],
)
def test_the_record_that_serves_payments_is_touched_only_when_it_is_the_programs(
    in_phase: Callable[..., Recording], phase: PhaseName, owned: bool, overwrites: bool
) -> None:
    records = [one for one in in_phase(phase).of(RECORD) if one.inputs["name"] == "pay.example.com"]
    aliases = [one for one in records if one.inputs["type"] == "A"]
    assert [one.name for one in aliases] == (["edge-alias"] if owned else [])
    assert [one.inputs.get("allowOverwrite", False) for one in aliases] == ([overwrites] if owned else [])


def test_production_never_deletes_the_record_that_serves_payments(in_phase: Callable[..., Recording]) -> None:
    assert in_phase("after", production=True).named("edge-alias").retain_on_delete
    assert not in_phase("after").named("edge-alias").retain_on_delete


@pytest.mark.parametrize(
    ("phase", "issuers"),
    [
        ("none", ["amazon.com"]),
        ("beside", ["amazon.com", "letsencrypt.org"]),
        ("shifting", ["amazon.com", "letsencrypt.org"]),
        ("after", ["amazon.com"]),
    ],
)
def test_both_sides_can_renew_their_certificates_while_both_may_serve(
    in_phase: Callable[..., Recording], phase: PhaseName, issuers: list[str]
) -> None:
    found = in_phase(phase).named("edge-name-authority").inputs["records"]
    assert found == [*(f'0 issue "{issuer}"' for issuer in issuers), '0 issuewild ";"']


@pytest.mark.parametrize(("phase", "there"), [("none", False), ("beside", True), ("shifting", True), ("after", False)])
def test_a_test_name_with_a_certificate_of_its_own_leads_here(
    in_phase: Callable[..., Recording], phase: PhaseName, there: bool
) -> None:
    recording = in_phase(phase)
    names = [one for one in recording.of(RECORD) if one.inputs["name"] == MIGRATION.test_host_name]
    assert [one.inputs["type"] for one in names] == (["A"] if there else [])
    attached = recording.of("aws:lb/listenerCertificate:ListenerCertificate")
    assert len(attached) == there
    if there:
        certificate = recording.named("edge-name-test-certificate", "aws:acm/certificate:Certificate")
        assert certificate.inputs["domainName"] == MIGRATION.test_host_name
        assert attached[0].inputs["certificateArn"] == certificate.id


def test_a_shift_begins_with_everything_at_the_data_centre_and_clients_stay_where_they_were(
    in_phase: Callable[..., Recording],
) -> None:
    recording = in_phase("shifting")
    (rule,) = recording.of(RULE)
    (action,) = rule.inputs["actions"]
    old = recording.named(OLD, "aws:lb/targetGroup:TargetGroup")
    new = recording.named("edge-nodes", "aws:lb/targetGroup:TargetGroup")
    weights = {one["arn"]: one["weight"] for one in action["forward"]["targetGroups"]}
    assert weights == {old.id: 100, new.id: 0}
    assert action["forward"]["stickiness"] == {"enabled": True, "duration": 300}
    assert rule.inputs["conditions"] == [{"hostHeader": {"values": ["pay.example.com"]}}]
    assert rule.inputs["priority"] < FIRST_ROUTE


def test_the_program_never_moves_the_weights_back(in_phase: Callable[..., Recording]) -> None:
    (rule,) = in_phase("shifting").of(RULE)
    assert rule.ignore_changes == ("actions",)
    default = {phase: in_phase(phase).named("edge-https").inputs["defaultActions"] for phase in PHASES}
    assert len({str(actions) for actions in default.values()}) == 1


@pytest.mark.parametrize("phase", ["none", "beside", "after"])
def test_the_old_side_is_a_target_only_while_traffic_shifts(
    in_phase: Callable[..., Recording], phase: PhaseName
) -> None:
    recording = in_phase(phase)
    assert recording.of(RULE) == ()
    assert [one.name for one in recording.resources if one.name.startswith(OLD)] == []


def test_the_router_is_reached_at_its_addresses_and_asked_for_its_own_health(
    in_phase: Callable[..., Recording],
) -> None:
    recording = in_phase("shifting")
    group = recording.named(OLD, "aws:lb/targetGroup:TargetGroup").inputs
    targets = recording.of("aws:lb/targetGroupAttachment:TargetGroupAttachment")
    assert (group["targetType"], group["protocol"], group["port"]) == ("ip", "HTTPS", 443)
    health = group["healthCheck"]
    assert (health["protocol"], health["port"], health["path"]) == ("HTTP", "1936", "/healthz/ready")
    assert {(one.inputs["targetId"], one.inputs["availabilityZone"]) for one in targets} == {
        ("10.80.8.10", "all"),
        ("10.80.8.11", "all"),
    }
    routes = recording.of("aws:ec2/route:Route")
    assert {(one.inputs["routeTableId"], one.inputs["destinationCidrBlock"]) for one in routes} == {
        (table, f"{address}/32") for table in ("rtb-a", "rtb-b", "rtb-c") for address in ("10.80.8.10", "10.80.8.11")
    }


def test_the_traffic_command_finds_what_it_works_on(play: Play, arguments: PublicEdgeArgs) -> None:
    told: dict[str, dict[str, object]] = {}
    for phase in PHASES:
        changed = replace(arguments, migration=replace(MIGRATION, phase=phase))
        play(lambda changed=changed, phase=phase: told.update({phase: PublicEdge("edge", changed).traffic}))
    assert told["none"] == told["after"] == {}
    assert told["beside"]["phase"] == "beside"
    assert "rules" not in told["beside"]
    assert {"rules", "old_target_group_arn"} <= told["shifting"].keys()


# ---- Several services -----------------------------------------------------------------------------------------------

PAYMENTS = Backend(name="payments", node_port=30500, health_path="/ready", protocol="HTTPS", patterns=("/*",))
PORTAL = Backend(name="portal", node_port=30501, health_path="/up", protocol="HTTP", patterns=("/portal", "/portal/*"))


@pytest.fixture(scope="module")
def several(play: Play, arguments: PublicEdgeArgs) -> Callable[..., Recording]:
    @cache
    def build(backends: tuple[Backend, ...], phase: PhaseName = "none") -> Recording:
        changed = replace(arguments, backends=backends, migration=replace(MIGRATION, phase=phase))
        return play(lambda: PublicEdge("edge", changed))

    return build


def test_each_public_service_has_targets_of_its_own_and_the_load_balancer_reaches_their_ports_only(
    several: Callable[..., Recording],
) -> None:
    recording = several((PAYMENTS, PORTAL))
    groups = {one.name: one.inputs for one in recording.of("aws:lb/targetGroup:TargetGroup")}
    assert {name: (one["port"], one["protocol"], one["healthCheck"]["path"]) for name, one in groups.items()} == {
        "edge-nodes-payments": (30500, "HTTPS", "/ready"),
        "edge-nodes-portal": (30501, "HTTP", "/up"),
    }
    assert {(first, last) for _, _, first, last in openings(recording, "Egress")} == {(30500, 30500), (30501, 30501)}


def test_paths_choose_the_service_the_more_exact_ones_first_and_the_rest_goes_to_whoever_takes_it(
    several: Callable[..., Recording],
) -> None:
    recording = several((PAYMENTS, PORTAL))
    rules = {
        one.inputs["conditions"][0]["pathPattern"]["values"][0]: one.inputs
        for one in recording.of("aws:lb/listenerRule:ListenerRule")
    }
    portal = recording.named("edge-nodes-portal", "aws:lb/targetGroup:TargetGroup")
    assert {pattern: one["actions"][0]["targetGroupArn"] for pattern, one in rules.items()} == {
        "/portal": portal.id,
        "/portal/*": portal.id,
    }
    (action,) = recording.named("edge-https").inputs["defaultActions"]
    assert action["targetGroupArn"] == recording.named("edge-nodes-payments", "aws:lb/targetGroup:TargetGroup").id


def test_what_no_service_is_named_for_is_not_found(several: Callable[..., Recording]) -> None:
    (action,) = several((PORTAL,)).named("edge-https").inputs["defaultActions"]
    assert (action["type"], action["fixedResponse"]["statusCode"]) == ("fixed-response", "404")


def test_without_a_public_service_the_load_balancer_leads_nowhere(several: Callable[..., Recording]) -> None:
    recording = several(())
    assert recording.of("aws:lb/targetGroup:TargetGroup") == ()
    (action,) = recording.named("edge-https").inputs["defaultActions"]
    assert action["type"] == "fixed-response"


def test_a_pattern_keeps_its_priority_whatever_others_come_and_go() -> None:
    order = ["/v2/pay/refund", "/v2/pay/*", "/v2/*", "/v?", "/*"]
    found = [priority(pattern, FIRST_ROUTE) for pattern in order]
    assert found == sorted(found)
    assert all(1 <= number <= 50_000 for number in found)


def test_traffic_shifts_by_a_rule_for_each_path_of_each_service(several: Callable[..., Recording]) -> None:
    recording = several((PAYMENTS, PORTAL), "shifting")
    shifting = [one for one in recording.of("aws:lb/listenerRule:ListenerRule") if one.inputs["priority"] < FIRST_ROUTE]
    assert sorted(one.name for one in shifting) == [
        "edge-shift-payments",
        "edge-shift-portal-portal",
        "edge-shift-portal-portal-all",
    ]
    assert {one.ignore_changes for one in shifting} == {("actions",)}
    assert {one.inputs["conditions"][0]["hostHeader"]["values"][0] for one in shifting} == {"pay.example.com"}
