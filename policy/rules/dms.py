"""Database Migration Service."""

from __future__ import annotations

from ..reading import Findings
from ..rule import HIGH, Resource, rule


@rule(
    "dms-endpoint-tls",
    "Migration endpoints verify the server's certificate",
    on="aws.dms.Endpoint",
    requirements="4.2.1 2.2.7 8.3.2",
    controls="DMS.9 DMS_ENDPOINT_SSL_CONFIGURED",
    severity=HIGH,
    remedy="set sslMode to verify-full (or verify-ca) and certificateArn to the authority's certificate",
)
def endpoint_tls(endpoint: Resource) -> Findings:
    return endpoint["sslMode"].must_be("verify-full", "verify-ca") or endpoint["certificateArn"].must_be_given(
        "the certificate of the server's authority"
    )
