"""Step Functions."""

from __future__ import annotations

from ..reading import Findings
from ..rule import MEDIUM, Resource, rule


@rule(
    "stepfunctions-logged",
    "State machines write logs, without the data that passes through them",
    on="aws.sfn.StateMachine",
    requirements="10.4.2 10.2.1",
    controls="StepFunctions.1 STEP_FUNCTIONS_STATE_MACHINE_LOGGING_ENABLED",
    severity=MEDIUM,
    remedy="set loggingConfiguration.level to ALL, ERROR or FATAL and includeExecutionData to false",
)
def state_machine_logged(machine: Resource) -> Findings:
    logging = machine["loggingConfiguration"]
    return logging["level"].must_be("ALL", "ERROR", "FATAL") + logging["includeExecutionData"].must_be(
        False, default=False
    )
