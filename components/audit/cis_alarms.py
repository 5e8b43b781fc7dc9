"""What in the trail wakes somebody: the alarms of the CIS AWS Foundations Benchmark, and the platform's own.

One row is one metric filter on the trail's log group and one alarm. The first fourteen patterns are those that AWS
gives for its Security Hub controls CloudWatch.1 to CloudWatch.14, which look for them; the rest guard the guards.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from ..foundations.alarms import Alarms, Metric
from ..foundations.placement import Placement

NAMESPACE = "SoftPOS/Trail"
PERIOD_SECONDS = 300


@dataclass(frozen=True)
class Watch:
    """One kind of event in the trail."""

    pattern: str
    """CloudWatch Logs filter pattern."""
    says: str
    threshold: int = 1
    """Events in five minutes from which the alarm rings."""


def _events(*names: str) -> str:
    return " || ".join(f"($.eventName={name})" for name in names)


WATCHED: Mapping[str, Watch] = {
    "root-use": Watch(
        '{$.userIdentity.type="Root" && $.userIdentity.invokedBy NOT EXISTS && $.eventType !="AwsServiceEvent"}',
        "The root user acted (PCI DSS 10.2.1.2). Ask who it was; lock the account's root away again.",
    ),
    "unauthorized-calls": Watch(
        '{($.errorCode="*UnauthorizedOperation") || ($.errorCode="AccessDenied*")}',
        "Many calls were refused (PCI DSS 10.2.1.4). Find the principal; a stolen credential tries doors.",
        threshold=20,
    ),
    "console-sign-in-without-mfa": Watch(
        '{($.eventName="ConsoleLogin") && ($.additionalEventData.MFAUsed !="Yes") && '
        '($.userIdentity.type="IAMUser") && ($.responseElements.ConsoleLogin="Success")}',
        "Somebody signed in without a second factor (PCI DSS 8.4.2). Disable the login until it has one.",
    ),
    "console-sign-in-failures": Watch(
        '{($.eventName=ConsoleLogin) && ($.errorMessage="Failed authentication")}',
        "Console sign-ins fail repeatedly (PCI DSS 10.2.1.4). Somebody guesses, or forgot.",
        threshold=5,
    ),
    "iam-policy-changes": Watch(
        "{($.eventSource=iam.amazonaws.com) && ("
        + _events(
            *("DeleteGroupPolicy", "DeleteRolePolicy", "DeleteUserPolicy", "PutGroupPolicy", "PutRolePolicy"),
            *("PutUserPolicy", "CreatePolicy", "DeletePolicy", "CreatePolicyVersion", "DeletePolicyVersion"),
            *("AttachRolePolicy", "DetachRolePolicy", "AttachUserPolicy", "DetachUserPolicy", "AttachGroupPolicy"),
            "DetachGroupPolicy",
        )
        + ")}",
        "A permission changed (PCI DSS 10.2.1.5). Expect it after a deployment; ask about it otherwise.",
    ),
    "trail-changes": Watch(
        "{" + _events("CreateTrail", "UpdateTrail", "DeleteTrail", "StartLogging", "StopLogging") + "}",
        "CloudTrail was changed, started or stopped (PCI DSS 10.2.1.6). Outside a deployment this is an incident.",
    ),
    "config-changes": Watch(
        "{($.eventSource=config.amazonaws.com) && ("
        + _events(
            "StopConfigurationRecorder", "DeleteDeliveryChannel", "PutDeliveryChannel", "PutConfigurationRecorder"
        )
        + ")}",
        "The recording of AWS Config changed (PCI DSS 10.2.1.6). Outside a deployment this is an incident.",
    ),
    "key-disabled-or-deleted": Watch(
        "{($.eventSource=kms.amazonaws.com) && (" + _events("DisableKey", "ScheduleKeyDeletion") + ")}",
        "A key was disabled or is to be deleted (PCI DSS 3.7.5). Cancel it within 30 days if it was not meant.",
    ),
    "bucket-policy-changes": Watch(
        "{($.eventSource=s3.amazonaws.com) && ("
        + _events(
            *("PutBucketAcl", "PutBucketPolicy", "PutBucketCors", "PutBucketLifecycle", "PutBucketReplication"),
            *("DeleteBucketPolicy", "DeleteBucketCors", "DeleteBucketLifecycle", "DeleteBucketReplication"),
        )
        + ")}",
        "Access to a bucket changed (PCI DSS 7.2.1). Compare it with the program.",
    ),
    "security-group-changes": Watch(
        "{"
        + _events(
            *("AuthorizeSecurityGroupIngress", "AuthorizeSecurityGroupEgress", "RevokeSecurityGroupIngress"),
            *("RevokeSecurityGroupEgress", "CreateSecurityGroup", "DeleteSecurityGroup"),
        )
        + "}",
        "A security group changed (PCI DSS 1.2.2). Expect it after a deployment; compare with the program otherwise.",
    ),
    "network-acl-changes": Watch(
        "{"
        + _events(
            *("CreateNetworkAcl", "CreateNetworkAclEntry", "DeleteNetworkAcl", "DeleteNetworkAclEntry"),
            *("ReplaceNetworkAclEntry", "ReplaceNetworkAclAssociation"),
        )
        + "}",
        "A network ACL changed (PCI DSS 1.2.2). Expect it after a deployment; compare with the program otherwise.",
    ),
    "gateway-changes": Watch(
        "{"
        + _events(
            *("CreateCustomerGateway", "DeleteCustomerGateway", "AttachInternetGateway", "CreateInternetGateway"),
            *("DeleteInternetGateway", "DetachInternetGateway"),
        )
        + "}",
        "A door of the network changed (PCI DSS 1.2.2). Expect it after a deployment; compare otherwise.",
    ),
    "route-table-changes": Watch(
        "{($.eventSource=ec2.amazonaws.com) && ("
        + _events(
            *("CreateRoute", "CreateRouteTable", "ReplaceRoute", "ReplaceRouteTableAssociation", "DeleteRouteTable"),
            *("DeleteRoute", "DisassociateRouteTable"),
        )
        + ")}",
        "A route changed (PCI DSS 1.2.2). Expect it after a deployment; compare with the program otherwise.",
    ),
    "vpc-changes": Watch(
        "{"
        + _events(
            *("CreateVpc", "DeleteVpc", "ModifyVpcAttribute", "AcceptVpcPeeringConnection"),
            *("CreateVpcPeeringConnection", "DeleteVpcPeeringConnection", "RejectVpcPeeringConnection"),
            *("AttachClassicLinkVpc", "DetachClassicLinkVpc", "DisableVpcClassicLink", "EnableVpcClassicLink"),
        )
        + "}",
        "A VPC changed (PCI DSS 1.2.2). Expect it after a deployment; compare with the program otherwise.",
    ),
    "detection-changes": Watch(
        "{"
        + _events(
            *("DeleteDetector", "UpdateDetector", "DisassociateMembers", "DisableSecurityHub", "BatchDisableStandards"),
            *("DeleteConfigRule", "DeleteConformancePack", "DeleteFlowLogs", "DeleteWebACL", "DisassociateWebACL"),
        )
        + "}",
        "A guard was weakened or removed (PCI DSS 10.7.2). Outside a deployment this is an incident.",
    ),
    "evidence-deletion": Watch(
        "{($.eventSource=s3.amazonaws.com) && ("
        + _events("DeleteBucket", "PutObjectRetention", "PutBucketVersioning", "PutBucketObjectLockConfiguration")
        + ")}",
        "The keeping of evidence was changed (PCI DSS 10.3.4). Outside a deployment this is an incident.",
    ),
}
"""Each alarm's name with what it watches."""


def watch_trail(
    name: str, log_group_name: pulumi.Input[str], placement: Placement, alarms: Alarms, parent: pulumi.Resource
) -> None:
    """Create the filters and alarms of `WATCHED` on the trail's log group."""
    for subject, watch in WATCHED.items():
        metric_name = f"{placement.stack}-{subject}"
        aws.cloudwatch.LogMetricFilter(
            f"{name}-{subject}-filter",
            name=subject,
            log_group_name=log_group_name,
            pattern=watch.pattern,
            metric_transformation=aws.cloudwatch.LogMetricFilterMetricTransformationArgs(
                name=metric_name, namespace=NAMESPACE, value="1", default_value="0"
            ),
            opts=pulumi.ResourceOptions(parent=parent),
        )
        alarms.when(
            f"{name}-{subject}",
            Metric(
                namespace=NAMESPACE, name=metric_name, dimensions={}, statistic="Sum", period_seconds=PERIOD_SECONDS
            ),
            "GreaterThanOrEqualToThreshold",
            watch.threshold,
            says=watch.says,
            parent=parent,
        )
