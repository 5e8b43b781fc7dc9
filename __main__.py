"""SoftPOS on AWS: settings in, components wired, outputs out."""

import pulumi
import pulumi_aws as aws

import settings as configuration
from components.encryption_keys import EncryptionKeys, EncryptionKeysArgs
from components.log_storage import LogStorage
from components.placement import Placement
from components.secure_vpc import SecureVpc, SecureVpcArgs

settings = configuration.load()

placement = Placement(
    stack=settings.stack,
    region=settings.region,
    account_id=settings.account_id,
    production=settings.production,
    owner=settings.owner,
    cost_centre=settings.cost_centre,
)
provider = aws.Provider(
    "aws",
    region=settings.region,
    allowed_account_ids=[settings.account_id],
    default_tags=aws.ProviderDefaultTagsArgs(tags=placement.default_tags),
)
in_account = pulumi.ResourceOptions(provider=provider)

keys = EncryptionKeys("keys", EncryptionKeysArgs(placement=placement), in_account)
logs = LogStorage(placement=placement, key_arn=keys.logs.arn, retention_days=settings.audit.log_retention_days)
network = SecureVpc(
    "network",
    SecureVpcArgs(
        placement=placement,
        logs=logs,
        cidr=settings.network.vpc_cidr,
        availability_zones=settings.network.availability_zones,
        nat=settings.network.nat,
        trusted_cidrs=tuple(map(str, settings.bastion.trusted_cidrs)),
        on_premises_cidrs=settings.vpn.on_premises_cidrs,
    ),
    in_account,
)

pulumi.export("vpcId", network.vpc_id)
