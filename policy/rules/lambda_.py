"""Lambda: functions."""

from __future__ import annotations

from typing import Final

from ..conditions import names_an_owner
from ..lifetimes import must_be_supported
from ..reading import Findings
from ..rule import CRITICAL, MEDIUM, Resource, rule
from ..wildcards import has_wildcard

# Services that call the functions of others for whoever asks them to.
_SERVICES_OF_ANYBODY: Final = (
    "apigateway.amazonaws.com",
    "events.amazonaws.com",
    "iot.amazonaws.com",
    "s3.amazonaws.com",
    "ses.amazonaws.com",
    "sns.amazonaws.com",
)
_SOURCES: Final = (
    ("sourceAccount", lambda text: not has_wildcard(text)),
    ("sourceArn", names_an_owner),
    ("principalOrgId", lambda text: not has_wildcard(text)),
)


@rule(
    "lambda-not-public",
    "Functions cannot be called by everyone",
    on=("aws.lambda.Permission", "aws.lambda.FunctionUrl"),
    requirements="1.3.1 1.4.4 7.2.1 7.2.2",
    controls="Lambda.1 LAMBDA_FUNCTION_PUBLIC_ACCESS_PROHIBITED",
    severity=CRITICAL,
    remedy="name the principal or its source, and let function URLs authorise by AWS_IAM",
)
def not_public(access: Resource) -> Findings:
    if access.kind == "aws.lambda.FunctionUrl":
        return access["authorizationType"].must_be("AWS_IAM")
    if access["functionUrlAuthType"].value == "NONE":
        return access["functionUrlAuthType"].breach("AWS_IAM")
    if any(
        not access[name].absent and (access[name].unknown or names(str(access[name].value))) for name, names in _SOURCES
    ):
        return []
    return access["principal"].must_not_be("*", wanted="a named principal")


@rule(
    "lambda-called-for-named-source",
    "A service that calls a function does so for a named source, not for anybody who uses the service",
    on="aws.lambda.Permission",
    requirements="7.2.1 7.2.2 1.3.1",
    controls="Lambda.1 LAMBDA_FUNCTION_PUBLIC_ACCESS_PROHIBITED",
    severity=MEDIUM,
    remedy="set sourceArn or sourceAccount",
)
def called_for_named_source(permission: Resource) -> Findings:
    if permission["principal"].value not in _SERVICES_OF_ANYBODY:
        return []
    if any(not permission[name].absent for name, _ in _SOURCES):
        return []
    return permission["sourceArn"].must_be_given("the ARN of what calls")


@rule(
    "lambda-supported-runtime",
    "Functions run on a supported runtime",
    on="aws.lambda.Function",
    requirements="6.3.3 12.3.4",
    controls="Lambda.2 LAMBDA_FUNCTION_SETTINGS_CHECK",
    severity=MEDIUM,
    remedy="use a newer runtime",
)
def supported_runtime(function: Resource) -> Findings:
    return must_be_supported(function["runtime"], "lambda")  # a container image has no runtime
