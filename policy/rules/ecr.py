"""ECR: the registry of container images."""

from __future__ import annotations

from ..reading import Findings
from ..rule import LOW, MEDIUM, Resource, StackFindings, rule
from ..stack import Stack


@rule(
    "ecr-scan-on-push",
    "Images are scanned when they are pushed",
    on="aws.ecr.Repository",
    requirements="6.2.3 6.2.4 11.3.1",
    controls="ECR.1 ECR_PRIVATE_IMAGE_SCANNING_ENABLED",
    severity=MEDIUM,
    remedy="set imageScanningConfiguration.scanOnPush to true",
)
def scan_on_push(repository: Resource) -> Findings:
    # Not set, the registry decides: ecr-images-scanned judges both together.
    return repository["imageScanningConfiguration"]["scanOnPush"].must_be(True, default=True)


@rule(
    "ecr-images-scanned",
    "Images are scanned, by the repository's word or by the registry's",
    about="aws.ecr.Repository",
    requirements="6.2.3 6.2.4 11.3.1",
    controls="ECR.1 ECR_PRIVATE_IMAGE_SCANNING_ENABLED",
    severity=MEDIUM,
    remedy="set imageScanningConfiguration.scanOnPush to true, or scan in ecr.RegistryScanningConfiguration",
)
def images_scanned(stack: Stack) -> StackFindings:
    registry = any(not entry["rules"].absent for entry in stack.of("aws.ecr.RegistryScanningConfiguration"))
    return [
        (repository, finding)
        for repository in stack.of("aws.ecr.Repository")
        if not registry and repository["imageScanningConfiguration"].absent
        for finding in repository["imageScanningConfiguration"]["scanOnPush"].must_be(True)
    ]


@rule(
    "ecr-immutable-tags",
    "An image's tag cannot be moved to another image",
    on="aws.ecr.Repository",
    requirements="6.5.1 11.5.2",
    severity=MEDIUM,
    remedy="set imageTagMutability to IMMUTABLE",
)
def immutable_tags(repository: Resource) -> Findings:
    return repository["imageTagMutability"].must_be("IMMUTABLE", "IMMUTABLE_WITH_EXCLUSION")


@rule(
    "ecr-lifecycle",
    "Every repository says how long it keeps images",
    about="aws.ecr.Repository",
    requirements="3.2.1",
    controls="ECR_PRIVATE_LIFECYCLE_POLICY_CONFIGURED",
    severity=LOW,
    remedy="add an ecr.LifecyclePolicy",
)
def lifecycle(stack: Stack) -> StackFindings:
    return stack.each_must_have(
        ("aws.ecr.Repository",),
        ("aws.ecr.LifecyclePolicy",),
        "repository",
        "a lifecycle policy",
        "without a lifecycle policy",
    )
