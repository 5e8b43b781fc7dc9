"""KMS, Secrets Manager and ACM: keys, secrets and certificates."""

from __future__ import annotations

from typing import Final

from ..reading import Breach, Findings
from ..rule import LOW, MEDIUM, Resource, StackFindings, rule
from ..stack import Stack, at

_KEY: Final = "aws.kms.Key"
_SECRET: Final = "aws.secretsmanager.Secret"  # noqa: S105 a kind of resource
_ROTATION: Final = "aws.secretsmanager.SecretRotation"
_KEY_MANAGEMENT: Final = "3.6.1 3.7.1 3.7.4"


@rule(
    "kms-rotation",
    "Keys are rotated each year",
    on=_KEY,
    requirements="3.7.4 3.7.5",
    controls="KMS.4 CMK_BACKING_KEY_ROTATION_ENABLED",
    severity=MEDIUM,
    remedy="set enableKeyRotation to true",
)
def rotation(key: Resource, *, maximum_days: int = 365) -> Findings:
    spec = key["customerMasterKeySpec"].value
    if spec not in (None, "SYMMETRIC_DEFAULT") or not key["customKeyStoreId"].absent:
        return []  # KMS rotates symmetric keys of its own store only
    # AWS default of the period: 365 days.
    return key["enableKeyRotation"].must_be(True) or key["rotationPeriodInDays"].must_be_at_most(
        maximum_days, "days", default=365
    )


@rule(
    "kms-key-kept",
    "Keys stay on, and a deletion can be stopped for weeks",
    on=(_KEY, "aws.kms.ReplicaKey", "aws.kms.ExternalKey"),
    requirements=_KEY_MANAGEMENT,
    controls="KMS_CMK_NOT_SCHEDULED_FOR_DELETION",
    severity=MEDIUM,
    remedy="leave isEnabled on and set deletionWindowInDays to 30",
)
def key_kept(key: Resource, *, minimum_days: int = 14) -> Findings:
    enabled = key["isEnabled"] if key.kind == _KEY else key["enabled"]
    return (
        enabled.must_be(True, default=True)  # provider default
        + key["deletionWindowInDays"].must_be_at_least(minimum_days, "days", default=30)  # AWS default
        + key["bypassPolicyLockoutSafetyCheck"].must_be(False, default=False)  # provider default
    )


@rule(
    "secrets-own-key",
    "Secrets are encrypted with a customer-managed key",
    on=_SECRET,
    requirements="3.5.1 8.3.2",
    controls="SECRETSMANAGER_USING_CMK",
    severity=MEDIUM,
    remedy="set kmsKeyId to the ARN of a customer-managed key",
)
def own_key(secret: Resource) -> Findings:
    return secret["kmsKeyId"].must_be_given("a customer-managed key")


@rule(
    "secrets-rotated",
    "Every secret is rotated by itself",
    requirements="8.3.9 8.6.3",
    controls="SecretsManager.1 SECRETSMANAGER_ROTATION_ENABLED_CHECK",
    severity=MEDIUM,
    remedy="add a secretsmanager.SecretRotation, or record an exception that says who changes it and when",
)
def rotated(stack: Stack) -> StackFindings:
    return stack.each_must_have((_SECRET,), (_ROTATION,), "secretId", "a rotation", "without a rotation")


@rule(
    "secrets-rotation-period",
    "Rotation is at least every 90 days",
    on=_ROTATION,
    requirements="8.3.9 8.6.3",
    controls="SecretsManager.4 SECRETSMANAGER_SECRET_PERIODIC_ROTATION",
    severity=MEDIUM,
    remedy="set rotationRules with automaticallyAfterDays or a rate of at most 90 days, and leave rotation enabled",
)
def rotation_period(rotation: Resource, *, maximum_days: int = 90) -> Findings:
    rules = rotation["rotationRules"]
    enabled = rotation["rotationEnabled"].must_be(True, default=True)  # provider default
    schedule = rules["scheduleExpression"]
    if schedule.absent:
        return enabled + rules["automaticallyAfterDays"].must_be_at_most(maximum_days, "days")
    return enabled + schedule.must(lambda text: _days(str(text)) <= maximum_days, f"at most {maximum_days:g} days")


def _days(schedule: str) -> float:
    """The days between two rotations, from `rate(30 days)`; a cron line runs monthly unless it names months."""
    words = schedule.replace("(", " ").replace(")", " ").split()
    if words[:1] == ["rate"] and len(words) == 3 and words[1].isdigit():
        return float(words[1]) * {"hour": 1 / 24, "hours": 1 / 24}.get(words[2], 1)
    if words[:1] == ["cron"] and len(words) == 7:
        return 31 if words[4] in ("*", "1/1", "*/1") else 366
    return float("inf")


