"""A cloud that exists only here: it invents the ids and outputs that AWS and Kubernetes would answer with.

Shared by unit tests, the rehearsal and the tests on the real engine. It proves the program's graph, names and inputs.
It proves nothing about AWS: quotas, permissions, timing and AWS's own validation are only seen in an account.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pulumi.runtime.mocks import MockCallArgs, MockResourceArgs

from recording.eks_component import eks_children
from recording.recorder import Cloud, Resource


@dataclass(frozen=True)
class Invented:
    """The id and the outputs of one type, as templates.

    ``{hex8}``, ``{hex17}``, ``{hex32}`` and ``{digits}`` are drawn from the resource's name, so that a rehearsal
    repeats itself; ``{region}``, ``{account}``, ``{name}``, ``{id}`` and every text input can be named as well.
    """

    id: str
    outputs: Mapping[str, Any]


def _arn(service: str, resource: str) -> dict[str, str]:
    return {"arn": f"arn:aws:{service}:{{region}}:{{account}}:{resource}"}


_LOAD_BALANCER = "app/{name}/{hex16}"
_EC2: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "eip:Eip": ("eipalloc-{hex17}", {"allocationId": "{id}", "publicIp": "198.51.100.{octet}"}),
    "customerGateway:CustomerGateway": ("cgw-{hex17}", {}),
    "flowLog:FlowLog": ("fl-{hex17}", {}),
    "instance:Instance": (
        "i-{hex17}",
        {"publicIp": "198.51.100.{octet}", "privateIp": "10.20.96.{octet}", "primaryNetworkInterfaceId": "eni-{hex17}"},
    ),
    "internetGateway:InternetGateway": ("igw-{hex17}", {}),
    "keyPair:KeyPair": ("{name}", {"keyName": "{name}", "keyPairId": "key-{hex17}"}),
    "launchTemplate:LaunchTemplate": ("lt-{hex17}", {"latestVersion": 1, "defaultVersion": 1}),
    "natGateway:NatGateway": ("nat-{hex17}", {"publicIp": "198.51.100.{octet}"}),
    "networkAcl:NetworkAcl": ("acl-{hex17}", {}),
    "defaultNetworkAcl:DefaultNetworkAcl": ("acl-{hex17}", {}),
    "routeTable:RouteTable": ("rtb-{hex17}", {}),
    "securityGroup:SecurityGroup": ("sg-{hex17}", {"name": "{name}"}),
    "defaultSecurityGroup:DefaultSecurityGroup": ("sg-{hex17}", {}),
    "subnet:Subnet": ("subnet-{hex17}", {}),
    "vpc:Vpc": (
        "vpc-{hex17}",
        {
            "defaultNetworkAclId": "acl-{hex17}",
            "defaultSecurityGroupId": "sg-{hex17}",
            "mainRouteTableId": "rtb-{hex17}",
        },
    ),
    "vpcEndpoint:VpcEndpoint": ("vpce-{hex17}", {"prefixListId": "pl-{hex8}"}),
    "vpnConnection:VpnConnection": (
        "vpn-{hex17}",
        {
            "tunnel1Address": "198.51.100.{octet}",
            "tunnel2Address": "203.0.113.{octet}",
            "presharedKeyArn": "arn:aws:secretsmanager:{region}:{account}:secret:s2svpn!vpn-{hex17}",
        },
    ),
    "vpnGateway:VpnGateway": ("vgw-{hex17}", {}),
}

INVENTED: Mapping[str, Invented] = {
    **{
        f"aws:ec2/{token}": Invented(
            identity, {**_arn("ec2", f"{token.partition(':')[0]}/{{id}}"), "ownerId": "{account}", **outputs}
        )
        for token, (identity, outputs) in _EC2.items()
    },
    "aws:acm/certificate:Certificate": Invented(
        "arn:aws:acm:{region}:{account}:certificate/{uuid}",
        {
            "arn": "{id}",
            "domainValidationOptions": [
                {
                    "domainName": "{domainName}",
                    "resourceRecordName": "_{hex32}.{domainName}.",
                    "resourceRecordType": "CNAME",
                    "resourceRecordValue": "_{hex32}.acm-validations.aws.",
                }
            ],
        },
    ),
    "aws:cloudwatch/logGroup:LogGroup": Invented("{name}", _arn("logs", "log-group:{name}")),
    "aws:cloudwatch/metricAlarm:MetricAlarm": Invented("{name}", _arn("cloudwatch", "alarm:{name}")),
    "aws:dms/endpoint:Endpoint": Invented(
        "{endpointId}", {"endpointArn": "arn:aws:dms:{region}:{account}:endpoint:{HEX26}"}
    ),
    "aws:dms/certificate:Certificate": Invented(
        "{certificateId}", {"certificateArn": "arn:aws:dms:{region}:{account}:cert:{HEX26}"}
    ),
    "aws:dms/replicationInstance:ReplicationInstance": Invented(
        "{replicationInstanceId}",
        {
            "replicationInstanceArn": "arn:aws:dms:{region}:{account}:rep:{HEX26}",
            "replicationInstancePrivateIps": ["10.20.108.{octet}"],
        },
    ),
    "aws:dms/replicationTask:ReplicationTask": Invented(
        "{replicationTaskId}",
        {"replicationTaskArn": "arn:aws:dms:{region}:{account}:task:{HEX26}", "status": "ready"},
    ),
    "aws:dynamodb/table:Table": Invented("{name}", _arn("dynamodb", "table/{name}")),
    "aws:ecr/repository:Repository": Invented(
        "{name}",
        {**_arn("ecr", "repository/{name}"), "repositoryUrl": "{account}.dkr.ecr.{region}.amazonaws.com/{name}"},
    ),
    "aws:eks/nodeGroup:NodeGroup": Invented(
        "{clusterName}:{name}",
        {
            **_arn("eks", "nodegroup/{clusterName}/{name}/{uuid}"),
            "resources": [{"autoscalingGroups": [{"name": "eks-{name}-{uuid}"}], "remoteAccessSecurityGroupId": ""}],
            "status": "ACTIVE",
        },
    ),
    "eks:index:Cluster": Invented(
        "{name}",
        {
            "clusterSecurityGroupId": "sg-{hex17}",
            "kubeconfigJson": json.dumps(
                {"apiVersion": "v1", "kind": "Config", "clusters": [{"name": "kubernetes", "cluster": {}}]}
            )
            .replace("{", "{{")
            .replace("}", "}}"),
            "nodeSecurityGroupId": "",
        },
    ),
    "aws:eks/cluster:Cluster": Invented(
        "{name}",
        {
            **_arn("eks", "cluster/{name}"),
            "endpoint": "https://{HEX32}.gr7.{region}.eks.amazonaws.com",
            "certificateAuthority": {"data": "c3RhbmQtaW4="},
            "status": "ACTIVE",
        },
    ),
    "aws:elasticache/replicationGroup:ReplicationGroup": Invented(
        "{replicationGroupId}",
        {
            **_arn("elasticache", "replicationgroup:{id}"),
            "primaryEndpointAddress": "master.{id}.{hex8}.{region}.cache.amazonaws.com",
            "readerEndpointAddress": "replica.{id}.{hex8}.{region}.cache.amazonaws.com",
            "memberClusters": ["{id}-001", "{id}-002", "{id}-003"],
        },
    ),
    "aws:iam/role:Role": Invented("{name}", {"arn": "arn:aws:iam::{account}:role{path}{name}", "name": "{name}"}),
    "aws:iam/policy:Policy": Invented("arn:aws:iam::{account}:policy{path}{name}", {"arn": "{id}"}),
    "aws:iam/instanceProfile:InstanceProfile": Invented(
        "{name}", {"arn": "arn:aws:iam::{account}:instance-profile{path}{name}", "name": "{name}"}
    ),
    "aws:kms/key:Key": Invented("{uuid}", {**_arn("kms", "key/{uuid}"), "keyId": "{uuid}"}),
    "aws:kms/alias:Alias": Invented("{name}", _arn("kms", "{name}")),
    "aws:lb/loadBalancer:LoadBalancer": Invented(
        f"arn:aws:elasticloadbalancing:{{region}}:{{account}}:loadbalancer/{_LOAD_BALANCER}",
        {
            "arn": "{id}",
            "arnSuffix": _LOAD_BALANCER,
            "dnsName": "{name}-{digits}.{region}.elb.amazonaws.com",
            "zoneId": "Z{HEX13}",
        },
    ),
    "aws:lb/listener:Listener": Invented(
        f"arn:aws:elasticloadbalancing:{{region}}:{{account}}:listener/{_LOAD_BALANCER}/{{hex16}}", {"arn": "{id}"}
    ),
    "aws:lb/targetGroup:TargetGroup": Invented(
        "arn:aws:elasticloadbalancing:{region}:{account}:targetgroup/{name}/{hex16}",
        {"arn": "{id}", "arnSuffix": "targetgroup/{name}/{hex16}", "name": "{name}"},
    ),
    "aws:rds/cluster:Cluster": Invented(
        "{clusterIdentifier}",
        {
            **_arn("rds", "cluster:{id}"),
            "clusterResourceId": "cluster-{HEX26}",
            "endpoint": "{id}.cluster-{hex12}.{region}.rds.amazonaws.com",
            "readerEndpoint": "{id}.cluster-ro-{hex12}.{region}.rds.amazonaws.com",
            "masterUserSecrets": [
                {
                    "secretArn": "arn:aws:secretsmanager:{region}:{account}:secret:rds!cluster-{uuid}",
                    "kmsKeyId": "{masterUserSecretKmsKeyId}",
                    "secretStatus": "active",
                }
            ],
        },
    ),
    "aws:rds/clusterInstance:ClusterInstance": Invented(
        "{identifier}", {**_arn("rds", "db:{id}"), "endpoint": "{id}.{hex12}.{region}.rds.amazonaws.com"}
    ),
    "aws:route53/zone:Zone": Invented(
        "Z{HEX13}",
        {
            "arn": "arn:aws:route53:::hostedzone/{id}",
            "zoneId": "{id}",
            "nameServers": ["ns-1.example.net", "ns-2.example.net", "ns-3.example.net", "ns-4.example.net"],
        },
    ),
    "aws:route53/record:Record": Invented("{zoneId}_{name}_{type}", {"fqdn": "{name}"}),
    "aws:s3/bucket:Bucket": Invented(
        "{bucket}",
        {
            "arn": "arn:aws:s3:::{bucket}",
            "bucketRegionalDomainName": "{bucket}.s3.{region}.amazonaws.com",
            "bucketDomainName": "{bucket}.s3.amazonaws.com",
        },
    ),
    "aws:secretsmanager/secret:Secret": Invented(
        "arn:aws:secretsmanager:{region}:{account}:secret:{name}-{hex6}", {"arn": "{id}"}
    ),
    "aws:sns/topic:Topic": Invented("arn:aws:sns:{region}:{account}:{name}", {"arn": "{id}"}),
    "aws:wafv2/webAcl:WebAcl": Invented(
        "{uuid}", {"arn": "arn:aws:wafv2:{region}:{account}:regional/webacl/{name}/{uuid}", "capacity": 1250}
    ),
    "aws:cloudtrail/trail:Trail": Invented("{name}", {**_arn("cloudtrail", "trail/{name}"), "homeRegion": "{region}"}),
    "random:index/randomId:RandomId": Invented("{hex8}", {"hex": "{hex8}", "dec": "{digits}"}),
    "aws:guardduty/detector:Detector": Invented("{hex32}", _arn("guardduty", "detector/{hex32}")),
}
"""Types whose outputs other resources of the program read. Any other type gets a name and an ARN of the common form."""

INVOKED: Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    "aws:ssm/getParameter:getParameter": lambda args: {
        "name": args["name"],
        "value": "ami-0123456789abcdef0",
        "insecureValue": "ami-0123456789abcdef0",
        "type": "String",
    },
    "aws:ec2/getAmi:getAmi": lambda _: {"id": "ami-0fedcba9876543210", "imageId": "ami-0fedcba9876543210"},
    "aws:eks/getAddonVersion:getAddonVersion": lambda args: {
        "addonName": args["addonName"],
        "kubernetesVersion": args["kubernetesVersion"],
        "version": "v1.0.0-eksbuild.1",
    },
    "aws:guardduty/getDetector:getDetector": lambda _: {"id": "0123456789abcdef0123456789abcdef"},
}
"""Functions that the program may call, each with its answer."""


class StandInCloud(Cloud):
    """Answers for one account and Region.

    Args:
        region: the Region in ids and ARNs.
        account: the account in them, 12 digits.
    """

    def __init__(self, region: str, account: str) -> None:
        self._region = region
        self._account = account
        self._role_arns: dict[str, str] = {}

    def create(self, type_: str, name: str, inputs: Mapping[str, Any], seed: str = "") -> tuple[str, dict[str, Any]]:
        """Invent the id and the outputs that are not inputs; another `seed` gives the same name another id."""
        words = _Words(self._region, self._account, f"{type_}/{name}{seed}", name, inputs)
        invented = INVENTED.get(type_)
        if invented is None:
            kind = type_.rpartition(":")[2]
            service = type_.partition(":")[2].partition("/")[0]
            common = {**_arn(service, f"{kind.lower()}/{{name}}"), "name": "{name}"}
            invented = Invented("{name}", common if type_.startswith("aws:") else {})
        identity = words.fill(invented.id)
        words["id"] = identity
        outputs = {"id": identity, **words.fill_all(invented.outputs)}
        if type_ == "aws:iam/role:Role":
            self._role_arns[identity] = outputs["arn"]
        return identity, outputs

    def role_arn(self, role_id: str) -> str:
        return self._role_arns[role_id]

    def children(self, resource: Resource) -> Iterable[Resource]:
        return eks_children(resource, self) if resource.type == "eks:index:Cluster" else ()

    def new_resource(self, args: MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        identity, outputs = self.create(args.typ, args.name, args.inputs)
        return identity, {**args.inputs, **outputs}

    def call(self, args: MockCallArgs) -> dict[str, Any]:  # type: ignore[override] # a dict is what the monitor takes
        if args.token not in INVOKED:
            raise NotImplementedError(
                f"The stand-in cloud has no answer for {args.token}; add it to INVOKED in stand_in_cloud.py."
            )
        return INVOKED[args.token](args.args)


class _Words(dict[str, Any]):
    """The words of the templates for one resource."""

    def __init__(self, region: str, account: str, seed: str, name: str, inputs: Mapping[str, Any]) -> None:
        digest = hashlib.sha256(seed.encode()).hexdigest()
        super().__init__({key: value for key, value in inputs.items() if isinstance(value, str)})
        self.setdefault("name", f"{name}-{digest[:7]}")
        self.setdefault("path", "/")
        self.update(region=region, account=account)
        self.update({f"hex{length}": digest[:length] for length in (6, 8, 12, 16, 17, 32)})
        self.update({f"HEX{length}": digest[:length].upper() for length in (13, 26, 32)})
        self["uuid"] = "-".join((digest[:8], digest[8:12], digest[12:16], digest[16:20], digest[20:32]))
        self["digits"] = str(int(digest[:8], 16))
        self["octet"] = str(1 + int(digest[:2], 16) % 254)
        self._fallback = f"{name}-{digest[:7]}"

    def __missing__(self, key: str) -> str:
        return self._fallback

    def fill(self, template: str) -> str:
        return template.format_map(self)

    def fill_all(self, value: Any) -> Any:
        match value:
            case str():
                return self.fill(value)
            case Mapping():
                return {key: self.fill_all(member) for key, member in value.items()}
            case list():
                return [self.fill_all(member) for member in value]
            case _:
                return value
