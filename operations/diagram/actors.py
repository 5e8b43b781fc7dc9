"""The things that are in the network: what each type of resource is called, and where it says so itself."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from operations.diagram.references import References
from operations.diagram.topology import Tier, Topology
from operations.plan.segmentation import GROUP
from recording.recorder import Resource

TIMES = "\N{MULTIPLICATION SIGN}"
NAT_GATEWAY = "aws:ec2/natGateway:NatGateway"
INSTANCE = "aws:ec2/instance:Instance"
NODE_GROUP = "aws:eks/nodeGroup:NodeGroup"
LAUNCH_TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
CLUSTER_INSTANCE = "aws:rds/clusterInstance:ClusterInstance"
BASTION = "Bastion"
WORKLOADS = ("kubernetes:apps/v1:Deployment", "kubernetes:batch/v1:Job", "kubernetes:batch/v1:CronJob")
SYSTEM = "kube-system"
MOST_SERVICES = 6
"""Named in the box of the nodes; beyond, it says how many more."""
WEB_ACL_ASSOCIATION = "aws:wafv2/webAclAssociation:WebAclAssociation"


@dataclass(frozen=True)
class Actor:
    """One thing of the drawing, with every resource that it is made of."""

    key: str
    title: str
    detail: str
    tier: Tier
    zones: tuple[str, ...]
    cardholder: bool
    resources: tuple[Resource, ...]
    contents: tuple[str, ...] = ()
    """What runs in it, a line each."""


@dataclass(frozen=True)
class Kind:
    """How one type of resource says which groups guard it and which subnets it is in."""

    title: str
    groups: Callable[[Resource, References], list[Any]]
    subnets: Callable[[Resource, References], list[Any]]
    detail: Callable[[Resource, References], str] = lambda *_: ""
    together: bool = False
    """Whether all of this type that share their security groups are one thing."""


def _listed(*path: str) -> Callable[[Resource, References], list[Any]]:
    """The values at a path of the inputs, lists flattened."""

    def read(resource: Resource, _: References) -> list[Any]:
        values: list[Any] = [resource.inputs]
        for key in path:
            members = [value.get(key) for value in values if isinstance(value, Mapping)]
            values = [item for member in members for item in (member if isinstance(member, list) else [member])]
        return [value for value in values if value is not None]

    return read


def _through(property_: str, type_: str) -> Callable[[Resource, References], list[Any]]:
    """The subnets of the subnet group that a property names."""

    def read(resource: Resource, references: References) -> list[Any]:
        group = references.target(resource, property_, type_)
        return list(group.inputs.get("subnetIds") or ()) if group else []

    return read


def _template_groups(resource: Resource, references: References) -> list[Any]:
    template = references.find(_first(resource, "launchTemplate").get("id"), LAUNCH_TEMPLATE)
    if template is None:
        return []
    interfaces = template.inputs.get("networkInterfaces") or ()
    return [
        *(template.inputs.get("vpcSecurityGroupIds") or ()),
        *(group for interface in interfaces for group in interface.get("securityGroups") or ()),
    ]


def _first(resource: Resource, key: str) -> Mapping[str, Any]:
    value = resource.inputs.get(key) or {}
    return value[0] if isinstance(value, list) else value


def _nodes(resource: Resource, _: References) -> str:
    scaling = _first(resource, "scalingConfig")
    types = ", ".join(resource.inputs.get("instanceTypes") or ())
    return (
        f"{scaling.get('minSize', '?')} to {scaling.get('maxSize', '?')} {TIMES} {types}" if types else "worker nodes"
    )


def _instances(resource: Resource, references: References) -> str:
    own = [
        instance
        for instance in references.of(CLUSTER_INSTANCE)
        if instance.inputs.get("clusterIdentifier") in (resource.id, resource.inputs.get("clusterIdentifier"))
    ]
    engine = str(resource.inputs.get("engine", ""))
    classes = sorted({str(instance.inputs.get("instanceClass")) for instance in own})
    return f"{engine}, {len(own)} {TIMES} {', '.join(classes)}" if own else engine


def _text(key: str, form: str = "{}") -> Callable[[Resource, References], str]:
    return lambda resource, _: form.format(resource.inputs[key]) if resource.inputs.get(key) else ""


def _guarded(resource: Resource, references: References) -> str:
    guards = [
        association
        for association in references.of(WEB_ACL_ASSOCIATION)
        if association.inputs.get("resourceArn") == resource.id
    ]
    return "behind AWS WAF" if guards else "no web firewall"


def _nodes_of_cache(resource: Resource, _: References) -> str:
    nodes = resource.inputs.get("numCacheClusters")
    node_type = resource.inputs.get("nodeType", "")
    return f"{nodes} {TIMES} {node_type}" if nodes else str(node_type)


KINDS: Mapping[str, Kind] = {
    "aws:lb/loadBalancer:LoadBalancer": Kind("Load balancer", _listed("securityGroups"), _listed("subnets"), _guarded),
    NODE_GROUP: Kind("EKS nodes", _template_groups, _listed("subnetIds"), _nodes),
    "aws:rds/cluster:Cluster": Kind(
        "MySQL database",
        _listed("vpcSecurityGroupIds"),
        _through("dbSubnetGroupName", "aws:rds/subnetGroup:SubnetGroup"),
        _instances,
    ),
    "aws:elasticache/replicationGroup:ReplicationGroup": Kind(
        "Redis cache",
        _listed("securityGroupIds"),
        _through("subnetGroupName", "aws:elasticache/subnetGroup:SubnetGroup"),
        _nodes_of_cache,
    ),
    "aws:dms/replicationInstance:ReplicationInstance": Kind(
        "DMS migration",
        _listed("vpcSecurityGroupIds"),
        _through("replicationSubnetGroupId", "aws:dms/replicationSubnetGroup:ReplicationSubnetGroup"),
        _text("replicationInstanceClass"),
    ),
    "aws:eks/cluster:Cluster": Kind(
        "EKS control plane",
        _listed("vpcConfig", "securityGroupIds"),
        _listed("vpcConfig", "subnetIds"),
        _text("version", "Kubernetes {}"),
    ),
    NAT_GATEWAY: Kind("NAT gateways", lambda *_: [], _listed("subnetId"), together=True),
    INSTANCE: Kind("EC2 host", _listed("vpcSecurityGroupIds"), _listed("subnetId"), _text("instanceType")),
    "aws:ec2/vpcEndpoint:VpcEndpoint": Kind(
        "Service endpoints", _listed("securityGroupIds"), _listed("subnetIds"), together=True
    ),
}
"""The types that are drawn, in drawing order. Others of the stack are listed as services."""

PARTS: Mapping[str, tuple[str, ...]] = {
    "aws:lb/loadBalancer:LoadBalancer": (
        "aws:lb/listener:Listener",
        "aws:lb/targetGroup:TargetGroup",
        WEB_ACL_ASSOCIATION,
        "aws:wafv2/webAcl:WebAcl",
        "aws:acm/certificate:Certificate",
    ),
    NODE_GROUP: (
        LAUNCH_TEMPLATE,
        "kubernetes:apps/v1:Deployment",
        "kubernetes:networking.k8s.io/v1:NetworkPolicy",
    ),
    "aws:rds/cluster:Cluster": (
        CLUSTER_INSTANCE,
        "aws:rds/clusterParameterGroup:ClusterParameterGroup",
        "aws:rds/subnetGroup:SubnetGroup",
    ),
    "aws:elasticache/replicationGroup:ReplicationGroup": (
        "aws:elasticache/user:User",
        "aws:elasticache/parameterGroup:ParameterGroup",
        "aws:elasticache/subnetGroup:SubnetGroup",
    ),
    "aws:dms/replicationInstance:ReplicationInstance": (
        "aws:dms/endpoint:Endpoint",
        "aws:dms/replicationTask:ReplicationTask",
    ),
    "aws:eks/cluster:Cluster": ("aws:eks/addon:Addon", "aws:eks/accessEntry:AccessEntry"),
}
"""What else belongs to a drawn thing, shown when it is selected."""


def find_actors(references: References, topology: Topology) -> tuple[dict[str, Actor], dict[str, list[str]]]:
    """The actors by key, and the keys of the actors that each security group (by name) guards."""
    gathered: dict[str, list[Resource]] = {}
    guards: dict[str, set[str]] = {}
    for type_, kind in KINDS.items():
        for resource in references.of(type_):
            if not kind.subnets(resource, references):
                continue  # a gateway endpoint is a route, and what has no subnet is not in this network
            groups = {group.name for group in references.find_all(kind.groups(resource, references), GROUP)}
            key = "+".join([type_, *sorted(groups)]) if kind.together else resource.urn
            gathered.setdefault(key, []).append(resource)
            guards.setdefault(key, set()).update(groups)
    members: dict[str, list[str]] = defaultdict(list)
    actors = {}
    for key, resources in gathered.items():
        actor = _actor(resources, references, topology, guards[key])
        actors[actor.key] = actor
        for group in guards[key]:
            members[group].append(actor.key)
    return actors, members


def _actor(resources: list[Resource], references: References, topology: Topology, guards: set[str]) -> Actor:
    first = resources[0]
    kind = KINDS[first.type]
    subnets = [subnet for resource in resources for subnet in topology.subnets_of(kind.subnets(resource, references))]
    detail = (
        f"{len(resources)} {TIMES} {first.type.rpartition(':')[2]}" if kind.together else kind.detail(first, references)
    )
    groups = [resource for resource in references.of(GROUP) if resource.name in guards]
    parts = [*resources, *references.of(*PARTS.get(first.type, ())), *groups]
    return Actor(
        key=_key(first),
        title=BASTION if _is_bastion(first) else kind.title,
        detail=detail,
        tier=min((subnet.tier for subnet in subnets), default=Tier.APPLICATION),
        zones=tuple(sorted({subnet.zone for subnet in subnets})),
        cardholder=any(_tagged_cardholder(resource) for resource in resources),
        resources=tuple({part.urn: part for part in parts}.values()),
        contents=_services(references) if first.type == NODE_GROUP else (),
    )


def _is_bastion(resource: Resource) -> bool:
    """A host that the program calls so, by its own name or by the component that it is part of."""
    return resource.type == INSTANCE and "bastion" in f"{resource.parent} {resource.name}".lower()


def _services(references: References) -> tuple[str, ...]:
    """The application's services and jobs, a line each; what the cluster itself runs is left out."""
    found = [
        resource
        for resource in references.of(*WORKLOADS)
        if (resource.inputs.get("metadata") or {}).get("namespace") != SYSTEM
    ]
    names = sorted(
        str(resource.inputs["metadata"].get("name", resource.name))
        for resource in found
        if resource.inputs.get("metadata")
    )
    shown = (
        names
        if len(names) <= MOST_SERVICES
        else [*names[: MOST_SERVICES - 1], f"{len(names) - MOST_SERVICES + 1} more"]
    )
    return tuple(f"runs {name}" for name in shown)


