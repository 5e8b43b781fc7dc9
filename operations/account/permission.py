"""May the deploy role do it: the calls that a deployment makes, put to IAM's own simulator."""

from __future__ import annotations

from collections.abc import Iterator

from facts.calls import provider_calls
from operations.account.answers import Answer, Question, failed, passed

DEPLOY_ROLE = "softpos-deploy"
BOOTSTRAP_PATH = "/softpos-bootstrap/"
BOUNDARY = "softpos-workload-boundary"
ACTIONS_AT_ONCE = 50
CONDITIONED = ("iam:", "kms:", "s3:", "secretsmanager:")
"""Services whose permissions hold for named resources and conditions: without those, the simulator says no of all."""


def boundary(asked: Question) -> Iterator[Answer]:
    """The boundary that every role of the stack carries exists."""
    arn = f"arn:aws:iam::{asked.settings.account_id}:policy{BOOTSTRAP_PATH}{BOUNDARY}"
    iam = asked.session.client("iam")
    try:
        iam.get_policy(PolicyArn=arn)
    except iam.exceptions.NoSuchEntityException:
        yield failed("bootstrap", f"{BOUNDARY} does not exist", "set the account up as bootstrap/README.md says")
    else:
        yield passed("bootstrap", f"{BOUNDARY} exists")


def deploy_role(asked: Question) -> Iterator[Answer]:
    """IAM simulates the calls of the stack's types for the deploy role."""
    iam = asked.session.client("iam")
    arn = f"arn:aws:iam::{asked.settings.account_id}:role{BOOTSTRAP_PATH}{DEPLOY_ROLE}"
    used = {one.type for one in asked.recording.resources}
    every = {
        action
        for type_, phases in provider_calls().items()
        if type_ in used
        for one in phases.values()
        for action in one
    }
    actions = sorted(action for action in every if not action.startswith(CONDITIONED))
    denied: list[str] = []
    for start in range(0, len(actions), ACTIONS_AT_ONCE):
        names = actions[start : start + ACTIONS_AT_ONCE]
        region = {
            "ContextKeyName": "aws:RequestedRegion",
            "ContextKeyValues": [asked.settings.region],
            "ContextKeyType": "string",
        }
        answer = iam.simulate_principal_policy(PolicySourceArn=arn, ActionNames=names, ContextEntries=[region])
        denied += [one["EvalActionName"] for one in answer["EvaluationResults"] if one["EvalDecision"] != "allowed"]
    if denied:
        mend = "deploy bootstrap/ again, or ask who limits the account (service control policies)"
        yield failed("deploy role", f"{len(denied)} of {len(actions)} calls denied: {', '.join(denied[:10])}", mend)
    else:
        yield passed("deploy role", f"{len(actions)} calls allowed")
