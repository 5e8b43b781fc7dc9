"""EC2: instances, launch templates and configurations, volumes and images."""

from __future__ import annotations

from typing import Final

from ..reading import Findings
from ..rule import CRITICAL, HIGH, LOW, MEDIUM, Resource, StackFindings, rule
from ..stack import Stack

_INSTANCES: Final = ("aws.ec2.Instance", "aws.ec2.SpotInstanceRequest")
_CONFIGURATION: Final = "aws.ec2.LaunchConfiguration"
_TEMPLATE: Final = "aws.ec2.LaunchTemplate"
_DISKS: Final = "encrypted disks"


@rule(
    "ec2-imdsv2-required",
    "The instance metadata service answers to session tokens only (IMDSv2)",
    on=(*_INSTANCES, _TEMPLATE, _CONFIGURATION),
    requirements="2.2.6",
    controls="EC2.8 EC2.170 AutoScaling.3 EC2_IMDSV2_CHECK AUTOSCALING_LAUNCHCONFIG_REQUIRES_IMDSV2",
    severity=HIGH,
    remedy="set metadataOptions.httpTokens to required",
)
def imdsv2_required(launched: Resource) -> Findings:
    if launched["metadataOptions"]["httpEndpoint"].value == "disabled":
        return []
    return launched["metadataOptions"]["httpTokens"].must_be("required")


@rule(
    "ec2-metadata-defaults-imdsv2",
    "The account's default for the instance metadata service is IMDSv2",
    on="aws.ec2.InstanceMetadataDefaults",
    requirements="2.2.6",
    severity=MEDIUM,
    remedy="set httpTokens to required",
)
def metadata_defaults(defaults: Resource) -> Findings:
    return defaults["httpTokens"].must_be("required")


@rule(
    "ec2-instance-without-key-pair",
    "Instances have no key pair: people log in as themselves, through Session Manager",
    on=(*_INSTANCES, _TEMPLATE, _CONFIGURATION),
    requirements="8.2.1 8.2.2",
    controls="EC2_NO_AMAZON_KEY_PAIR",
    severity=MEDIUM,
    remedy="remove keyName and use Session Manager, or record an exception",
)
def without_key_pair(instance: Resource) -> Findings:
    return instance["keyName"].must_not_be_given("no key pair")


@rule(
    "ec2-no-public-address",
    "Instances have no public address",
    on=(*_INSTANCES, _TEMPLATE, _CONFIGURATION, "aws.ec2.SpotFleetRequest"),
    requirements="1.4.4 1.3.1 1.4.5",
    controls="EC2_INSTANCE_NO_PUBLIC_IP EC2.25 Autoscaling.5 EC2_LAUNCH_TEMPLATE_PUBLIC_IP_DISABLED",
    severity=HIGH,
    remedy="set associatePublicIpAddress to false and reach the instance through the load balancer or the bastion",
)
def no_public_address(launched: Resource) -> Findings:
    # Not set, the subnet decides, and ec2-subnet-no-public-addresses judges subnets.
    places = [launched["associatePublicIpAddress"]]
    places += [one["associatePublicIpAddress"] for one in launched["launchSpecifications"]]
    places += [card["associatePublicIpAddress"] for card in launched["networkInterfaces"]]
    return [finding for place in places for finding in place.must_be(False, default=False)]


@rule(
    "ec2-no-elastic-address-on-instances",
    "Elastic addresses belong to NAT gateways and load balancers, not to instances",
    on=("aws.ec2.Eip", "aws.ec2.EipAssociation"),
    requirements="1.4.4 1.3.1",
    controls="EC2_INSTANCE_NO_PUBLIC_IP",
    severity=HIGH,
    remedy="reach the instance through the load balancer or the bastion, or record an exception",
)
def no_elastic_address(address: Resource) -> Findings:
    instance = address["instance"] if address.kind == "aws.ec2.Eip" else address["instanceId"]
    return instance.must_not_be_given("no instance")


@rule(
    "ec2-instance-in-subnet",
    "Instances stand in a chosen subnet, never in the default VPC",
    on=_INSTANCES,
    requirements="1.3.1 1.4.1 1.4.4",
    controls="INSTANCES_IN_VPC",
    severity=HIGH,
    remedy="set subnetId",
)
def in_subnet(instance: Resource) -> Findings:
    if not instance["networkInterfaces"].absent or not instance["launchTemplate"].absent:
        return []
    return instance["subnetId"].must_be_given("a subnet of the stack's VPC")


@rule(
    "ec2-instance-profile",
    "Instances have a role of their own",
    on="aws.ec2.Instance",
    requirements="7.2.1 7.2.2 7.2.5",
    controls="EC2_INSTANCE_PROFILE_ATTACHED",
    severity=MEDIUM,
    remedy="set iamInstanceProfile to a profile with the rights that the instance needs",
)
def has_profile(instance: Resource) -> Findings:
    return instance["iamInstanceProfile"].must_be_given("an instance profile")


