"""Systems Manager: parameters, and what is shared."""

from __future__ import annotations

from ..reading import Findings, SecretText
from ..rule import HIGH, MEDIUM, Resource, rule


@rule(
    "ssm-secret-encrypted",
    "Parameters that hold a secret are of type SecureString",
    on="aws.ssm.Parameter",
    requirements="8.3.2 8.6.2 3.5.1",
    severity=HIGH,
    remedy="set type to SecureString and keyId to a customer-managed key",
)
def secret_encrypted(parameter: Resource) -> Findings:
    # A Pulumi secret is encrypted in the state, but stands in the account as the type says.
    return parameter["type"].must_be("SecureString") if isinstance(parameter["value"].value, SecretText) else []


@rule(
    "ssm-own-key",
    "Secure parameters are encrypted with a customer-managed key",
    on="aws.ssm.Parameter",
    requirements="3.5.1 8.3.2",
    severity=MEDIUM,
    remedy="set keyId to the ARN of a customer-managed key",
)
def own_key(parameter: Resource) -> Findings:
    return parameter["keyId"].must_name_own_key() if parameter["type"].value == "SecureString" else []


@rule(
    "ssm-documents-cannot-be-shared",
    "The account lets nobody share its documents with everyone",
    on="aws.ssm.ServiceSetting",
    requirements="7.2.1 7.3.1",
    severity=HIGH,
    remedy="set settingValue to Disable",
)
def documents_cannot_be_shared(setting: Resource) -> Findings:
    if not str(setting["settingId"].value).endswith("/documents/console/public-sharing-permission"):
        return []
    return setting["settingValue"].must_be("Disable")
