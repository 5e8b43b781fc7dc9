"""CloudFront: a public way in beside the load balancer, for programs that use it."""

from __future__ import annotations

from typing import Final

from ..reading import Findings
from ..rule import HIGH, MEDIUM, Resource, rule

_DISTRIBUTION: Final = "aws.cloudfront.Distribution"
_STRONG_PREFIXES: Final = ("TLSv1.2_2", "TLSv1.3")


@rule(
    "cloudfront-https",
    "Distributions take HTTPS; plain HTTP is at most redirected to HTTPS",
    on=_DISTRIBUTION,
    requirements="4.2.1 2.2.7",
    controls="CloudFront.3",
    severity=HIGH,
    remedy="set viewerProtocolPolicy to https-only or redirect-to-https",
)
def https(distribution: Resource) -> Findings:
    behaviours = [distribution["defaultCacheBehavior"], *distribution["orderedCacheBehaviors"]]
    return [
        finding
        for behaviour in behaviours
        for finding in behaviour["viewerProtocolPolicy"].must_be("https-only", "redirect-to-https")
    ]


@rule(
    "cloudfront-tls-policy",
    "Distributions speak TLS 1.2 and newer only, with a certificate of their own",
    on=_DISTRIBUTION,
    requirements="4.2.1 2.2.7 8.3.2",
    severity=HIGH,
    remedy="set acmCertificateArn and minimumProtocolVersion TLSv1.2_2021 in viewerCertificate",
)
def tls_policy(distribution: Resource) -> Findings:
    # AWS's own certificate always comes with TLS 1.0.
    certificate = distribution["viewerCertificate"]
    return certificate["cloudfrontDefaultCertificate"].must_be(False, default=False) + certificate[
        "minimumProtocolVersion"
    ].must(lambda version: str(version).startswith(_STRONG_PREFIXES), "TLSv1.2_2021 or newer")


@rule(
    "cloudfront-origins-tls",
    "Distributions fetch from their origins by TLS 1.2 and newer",
    on=_DISTRIBUTION,
    requirements="4.2.1 2.2.7",
    controls="CloudFront.9 CloudFront.10",
    severity=HIGH,
    remedy="set originProtocolPolicy to https-only and originSslProtocols to [TLSv1.2]",
)
def origins_tls(distribution: Resource) -> Findings:
    findings: Findings = []
    for origin in distribution["origins"]:
        custom = origin["customOriginConfig"]
        if custom.absent:
            continue
        findings += custom["originProtocolPolicy"].must_be("https-only")
        for protocol in custom["originSslProtocols"]:
            findings += protocol.must_not_be("SSLv3", "TLSv1", "TLSv1.1", wanted="TLSv1.2")
    return findings


@rule(
    "cloudfront-origin-access-control",
    "Buckets behind a distribution are reached with its identity, so that they need not be public",
    on=_DISTRIBUTION,
    requirements="1.3.1 1.4.4 7.2.1",
    severity=HIGH,
    remedy="set originAccessControlId",
)
def origin_access_control(distribution: Resource) -> Findings:
    return [
        finding
        for origin in distribution["origins"]
        if _is_bucket(str(origin["domainName"].value)) and origin["customOriginConfig"].absent
        if origin["s3OriginConfig"]["originAccessIdentity"].absent
        for finding in origin["originAccessControlId"].must_be_given("an origin access control")
    ]


def _is_bucket(domain: str) -> bool:
    return ".s3." in domain or ".s3-" in domain


@rule(
    "cloudfront-firewall",
    "Distributions have a web ACL",
    on=_DISTRIBUTION,
    requirements="6.4.2",
    controls="CloudFront.6",
    severity=HIGH,
    remedy="set webAclId to the ARN of a web ACL of scope CLOUDFRONT",
)
def firewall(distribution: Resource) -> Findings:
    return distribution["webAclId"].must_be_given("a web ACL")


@rule(
    "cloudfront-access-logs",
    "Distributions write access logs",
    on=_DISTRIBUTION,
    requirements="10.2.1 10.2.1.4 10.2.2 10.4.2",
    controls="CloudFront.5",
    severity=MEDIUM,
    remedy="set loggingConfig.bucket",
)
def access_logs(distribution: Resource) -> Findings:
    return distribution["loggingConfig"]["bucket"].must_be_given("a bucket")
