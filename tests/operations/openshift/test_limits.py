"""What the verdicts say of the product's pods and load balancer is what the components are."""

from __future__ import annotations

import pytest

from components.edge import public_edge
from components.service import application_pod, declaration, softpos_service
from operations.openshift import limits

DEFAULT = declaration.simple("", "/health", 2, 6)


@pytest.mark.parametrize(
    ("told", "real"),
    [
        (limits.PORT, DEFAULT.port),
        (limits.USER_ID, application_pod.USER_ID),
        (limits.GRACE_SECONDS, application_pod.grace_seconds(DEFAULT)),
        (f"{limits.SCRATCH_MEBIBYTES}Mi", DEFAULT.scratch),
        (limits.FILES_KIBIBYTES * 1024, declaration.LARGEST_FILES),
        (limits.CPU_TARGET_PERCENT, softpos_service.CPU_TARGET_PERCENT),
        (limits.HSTS, public_edge.HSTS),
    ],
)
def test_a_number_that_is_told_is_the_component_s(told: object, real: object) -> None:
    assert told == real
