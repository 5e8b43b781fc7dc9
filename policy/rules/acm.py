"""ACM: certificates."""

from __future__ import annotations

from ..reading import Findings
from ..rule import MEDIUM, Resource, rule


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
    if not certificate["certificateAuthorityArn"].absent or not certificate["certificateBody"].absent:
        return []  # a private certificate is renewed without validation, an imported one by whoever imports it
    return certificate["validationMethod"].must_be("DNS")
