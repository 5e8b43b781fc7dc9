"""Inspector."""

from __future__ import annotations

from ..reading import Findings
from ..rule import MEDIUM, Resource, StackFindings, rule
from ..stack import Stack


@rule(
    "inspector-scans",
    "Inspector scans instances and images for vulnerabilities",
    on="aws.inspector2.Enabler",
    requirements="11.3.1 6.3.1",
    controls="Inspector.1 Inspector.2",
    severity=MEDIUM,
    remedy="list EC2 and ECR in resourceTypes",
)
def inspector_scans(enabler: Resource) -> Findings:
    return enabler["resourceTypes"].must_include("EC2", "ECR")


@rule(
    "inspector-scans-functions",
    "Where the stack has functions, Inspector scans them and their code",
    about="aws.lambda.Function",
    requirements="6.2.4 6.3.1",
    controls="Inspector.3 Inspector.4",
    severity=MEDIUM,
    remedy="list LAMBDA and LAMBDA_CODE in resourceTypes",
)
def inspector_scans_functions(stack: Stack) -> StackFindings:
    return [
        (enabler, finding)
        for enabler in stack.of("aws.inspector2.Enabler")
        for finding in enabler["resourceTypes"].must_include("LAMBDA", "LAMBDA_CODE")
    ]