@rule(
    "acm-strong-key",
    "Certificates have RSA keys of 2048 bits or more, or elliptic curves",
    on="aws.acm.Certificate",
    requirements="4.2.1 3.7.1",
    controls="ACM.2 ACM_CERTIFICATE_RSA_CHECK",
    severity=MEDIUM,
    remedy="set keyAlgorithm to RSA_2048 or EC_prime256v1",
)
def strong_key(certificate: Resource) -> Findings:
    # AWS default: RSA_2048.
    return certificate["keyAlgorithm"].must_not_be("RSA_1024", wanted="RSA_2048 or stronger", default="RSA_2048")


@rule(
    "acm-renews-itself",
    "Certificates are validated by DNS, so that ACM renews them before they expire",
    on="aws.acm.Certificate",
    requirements="4.2.1 4.2.1.1",
    controls="ACM.1 ACM_CERTIFICATE_EXPIRATION_CHECK",
    severity=MEDIUM,
    remedy="set validationMethod to DNS",
)
def renews_itself(certificate: Resource) -> Findings:
    if not certificate["certificateAuthorityArn"].absent:
        return []  # a private certificate is renewed without validation
    return certificate["validationMethod"].must_be("DNS")


@rule(
    "sns-encrypted",
    "Topics are encrypted with a customer-managed key",
    on="aws.sns.Topic",
    requirements="3.5.1 8.3.2",
    controls="SNS_ENCRYPTED_KMS",
    severity=MEDIUM,
    remedy="set kmsMasterKeyId to a customer-managed key",
)
def topic_encrypted(topic: Resource) -> Findings:
    key = topic["kmsMasterKeyId"]
    return key.must_be_given("a customer-managed key") or (
        [] if key.unknown else key.must_not_be("alias/aws/sns", wanted="a customer-managed key")
    )


@rule(
    "sns-delivery-logged",
    "Topics log deliveries that fail",
    on="aws.sns.Topic",
    requirements="10.4.2 10.7.2 11.5.2",
    controls="SNS_TOPIC_MESSAGE_DELIVERY_NOTIFICATION_ENABLED",
    severity=LOW,
    remedy="set the failure feedback role of a protocol that the topic uses, such as lambdaFailureFeedbackRoleArn",
)
def delivery_logged(topic: Resource) -> Findings:
    roles = [topic[f"{protocol}FailureFeedbackRoleArn"] for protocol in _PROTOCOLS]
    if any(not role.absent for role in roles):
        return []
    return roles[0].must_be_given("a failure feedback role for a protocol")


_PROTOCOLS: Final = ("lambda", "http", "sqs", "firehose", "application")


@rule(
    "sns-subscription-encrypted",
    "Messages leave by encrypted protocols",
    on="aws.sns.TopicSubscription",
    requirements="4.2.1 2.2.7",
    severity=MEDIUM,
    remedy="use https instead of http",
)
def subscription_encrypted(subscription: Resource) -> Findings:
    return subscription["protocol"].must_not_be("http", wanted="https")


@rule(
    "backup-vault-encrypted",
    "Backup vaults are encrypted with a customer-managed key",
    on="aws.backup.Vault",
    requirements="3.5.1 8.3.2",
    severity=MEDIUM,
    remedy="set kmsKeyArn to the ARN of a customer-managed key",
)
def vault_encrypted(vault: Resource) -> Findings:
    return vault["kmsKeyArn"].must_be_given("a customer-managed key")


@rule(
    "backup-cannot-be-deleted",
    "Nobody can delete backups by hand",
    requirements="10.3.2 10.3.3 3.5.1.3",
    controls="BACKUP_RECOVERY_POINT_MANUAL_DELETION_DISABLED",
    severity=MEDIUM,
    remedy="add a backup.VaultLockConfiguration, or a backup.VaultPolicy that denies backup:DeleteRecoveryPoint",
)
def backup_cannot_be_deleted(stack: Stack) -> StackFindings:
    locked, blurred = stack.linked(
        ("aws.backup.VaultLockConfiguration", "aws.backup.VaultPolicy"), "backupVaultName", ("aws.backup.Vault",)
    )
    return [
        (vault, Breach("", "without a lock", "a lock, or a policy against deletion"))
        for vault in stack.of("aws.backup.Vault")
        if not blurred and not any(_guards(guard) for guard in locked.get(vault.urn, []))
    ]


def _guards(guard: Resource) -> bool:
    return guard.kind == "aws.backup.VaultLockConfiguration" or "DeleteRecoveryPoint" in str(at(guard, "policy").value)