@rule(
    "ec2-detailed-monitoring",
    "Instances are monitored each minute",
    on=(*_INSTANCES, _TEMPLATE),
    requirements="10.4.1 10.4.1.1 10.7.2",
    controls="EC2_INSTANCE_DETAILED_MONITORING_ENABLED",
    severity=LOW,
    remedy="turn on detailed monitoring",
)
def detailed_monitoring(launched: Resource) -> Findings:
    place = launched["monitoring"]["enabled"] if launched.kind == _TEMPLATE else launched["monitoring"]
    return place.must_be(True)


@rule(
    "ec2-disks-encrypted",
    "Every disk that an instance gets is encrypted",
    on=(*_INSTANCES, _TEMPLATE, _CONFIGURATION),
    requirements="3.5.1 3.5.1.2 8.3.2",
    controls="ENCRYPTED_VOLUMES",
    severity=HIGH,
    remedy="declare the disks with encrypted set to true",
)
def disks_encrypted(launched: Resource) -> Findings:
    if launched.kind == _TEMPLATE:
        mappings = list(launched["blockDeviceMappings"])
        disks = [m["ebs"] for m in mappings if not m["noDevice"].known and not m["virtualName"].known]
        none = launched["blockDeviceMappings"].breach(_DISKS) if not disks else []
    else:
        root = (
            []
            if launched["rootBlockDevice"].absent and launched["launchTemplate"].known
            else [launched["rootBlockDevice"]]
        )
        disks = [*root, *launched["ebsBlockDevices"]]
        none = []
    return none + [finding for disk in disks for finding in disk["encrypted"].must_be(True)]


@rule(
    "ec2-volume-encrypted",
    "Volumes and copies of snapshots are encrypted",
    on=("aws.ebs.Volume", "aws.ebs.SnapshotCopy", "aws.ec2.Ami", "aws.ec2.AmiCopy"),
    requirements="3.5.1 3.5.1.2 8.3.2",
    controls="ENCRYPTED_VOLUMES",
    severity=HIGH,
    remedy="set encrypted to true",
)
def volume_encrypted(volume: Resource) -> Findings:
    if volume.kind == "aws.ec2.Ami":  # of a snapshot the encryption comes with it
        return [
            finding
            for disk in volume["ebsBlockDevices"]
            for finding in disk["encrypted"].must_be(True, default=None if disk["snapshotId"].absent else True)
        ]
    return volume["encrypted"].must_be(True)


@rule(
    "ec2-encryption-by-default",
    "The account encrypts new volumes without being asked",
    on="aws.ebs.EncryptionByDefault",
    requirements="3.5.1 3.5.1.2 8.3.2",
    controls="EC2_EBS_ENCRYPTION_BY_DEFAULT",
    severity=HIGH,
    remedy="set enabled to true",
)
def encryption_by_default(account: Resource) -> Findings:
    return account["enabled"].must_be(True, default=True)  # provider default: true


@rule(
    "ec2-snapshots-and-images-not-public",
    "Snapshots and images are not shared with everyone",
    on=(
        "aws.ec2.AmiLaunchPermission",
        "aws.ec2.SnapshotCreateVolumePermission",
        "aws.ebs.SnapshotBlockPublicAccess",
        "aws.ec2.ImageBlockPublicAccess",
    ),
    requirements="3.5.1.3 10.3.2 7.2.1",
    controls="EBS_SNAPSHOT_PUBLIC_RESTORABLE_CHECK",
    severity=CRITICAL,
    remedy="name the accounts, and block public sharing",
)
def not_shared_with_everyone(shared: Resource) -> Findings:
    if shared.kind == "aws.ec2.AmiLaunchPermission":
        return shared["group"].must_not_be_given("no group")
    if shared.kind == "aws.ec2.SnapshotCreateVolumePermission":
        return shared["accountId"].must_not_be("all", wanted="an account number")
    return shared["state"].must_be("block-all-sharing", "block-new-sharing")


@rule(
    "ec2-volume-in-use",
    "Every volume is attached to an instance",
    about="aws.ebs.Volume",
    requirements="3.2.1",
    controls="EC2_VOLUME_INUSE_CHECK",
    severity=LOW,
    remedy="attach the volume, or delete it with the data on it",
)
def volume_in_use(stack: Stack) -> StackFindings:
    return stack.each_must_have(
        ("aws.ebs.Volume",), ("aws.ec2.VolumeAttachment",), "volumeId", "attached", "attached to nothing"
    )


@rule(
    "ec2-session-documents-not-public",
    "Systems Manager documents are not shared with everyone",
    on="aws.ssm.Document",
    requirements="7.2.1 7.3.1",
    severity=HIGH,
    remedy="name the accounts in permissions.account_ids",
)
def documents_not_public(document: Resource) -> Findings:
    return [
        finding
        for name in ("account_ids", "accountIds")
        for finding in document["permissions"][name].must(
            lambda value: "all" not in str(value).lower(), "named accounts", default="none"
        )
    ]
