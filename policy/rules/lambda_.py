"""Lambda: functions."""

from __future__ import annotations

from typing import Final

from ..reading import Findings
from ..rule import CRITICAL, MEDIUM, Resource, rule

# Runtimes past their end of support on AWS's calendar, by prefix or name.
_UNSUPPORTED: Final = (
    "dotnet5",
    "dotnet6",
    "dotnetcore",
    "go1.x",
    "java8",
    "nodejs10",
    "nodejs12",
    "nodejs14",
    "nodejs16",
    "nodejs18",
    "nodejs20",
    "nodejs4",
    "nodejs6",
    "nodejs8",
    "provided.al2018",
    "python2",
    "python3.6",
    "python3.7",
    "python3.8",
    "python3.9",
    "ruby2",
)
_STILL_SUPPORTED: Final = ("java8.al2",)
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
    if any(not access[name].absent for name in _NAMING_SOURCES):
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
    if function["runtime"].absent:
        return []  # a container image
    return function["runtime"].must(
        lambda name: str(name) in _STILL_SUPPORTED or not str(name).startswith(_UNSUPPORTED), "a supported runtime"
    )
