"""Who is outside the VPC: phones, administrators, the data centre with its parts, and those that the stack calls."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from ipaddress import IPv4Network, ip_network

from operations.diagram.actors import NAT_GATEWAY, Actor
from operations.diagram.paths import Path, shown_ports
from operations.diagram.references import References
from operations.diagram.topology import Tier, Topology
from operations.plan.segmentation import Opening
from recording.recorder import Resource

PHONES, INTERNET, PARTNERS, TENANT = "phones", "internet", "partners", "agent-tenant"
REGISTRY, TRUSTED, DATA_CENTRE, WHOLE_VPC = "registry", "trusted", "data-centre", "vpc"
OUTSIDE = frozenset((PHONES, INTERNET, PARTNERS, TENANT, REGISTRY, TRUSTED, DATA_CENTRE))
ADMINISTRATION = frozenset((TENANT, REGISTRY, TRUSTED))
"""Outside, and on no way of card data."""
WORLD_PREFIX = {4: 8, 6: 16}
"""A range as wide as this, or wider, is the internet."""
AGENT = "softpos:security:WorkloadSecurityAgent"
ENDPOINT = "aws:ec2/vpcEndpoint:VpcEndpoint"
REGISTRY_SERVICE = ".ecr.dkr"
POLICY = "kubernetes:networking.k8s.io/v1:NetworkPolicy"
NAMED_PARTY = "-to-outside-"
"""In the name of a network policy: the party's name follows, as the setting services gives it."""
HTTPS = "443"
PARTS_OF_DATA_CENTRE = (("router", "router"), ("source", "MySQL"), ("mysql", "MySQL"), ("runner", "runners"))
"""By a word in a rule's description: the part of the data centre that the rule is about."""


class External:
    """Peers that are ranges of addresses: what each range is to this VPC."""

    def __init__(self, topology: Topology) -> None:
        self._topology = topology
        self._ranges: dict[str, dict[str, str]] = defaultdict(dict)
        """By actor: each range as the drawing says it, by the range."""

    def key_of(self, opening: Opening) -> str:
        """The actor behind the range of an opening."""
        network = ip_network(opening.peer)
        inward = opening.direction == "ingress"
        if network.prefixlen < WORLD_PREFIX[network.version]:
            key = PHONES if inward else INTERNET
        elif isinstance(network, IPv4Network) and self._topology.contains(network):
            return WHOLE_VPC
        elif network.is_private and not _documentation(network):
            key = DATA_CENTRE
        else:
            key = TRUSTED if inward else PARTNERS
        self._ranges[key].setdefault(opening.peer, _said(key, opening))
        return key

    def actors(self, paths: Iterable[Path], references: References) -> dict[str, Actor]:
        """The actors outside that some path needs; the data centre wherever the stack has a VPN."""
        needed = {end for path in paths for end in (path.source, path.target)}
        gateways = tuple(references.of("aws:ec2/vpnConnection:VpnConnection", "aws:ec2/vpnGateway:VpnGateway"))
        customer = tuple(references.of("aws:ec2/customerGateway:CustomerGateway"))
        ends = [f"VPN {one.inputs['ipAddress']}" for one in customer if one.inputs.get("ipAddress")]
        parties = ", ".join(named_parties(references.resources))
        of_key: Mapping[str, tuple[str, str, tuple[Resource, ...]]] = {
            PHONES: ("Phones", "SoftPOS application, any address", ()),
            PARTNERS: ("Acquirer and partners", parties or self._told(PARTNERS), ()),
            INTERNET: ("Internet", "any address", ()),
            TENANT: ("Trend Micro tenant", "host agent's console", tuple(references.of(AGENT))),
            REGISTRY: ("Image registry", "Amazon ECR", tuple(references.of("aws:ecr/repository:Repository"))),
            TRUSTED: ("Administrators", self._told(TRUSTED), ()),
            DATA_CENTRE: (
                "Data centre",
                ", ".join([*filter(None, [self._told(DATA_CENTRE)]), *ends]),
                (*gateways, *customer),
            ),
        }
        return {
            key: Actor(
                key=key, title=title, detail=detail, tier=Tier.OUTSIDE, zones=(), cardholder=False, resources=resources
            )
            for key, (title, detail, resources) in of_key.items()
            if key in needed or (key == DATA_CENTRE and resources)
        }

    def _told(self, key: str) -> str:
        return ", ".join(said for _, said in sorted(self._ranges[key].items()))


def named_outside(
    references: References, topology: Topology, actors: Mapping[str, Actor], paths: Iterable[Path]
) -> Iterator[Path]:
    """Ways to those outside that no security group names: the agent's tenant, the registry, and named parties."""
    known = tuple(paths)
    gateways = [key for key, actor in actors.items() if actor.resources[0].type == NAT_GATEWAY]
    out = next((path for path in known if path.source in gateways and path.target == INTERNET), None)
    if out and HTTPS in out.ports and next(references.of(AGENT), None):
        yield Path(out.source, TENANT, (HTTPS,), out.openings, whole=True)
    for key, actor in actors.items():
        if any(
            REGISTRY_SERVICE in str(one.inputs.get("serviceName", ""))
            for one in actor.resources
            if one.type == ENDPOINT
        ):
            yield Path(key, REGISTRY, (HTTPS,), (), whole=True)
    parties = tuple(_of_parties(references, topology))
    if out and parties and not any(path.target == PARTNERS for path in known):
        yield Path(out.source, PARTNERS, shown_ports(parties), parties, whole=True)


def _of_parties(references: References, topology: Topology) -> Iterator[Opening]:
    """What network policies let out to a named party, as openings."""
    for policy in references.of(POLICY):
        for rule in (policy.inputs.get("spec") or {}).get("egress") or () if NAMED_PARTY in policy.name else ():
            for block in rule.get("to") or ():
                cidr = str((block.get("ipBlock") or {}).get("cidr") or "")
                for port in rule.get("ports") or () if cidr and not topology.contains(IPv4Network(cidr)) else ():
                    number = int(port["port"])
                    yield Opening("egress", policy.name, cidr, str(port["protocol"]).lower(), (number, number))


def named_parties(resources: Iterable[Resource]) -> tuple[str, ...]:
    """Those outside that services name, such as the acquirer; pods reach nobody else on the internet."""
    found = (one.name for one in resources if one.type == POLICY and NAMED_PARTY in one.name)
    return tuple(sorted({name.partition(NAMED_PARTY)[2] for name in found}))


def _said(key: str, opening: Opening) -> str:
    """A range as the drawing says it: in the data centre with the part that it is."""
    plain = opening.peer.removesuffix("/32")
    words = opening.why.lower()
    part = next((name for word, name in PARTS_OF_DATA_CENTRE if word in words), "") if key == DATA_CENTRE else ""
    return f"{part} {plain}".strip()


def _documentation(network: object) -> bool:
    """Python counts the documentation ranges, which example settings use for public addresses, as private."""
    return any(
        isinstance(network, IPv4Network) and network.subnet_of(IPv4Network(cidr))
        for cidr in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")
    )