def _key(resource: Resource) -> str:
    return f"{resource.type.partition('/')[0].rpartition(':')[2]}-{resource.name}"


def _tagged_cardholder(resource: Resource) -> bool:
    return (resource.inputs.get("tags") or {}).get("DataClass") == "cardholder"


SERVICES: Mapping[str, tuple[str, str]] = {
    "acm": ("Certificates", "Certificate"),
    "cfg": ("Config", "Recorder"),
    "cloudtrail": ("CloudTrail", "Trail"),
    "cloudwatch": ("CloudWatch alarms", "MetricAlarm"),
    "ecr": ("Image repositories", "Repository"),
    "guardduty": ("GuardDuty", "Detector"),
    "iam": ("IAM roles", "Role"),
    "inspector2": ("Inspector", "Enabler"),
    "kms": ("KMS keys", "Key"),
    "route53": ("Route 53 zones", "Zone"),
    "s3": ("S3 buckets", "Bucket"),
    "secretsmanager": ("Secrets", "Secret"),
    "securityhub": ("Security Hub", "Account"),
    "sns": ("SNS topics", "Topic"),
    "wafv2": ("WAF", "WebAcl"),
}
"""Services of the Region or account, by the module of their type tokens: what is counted, and the type that it is."""


@dataclass(frozen=True)
class Service:
    """One service of the Region or account: how many of what it is named by, and all that belongs to it."""

    count: int
    resources: tuple[Resource, ...]


def regional_services(references: References) -> dict[str, Service]:
    """The services that the stack uses, by title, sorted."""
    found: dict[str, list[Resource]] = defaultdict(list)
    for resource in references.resources:
        module, _, _ = resource.type.partition(":")[2].partition("/")
        if resource.type.startswith("aws:") and module in SERVICES:
            found[module].append(resource)
    made = {
        SERVICES[module][0]: Service(
            sum(one.type.rpartition(":")[2] == SERVICES[module][1] for one in resources), tuple(resources)
        )
        for module, resources in found.items()
    }
    return {title: made[title] for title in sorted(made) if made[title].count}
