"""What a stack costs a month, roughly: list prices of the types that dominate, times how many there are.

Not a bill. `facts/prices.csv` holds AWS's on-demand list prices by Region. Where the stack's own Region has none, the
prices of `FIRST_REGION` are shown under its name; nothing is converted or guessed. What AWS charges by use is not in
it: traffic, storage, logs, requests, Config items, GuardDuty, Inspector, Marketplace rules, agent licences.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from facts.prices import FIRST_REGION, Price, has_prices, prices
from recording.recorder import Resource

PROVIDER = "pulumi:providers:aws"


@dataclass(frozen=True)
class Line:
    """Resources of one type and size, together."""

    type: str
    what: str
    amount: int
    usd_each: float | None
    """A month; none where the table has no price."""
    urns: tuple[str, ...]
    read_on: str = ""
    source: str = ""

    @property
    def usd(self) -> float:
        return self.amount * (self.usd_each or 0.0)


@dataclass(frozen=True)
class Estimate:
    """A stack's lines, dearest first; those without a price last."""

    lines: tuple[Line, ...]
    region: str
    """The stack's own; empty where its provider names none."""
    region_of_prices: str

    @property
    def region_known(self) -> bool:
        """Whether the prices are those of the stack's own Region."""
        return self.region == self.region_of_prices

    @property
    def usd(self) -> float:
        return sum(line.usd for line in self.lines)

    @property
    def unpriced(self) -> tuple[Line, ...]:
        return tuple(line for line in self.lines if line.usd_each is None)


def estimate(resources: Iterable[Resource]) -> Estimate:
    """What the resources that the table knows cost a month."""
    known = tuple(resources)
    region = next((str(one.inputs["region"]) for one in known if one.type == PROVIDER and one.inputs.get("region")), "")
    of_prices = region if has_prices(region) else FIRST_REGION
    gathered: dict[tuple[str, str], list[tuple[int, str]]] = defaultdict(list)
    for resource in known:
        size = SIZES.get(resource.type)
        if size:
            what, amount = size(resource)
            gathered[resource.type, what].append((amount, resource.urn))
    lines = [
        _line(prices().get((of_prices, type_, what)), type_, what, found)
        for (type_, what), found in gathered.items()
        if sum(amount for amount, _ in found)
    ]
    ordered = sorted(lines, key=lambda line: (line.usd_each is None, -line.usd, line.type))
    return Estimate(tuple(ordered), region, of_prices)


def _line(price: Price | None, type_: str, what: str, found: list[tuple[int, str]]) -> Line:
    return Line(
        type_,
        what,
        sum(amount for amount, _ in found),
        price.monthly_usd if price else None,
        tuple(urn for _, urn in found),
        price.read_on if price else "",
        price.source if price else "",
    )


Size = Callable[[Resource], tuple[str, int]]


def _one(_: Resource) -> tuple[str, int]:
    return "", 1


def _one_of(key: str) -> Size:
    return lambda resource: (str(resource.inputs.get(key, "")), 1)


def _nodes(resource: Resource) -> tuple[str, int]:
    types = resource.inputs.get("instanceTypes") or [""]
    scaling = resource.inputs.get("scalingConfig") or {}
    scaling = scaling[0] if isinstance(scaling, list) else scaling
    return str(types[0]), int(scaling.get("desiredSize", 1))


def _cache_nodes(resource: Resource) -> tuple[str, int]:
    return str(resource.inputs.get("nodeType", "")), int(resource.inputs.get("numCacheClusters", 1))


def _endpoint(resource: Resource) -> tuple[str, int]:
    """Interface endpoints cost by zone; gateway endpoints cost nothing."""
    return "Interface", len(resource.inputs.get("subnetIds") or ())


def _replication(resource: Resource) -> tuple[str, int]:
    return str(resource.inputs.get("replicationInstanceClass", "")), 2 if resource.inputs.get("multiAz") else 1


SIZES: Mapping[str, Size] = {
    "aws:eks/cluster:Cluster": _one,
    "aws:ec2/instance:Instance": _one_of("instanceType"),
    "aws:eks/nodeGroup:NodeGroup": _nodes,
    "aws:rds/clusterInstance:ClusterInstance": _one_of("instanceClass"),
    "aws:elasticache/replicationGroup:ReplicationGroup": _cache_nodes,
    "aws:dms/replicationInstance:ReplicationInstance": _replication,
    "aws:ec2/natGateway:NatGateway": _one,
    "aws:ec2/vpcEndpoint:VpcEndpoint": _endpoint,
    "aws:ec2/vpnConnection:VpnConnection": _one,
    "aws:ec2/eip:Eip": _one,
    "aws:lb/loadBalancer:LoadBalancer": _one,
    "aws:kms/key:Key": _one,
    "aws:secretsmanager/secret:Secret": _one,
    "aws:cloudwatch/metricAlarm:MetricAlarm": _one,
    "aws:wafv2/webAcl:WebAcl": _one,
    "aws:route53/zone:Zone": _one,
}
"""How many billed units a resource of each type is, and of what size."""
