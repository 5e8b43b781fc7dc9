"""What the verdicts say of the product's pods and load balancer is what the components are."""

from __future__ import annotations

import pytest

from components.edge import public_edge
from components.service import application_pod, softpos_service
from operations.openshift import limits


@pytest.mark.parametrize(
    ("told", "real"),
    [
        (limits.PORT, application_pod.APPLICATION_PORT),
        (limits.USER_ID, application_pod.USER_ID),
        (limits.GRACE_SECONDS, application_pod.GRACE_SECONDS),
        (f"{limits.SCRATCH_MEBIBYTES}Mi", application_pod.SCRATCH),
        (limits.CPU_TARGET_PERCENT, softpos_service.CPU_TARGET_PERCENT),
        (limits.HSTS, public_edge.HSTS),
    ],
)
def test_a_number_that_is_told_is_the_component_s(told: object, real: object) -> None:
    assert told == real
