"""One stack's traffic on moto: a load balancer with two rules, a zone, a table; time that passes when one sleeps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from operations.traffic.aws import Aws
from operations.traffic.balancer import Balancer
from operations.traffic.gates import Finding
from operations.traffic.limits import Limits
from operations.traffic.mover import Mover
from operations.traffic.record import Record, Store, leased
from operations.traffic.seen import Answers, Connections, Edge, Firewall, Minute
from operations.traffic.site import Site
from operations.traffic.stack import Traffic, from_outputs

REGION, HOST, STACK, TABLE = "eu-central-1", "pay.example.com", "prod", "migration-state"
OLD_ADDRESS = "192.0.2.10"
QUICK = Limits(window_seconds=60, least_requests=100, look_seconds=20, late_seconds=0, lease_seconds=0.05)


class Dead(BaseException):
    """The process was killed: nothing of it runs any more."""


CLIENTS: dict[str, Any] = {}
"""One set for all tests: making clients takes seconds, and moto answers each."""


def amazon() -> Aws:
    """AWS as the command meets it."""
    made = Aws(REGION)
    made._clients = CLIENTS
    return made


class Mortal(Aws):
    """AWS as a process meets it that dies at one call: before the call has reached AWS, or before its answer came."""

    dies_at: int | None = None
    arrives = False
    calls = 0

    def __init__(self, region: str) -> None:
        super().__init__(region)
        self._clients = CLIENTS

    def call(self, service: str, operation: str, **arguments: Any) -> dict[str, Any]:
        self.calls += 1
        if self.dies_at is not None and self.calls >= self.dies_at:
            if self.arrives and self.calls == self.dies_at:
                super().call(service, operation, **arguments)
            raise Dead
        return super().call(service, operation, **arguments)


@dataclass
class Figures:
    """Looks that tell what a test says; shares are read back from the load balancer."""

    balancer: Balancer
    shown: dict[str, Any] = field(default_factory=dict)

    def _told(self, name: str, good: Any) -> Any:
        told = self.shown.get(name, good)
        if isinstance(told, Exception):
            raise told
        return told

    def answers(self, since: float, until: float) -> Answers | None:
        minute = Minute(requests=500, p95_seconds=0.2, p99_seconds=0.4)
        at = [int(since) + 60 * index for index in range(int(until - since) // 60 + 1)]
        shares = set(self.balancer.shares().values())
        old = {} if shares == {Fraction(100)} else dict.fromkeys(at, minute)
        new = {} if shares == {Fraction(0)} else {"new": dict.fromkeys(at, minute)}
        return self._told("answers", Answers(old=old, new=new))  # type: ignore[no-any-return]

    def edge(self, _since: float, _until: float) -> Edge | None:
        return self._told("edge", Edge(requests=1000))  # type: ignore[no-any-return]

    def firewall(self, _since: float, _until: float) -> Firewall | None:
        return self._told("firewall", Firewall(allowed=1000, hit=0))  # type: ignore[no-any-return]

    def lag(self) -> float | None:
        return self._told("lag", 0.0)  # type: ignore[no-any-return]

    def health(self) -> Mapping[str, Mapping[str, str]] | None:
        return self._told("health", {"old": {"a": "healthy"}, "new": {"b": "healthy"}})  # type: ignore[no-any-return]

    def tunnels(self) -> Mapping[str, str] | None:
        return self._told("tunnels", {"a": "UP", "b": "UP"})  # type: ignore[no-any-return]

    def connections(self) -> Connections | None:
        return self._told("connections", Connections(used=1, most=100))  # type: ignore[no-any-return]

    def shares(self) -> Mapping[str, Fraction | None] | None:
        return self._told("shares", None) or self.balancer.shares()


class Quiet:
    """A screen that remembers."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def tells(self, sentence: str) -> None:
        self.told.append(sentence)

    def waits(self, sentence: str) -> None:
        self.told.append(sentence)

    def finds(self, findings: Any) -> None:
        found: list[Finding] = list(findings)
        self.told += [f"{one.verdict} {one.gate}: {one.says}" for one in found]


