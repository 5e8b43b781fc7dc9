"""Is there room: AWS's quotas against what the stack brings and what the account holds already."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from facts.quotas import ACL_RULES, GROUP_RULES, READ_ON, Quota, quotas
from operations.account.answers import Answer, Question, failed, passed, warned

FULL_SHARE = 0.9
"""From this share of a quota on there is little room left."""


def quota_room(asked: Question) -> Iterator[Answer]:
    """Each quota: in use and needed, against the account's own value, or the usual one where it does not answer."""
    service_quotas = asked.session.client("service-quotas")
    types = Counter(one.type for one in asked.recording.resources)
    for quota in quotas():
        needed = types[quota.type] if quota.type else _largest(quota, asked)
        if not needed:
            continue
        allowed, source = _allowed(service_quotas, quota)
        used = IN_USE[quota.what](asked) if quota.what in IN_USE else 0
        found = f"{used} in use, {needed} needed, {allowed} allowed ({source})"
        ask = _ask(quota, used + needed)
        if used + needed > allowed:
            yield failed(quota.what, found, ask)
        elif used + needed > FULL_SHARE * allowed and allowed > needed:
            yield warned(quota.what, found, ask)
        else:
            yield passed(quota.what, found)


def _ask(quota: Quota, amount: int) -> str:
    if quota.most is not None and amount > quota.most:
        return f"AWS allows no more than {quota.most}: remove what is no longer used, or take another account"
    if not quota.code:
        return f"ask AWS Support for at least {amount} of {quota.service}"
    return f"ask Service Quotas for {quota.code} of {quota.service}, at least {amount}"


def _allowed(client: Any, quota: Quota) -> tuple[int, str]:
    if not quota.code:
        return quota.usual, f"the usual quota of {READ_ON}"
    try:
        found = client.get_service_quota(ServiceCode=quota.service, QuotaCode=quota.code)
        return int(found["Quota"]["Value"]), "the account's quota"
    except (BotoCoreError, ClientError):
        return quota.usual, f"the usual quota of {READ_ON}; the account's own is not known"


def _largest(quota: Quota, asked: Question) -> int:
    """What no single type counts: the largest of its kind in the stack."""
    count = LARGEST.get(quota.what)
    return count(asked) if count else 0


def _acl_rules(asked: Question) -> int:
    acls = asked.recording.of("aws:ec2/networkAcl:NetworkAcl")
    return max((len(one.inputs.get(way) or ()) for one in acls for way in ("ingress", "egress")), default=0)


def _group_rules(asked: Question) -> int:
    amounts = Counter[tuple[str, str]]()
    for way in ("Ingress", "Egress"):
        for one in asked.recording.of(f"aws:vpc/securityGroup{way}Rule:SecurityGroup{way}Rule"):
            amounts[str(one.inputs.get("securityGroupId")), way] += 1
    return max(amounts.values(), default=0)


def _policies_of_a_role(asked: Question) -> int:
    attachments = asked.recording.of("aws:iam/rolePolicyAttachment:RolePolicyAttachment")
    return max(Counter(str(one.inputs.get("role")) for one in attachments).values(), default=0)


def _interface_endpoints(asked: Question) -> int:
    endpoints = asked.recording.of("aws:ec2/vpcEndpoint:VpcEndpoint")
    return sum(one.inputs.get("vpcEndpointType") == "Interface" for one in endpoints)


def _processors(asked: Question) -> int:
    """vCPUs of all nodes at their most, and of the bastion, as EC2 counts them."""
    cluster, bastion = asked.settings.cluster, asked.settings.bastion
    amounts = {cluster.node_instance_type: cluster.nodes_max}
    amounts[bastion.instance_type] = amounts.get(bastion.instance_type, 0) + 1
    described = asked.session.client("ec2").describe_instance_types(InstanceTypes=sorted(amounts))["InstanceTypes"]
    return sum(one["VCpuInfo"]["DefaultVCpus"] * amounts[one["InstanceType"]] for one in described)


LARGEST: Mapping[str, Callable[[Question], int]] = {
    ACL_RULES: _acl_rules,
    GROUP_RULES: _group_rules,
    "managed policies attached to a role": _policies_of_a_role,
    "interface endpoints of a VPC": _interface_endpoints,
    "vCPUs of standard on-demand instances": _processors,
}
IN_USE: Mapping[str, Callable[[Question], int]] = {
    "Elastic IP addresses": lambda asked: len(asked.session.client("ec2").describe_addresses()["Addresses"]),
    "resource policies of CloudWatch Logs": lambda asked: len(
        asked.session.client("logs").describe_resource_policies()["resourcePolicies"]
    ),
    "VPCs": lambda asked: len(asked.session.client("ec2").describe_vpcs()["Vpcs"]),
    "internet gateways": lambda asked: len(
        asked.session.client("ec2").describe_internet_gateways()["InternetGateways"]
    ),
    "clusters of EKS": lambda asked: len(asked.session.client("eks").list_clusters()["clusters"]),
    "database clusters": lambda asked: len(asked.session.client("rds").describe_db_clusters()["DBClusters"]),
    "database instances": lambda asked: len(asked.session.client("rds").describe_db_instances()["DBInstances"]),
    "VPN connections": lambda asked: len(asked.session.client("ec2").describe_vpn_connections()["VpnConnections"]),
}
"""What the account holds of a thing already."""
