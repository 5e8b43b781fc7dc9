"""AWS Backup."""

from __future__ import annotations

from ..reading import Breach, Findings
from ..rule import MEDIUM, Resource, StackFindings, rule
from ..stack import Stack, at


@rule(
    "backup-vault-encrypted",
    "Backup vaults are encrypted with a customer-managed key",
    on="aws.backup.Vault",
    requirements="3.5.1 8.3.2",
    severity=MEDIUM,
    remedy="set kmsKeyArn to the ARN of a customer-managed key",
)
def vault_encrypted(vault: Resource) -> Findings:
    return vault["kmsKeyArn"].must_name_own_key()


@rule(
    "backup-cannot-be-deleted",
    "Nobody can delete backups by hand",
    about="aws.backup.Vault",
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