@dataclass
class Place:
    """What a test holds."""

    outputs: dict[str, Any]
    traffic: Traffic
    now: float = 1_000_000_000.0
    shown: dict[str, Any] = field(default_factory=dict)
    limits: Limits = QUICK
    screen: Quiet = field(default_factory=Quiet)

    def site(self, aws: Aws | None = None) -> Site:
        used = aws or amazon()
        looks = Figures(Balancer(amazon(), self.traffic), self.shown)
        return Site(
            traffic=self.traffic,
            aws=used,
            looks=looks,
            limits=self.limits,
            screen=self.screen,
            clock=lambda: self.now,
            sleep=self._pass,
        )

    def _pass(self, seconds: float) -> None:
        self.now += seconds

    @property
    def store(self) -> Store:
        return Store(amazon(), TABLE)

    @property
    def record(self) -> Record:
        return self.store.read(STACK)

    def advance(self, percent: int, aws: Aws | None = None) -> str:
        used = aws or amazon()
        with leased(Store(used, TABLE), STACK, "tester", self.limits.lease_seconds) as session:
            return Mover(self.site(used), session).advance(percent)

    def back(self, *, name: bool = False) -> None:
        with leased(self.store, STACK, "tester", self.limits.lease_seconds, at_once=True) as session:
            mover = Mover(self.site(), session)
            mover.name_back() if name else mover.back()

    @property
    def shares(self) -> set[Any]:
        return set(Balancer(amazon(), self.traffic).shares().values())

    @property
    def addresses(self) -> list[str]:
        """What the public name leads to."""
        records = self.site().name.record_sets()
        return [
            one["AliasTarget"]["DNSName"].rstrip(".") if "AliasTarget" in one else one["ResourceRecords"][0]["Value"]
            for one in records
        ]


def build(kind: str = "A") -> Place:
    """The phase `shifting` as the program leaves it: all weight at the data centre, and the name there too."""
    elb, ec2, route53 = (amazon().client(name) for name in ("elbv2", "ec2", "route53"))
    subnets = ec2.describe_subnets()["Subnets"][:2]
    balancer = elb.create_load_balancer(Name="edge", Subnets=[one["SubnetId"] for one in subnets])["LoadBalancers"][0]
    old, payments, portal = (
        elb.create_target_group(Name=name, Protocol="HTTPS", Port=443, VpcId=subnets[0]["VpcId"], TargetType="ip")[
            "TargetGroups"
        ][0]["TargetGroupArn"]
        for name in ("data-centre", "payments", "portal")
    )
    listener = elb.create_listener(
        LoadBalancerArn=balancer["LoadBalancerArn"],
        Protocol="HTTP",
        Port=443,
        DefaultActions=[{"Type": "forward", "TargetGroupArn": payments}],
    )["Listeners"][0]["ListenerArn"]
    rules = []
    for priority, (new, path) in enumerate(((portal, "/portal/*"), (payments, "/*")), start=1):
        forward = {
            "TargetGroups": [{"TargetGroupArn": old, "Weight": 100}, {"TargetGroupArn": new, "Weight": 0}],
            "TargetGroupStickinessConfig": {"Enabled": True, "DurationSeconds": 300},
        }
        made = elb.create_rule(
            ListenerArn=listener,
            Priority=priority,
            Conditions=[{"Field": "path-pattern", "Values": [path]}],
            Actions=[{"Type": "forward", "ForwardConfig": forward}],
        )
        rules.append({"arn": made["Rules"][0]["RuleArn"], "new_target_group_arn": new})
    zone = route53.create_hosted_zone(Name="example.com", CallerReference="x")["HostedZone"]["Id"].rpartition("/")[2]
    value = OLD_ADDRESS if kind == "A" else "router.old.example.net"
    record = {"Name": HOST, "Type": kind, "TTL": 60, "ResourceRecords": [{"Value": value}]}
    route53.change_resource_record_sets(
        HostedZoneId=zone, ChangeBatch={"Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]}
    )
    amazon().client("dynamodb").create_table(
        TableName=TABLE,
        KeySchema=[{"AttributeName": "stack", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "stack", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    outputs = {
        "migrationPhase": "shifting",
        "traffic": {
            "host_name": HOST,
            "zone_id": zone,
            "load_balancer_dns_name": balancer["DNSName"],
            "load_balancer_zone_id": balancer["CanonicalHostedZoneId"],
            "load_balancer_arn_suffix": balancer["LoadBalancerArn"].partition("loadbalancer/")[2],
            "rules": rules,
            "old_target_group_arn": old,
            "new_target_group_arns": [payments, portal],
            "cookie_seconds": 300,
            "firewall_metric_name": "edge",
        },
        "migration": {
            "region": REGION,
            "state_table_name": TABLE,
            "vpn_connection_id": "vpn-0a1b2c3d4e5f60718",
            "replication_instance_arn": f"arn:aws:dms:{REGION}:123456789012:rep:MIGRATION",
            "forward_task_arn": f"arn:aws:dms:{REGION}:123456789012:task:FORWARD",
            "source_operator_secret_arn": f"arn:aws:secretsmanager:{REGION}:123456789012:secret:operator",
            "source_endpoint_arn": f"arn:aws:dms:{REGION}:123456789012:endpoint:SOURCE",
        },
    }
    return Place(outputs, from_outputs(STACK, outputs))
