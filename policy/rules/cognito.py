"""Cognito: how customers of a shop sign in."""

from __future__ import annotations

from typing import Final

from ..reading import Findings
from ..rule import HIGH, MEDIUM, Resource, rule

_PASSWORDS: Final = "passwordPolicy"


@rule(
    "cognito-strong-sign-in",
    "User pools ask for twelve characters and a second factor",
    on="aws.cognito.UserPool",
    requirements="8.3.6 8.4.2 8.5.1",
    severity=HIGH,
    remedy="set passwordPolicy with minimumLength 12 and mixed characters, and mfaConfiguration to ON",
)
def cognito_strong_sign_in(pool: Resource) -> Findings:
    passwords = pool[_PASSWORDS]
    # Defaults of Cognito: 8 characters, all kinds, no second factor.
    findings = passwords["minimumLength"].must_be_at_least(12, "characters", default=8)
    if not passwords.absent:
        for name in ("requireLowercase", "requireNumbers", "requireUppercase"):
            findings += passwords[name].must_be(True, default=True)
    return findings + pool["mfaConfiguration"].must_be("ON", "OPTIONAL", default="OFF")


@rule(
    "cognito-client-flows",
    "User pool clients send no password and no token in clear or in an address",
    on="aws.cognito.UserPoolClient",
    requirements="8.3.2 4.2.1 6.2.4",
    severity=MEDIUM,
    remedy="use the code flow and SRP, and addresses with https",
)
def cognito_client_flows(client: Resource) -> Findings:
    findings = [f for flow in client["allowedOauthFlows"] for f in flow.must_not_be("implicit", wanted="code")]
    findings += [
        finding
        for flow in client["explicitAuthFlows"]
        for finding in flow.must_not_be("USER_PASSWORD_AUTH", "ALLOW_USER_PASSWORD_AUTH", wanted="ALLOW_USER_SRP_AUTH")
    ]
    return findings + [
        finding
        for name in ("callbackUrls", "logoutUrls")
        for url in client[name]
        for finding in url.must(
            lambda text: not str(text).startswith("http://") or str(text).startswith("http://localhost"), "https"
        )
    ]
