"""Lambda: functions."""

from __future__ import annotations

from typing import Final

from ..lifetimes import must_be_supported
from ..reading import Findings
from ..rule import CRITICAL, MEDIUM, Resource, rule

_NAMING_SOURCES: Final = ("sourceAccount", "sourceArn", "principalOrgId")


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
    if any(not access[name].absent and str(access[name].value).strip("*?") != "" for name in _NAMING_SOURCES):
        return []
    return access["principal"].must_not_be("*", wanted="a named principal")


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
