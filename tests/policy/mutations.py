"""The mutation run: the recorded program of prod, broken one property at a time, and which rules catch it.

Rules on single resources use the changes of the truth tables, applied to the first recorded resource of the kind that
they fit. Rules over the stack use the changes below. `python -m tests.policy.mutations` prints the score.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from policy import pack
from policy.judgement import Judgement
from policy.reading import UNKNOWN, plain_from_wire, sentinels_to_unknown
from policy.rule import EVERY_KIND, Resource, Rule, kind_of
from policy.stack import Stack
from recording import recorder as recording
from tests.policy.cases import Row, changed
from tests.policy.cases.resources import Properties, token, urn
from tests.policy.test_evasions import EVASIONS
from tests.policy.test_rules import EXISTENCE_IS_THE_BREACH, ROWS
from tests.recorded import recorded

ROOT = Path(__file__).parents[2]
Program = Sequence[Resource]
Mutation = Callable[[Program], Program]
Change = Callable[[Properties], Properties | None]


@dataclass(frozen=True)
class Outcome:
    """What became of a rule: caught by exactly the rules expected, missed, or without anything to break."""

    rule: str
    tried: int
    caught: int
    missed: tuple[str, ...]


def record(stack: str = "prod") -> tuple[recording.Resource, ...]:
    """Everything that the real program registers."""
    return recorded(stack).resources


def as_deployed(recorded: Sequence[recording.Resource]) -> list[Resource]:
    """The program as the policy pack sees it when every value is known."""
    return [_as_judged(resource, plain_from_wire(resource.wire_inputs.fields)) for resource in recorded]


def as_previewed(recorded: Sequence[recording.Resource]) -> list[Resource]:
    """The program as a first preview shows it: what other resources will only be given by AWS is unknown."""
    given_by_aws = {resource.id for resource in recorded} | {
        value
        for resource in recorded
        for name, value in resource.outputs.items()
        if name not in resource.inputs and isinstance(value, str)
    }
    long = [value for value in given_by_aws if len(value) > _TELLING]

    def seen(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: seen(item) for key, item in value.items()}
        if isinstance(value, list):
            return [seen(item) for item in value]
        return UNKNOWN if isinstance(value, str) and any(part in value for part in long) else value

    return [
        _as_judged(
            resource,
            {
                name: seen(value) if resource.property_dependencies.get(name) else value
                for name, value in plain_from_wire(resource.wire_inputs.fields).items()
            },
        )
        for resource in recorded
    ]


_TELLING = 6  # characters: a shorter text can stand in a property without coming from the other resource


def _as_judged(resource: recording.Resource, properties: dict[str, Any]) -> Resource:
    return Resource(
        resource.type,
        resource.name,
        resource.urn,
        properties,
        parent=resource.parent,
        dependencies=resource.dependencies,
        property_dependencies=resource.property_dependencies,
    )


def copy(resource: Resource, **changes: object) -> Resource:
    given = {name: getattr(resource, name) for name in ("parent", "dependencies", "property_dependencies")}
    properties = changes.pop("properties", resource.value)
    return Resource(resource.type, resource.name, resource.urn, properties, **{**given, **changes})  # type: ignore[arg-type]


def dropped(kind: str, name: str = "", keep: int = 0) -> Mutation:
    """The program without the resources of a kind (of those whose name contains `name`), but for the first `keep`."""

    def mutate(program: Program) -> Program:
        gone = [resource.urn for resource in program if resource.kind == kind and name in resource.name][keep:]
        return [resource for resource in program if resource.urn not in gone] if gone else program

    return mutate


def given(kind: str, path: str, value: object, name: str = "") -> Mutation:
    """The program with a property of the first resource of a kind (whose name contains `name`) changed."""

    def mutate(program: Program) -> Program:
        first = next((one for one in program if one.kind == kind and name in one.name), None)
        if first is None:
            return program
        kept = {key: urns for key, urns in first.property_dependencies.items() if key != path}
        broken = copy(first, properties=changed(first.value, path, value), property_dependencies=kept)
        return [broken if one is first else one for one in program]

    return mutate


def repointed(kind: str, name: str, path: str, target: tuple[str, str]) -> Mutation:
    """The program with a reference of one resource led to another resource."""

    def mutate(program: Program) -> Program:
        source = next((one for one in program if one.kind == kind and name in one.name), None)
        aim = next((one for one in program if one.kind == target[0] and target[1] in one.name), None)
        if source is None or aim is None:
            return program
        references = {**source.property_dependencies, path: (aim.urn,)}
        value = [aim.urn] if path.endswith("s") else aim.urn
        broken = copy(source, properties={**source.value, path: value}, property_dependencies=references)
        return [broken if one is source else one for one in program]

    return mutate


def added(kind: str, **properties: object) -> Mutation:
    """The program with one more resource."""
    return lambda program: [*program, Resource(token(kind), "stray", urn(token(kind), "stray"), properties)]


def beside(kind: str, mutation: Mutation) -> Mutation:
    """A mutation that means something only in a program with a resource of the kind."""
    return lambda program: mutation(program) if kind in kinds_of(program) else program


def _parameter(name: str, value: str) -> Change:
    """Database parameters by name: their order is the program's own."""

    def change(properties: Properties) -> Properties | None:
        parameters = properties.get("parameters", [])
        if not any(parameter["name"] == name for parameter in parameters):
            return None
        broken = [{**parameter, "value": value} if parameter["name"] == name else parameter for parameter in parameters]
        return {**properties, "parameters": broken}

    return change


def _other_vendor(properties: Properties) -> Properties:
    rules = json.loads(
        json.dumps(properties["rules"]).replace('"Fortinet"', '"Somebody"').replace('"AWS"', '"Somebody"')
    )
    return {**properties, "rules": rules}


def _open_acl(properties: Properties) -> Properties:
    everything = {"ruleNo": 1, "action": "allow", "protocol": "-1", "fromPort": 0, "toPort": 0}
    return {**properties, "ingress": [{**everything, "cidrBlock": "0.0.0.0/0"}, *properties.get("ingress", [])]}


# Where the truth table's change does not fit the shape that the program gives the property: the same breach for it.
PROGRAM_CHANGES: dict[str, tuple[str, Change]] = {
    "cloudtrail-data-events": ("aws.cloudtrail.Trail", lambda trail: {**trail, "advancedEventSelectors": []}),
    "rds-tls-required": ("aws.rds.ClusterParameterGroup", _parameter("require_secure_transport", "OFF")),
    "rds-access-audited": ("aws.rds.ClusterParameterGroup", _parameter("server_audit_logging", "0")),
    "rds-no-statement-text": ("aws.rds.ClusterParameterGroup", _parameter("server_audit_events", "CONNECT,QUERY")),
    "ec2-network-acl-closed-to-administration": ("aws.ec2.NetworkAcl", _open_acl),
    "wafv2-fortinet-rules": ("aws.wafv2.WebAcl", _other_vendor),
}


def _tokens_given(program: Program) -> Program:
    """The program with the word about tokens taken out of every deployment."""

    def silent(resource: Resource) -> Resource:
        spec = resource.value["spec"]
        pod = {key: value for key, value in spec["template"]["spec"].items() if key != "automountServiceAccountToken"}
        template = {**spec["template"], "spec": {**pod, "serviceAccountName": "another"}}
        return copy(resource, properties={**resource.value, "spec": {**spec, "template": template}})

    return [silent(one) if one.kind == "kubernetes.Deployment" else one for one in program]


_BUCKET_PARTS = {
    "s3-bucket-public-access-block": "BucketPublicAccessBlock",
    "s3-bucket-policy": "BucketPolicy",
    "s3-bucket-encryption": "BucketServerSideEncryptionConfiguration",
    "s3-bucket-versioning": "BucketVersioning",
    "s3-bucket-access-logs": "BucketLogging",
    "s3-bucket-lifecycle": "BucketLifecycleConfiguration",
}

STACK_MUTATIONS: dict[str, Mutation] = {
    "ec2-default-security-group-managed": dropped("aws.ec2.DefaultSecurityGroup"),
    "ec2-vpc-flow-logs": dropped("aws.ec2.FlowLog"),
    "ec2-network-acl-in-use": given("aws.ec2.NetworkAcl", "subnetIds", []),
    "ec2-volume-in-use": dropped("aws.ec2.VolumeAttachment"),
    "ec2-nat-gateway-per-zone": dropped("aws.ec2.NatGateway", keep=1),
    "ec2-data-tier-without-internet": repointed(
        "aws.ec2.RouteTableAssociation", "data", "routeTableId", ("aws.ec2.RouteTable", "public")
    ),
    "ec2-data-not-next-to-the-internet": repointed(
        "aws.vpc.SecurityGroupIngressRule", "database", "referencedSecurityGroupId", ("aws.ec2.SecurityGroup", "edge")
    ),
    "wafv2-attached-to-load-balancers": dropped("aws.wafv2.WebAclAssociation"),
    "apigateway-firewall": beside("aws.apigateway.Stage", dropped("aws.wafv2.WebAclAssociation")),
    "wafv2-has-rules": given("aws.wafv2.WebAcl", "rules", []),
    "wafv2-logged": dropped("aws.wafv2.WebAclLoggingConfiguration"),
    "rds-cluster-has-reader": dropped("aws.rds.ClusterInstance", keep=1),
    "rds-event-subscriptions": dropped("aws.rds.EventSubscription", keep=1),
    "eks-nodes-with-agent": given("aws.ec2.LaunchTemplate", "userData", "IyEvYmluL2Jhc2gKZWNobyBub3RoaW5nIGF0IGFsbAo="),
    "eks-network-policies-enforced": given("aws.eks.Addon", "configurationValues", "{}", name="vpc-cni"),
    "ecr-lifecycle": dropped("aws.ecr.LifecyclePolicy"),
    "dms-behind-vpn": dropped("aws.ec2.VpnConnection"),
    "cloudtrail-present": dropped("aws.cloudtrail.Trail"),
    "s3-audit-bucket-locked": dropped("aws.s3.BucketObjectLockConfiguration"),
    **{rule: dropped(f"aws.s3.{part}") for rule, part in _BUCKET_PARTS.items()},
    "secrets-rotated": added("aws.secretsmanager.Secret", kmsKeyId="key"),
    "backup-cannot-be-deleted": dropped("aws.backup.VaultLockConfiguration"),
    "guardduty-features": dropped("aws.guardduty.DetectorFeature", keep=1),
    "inspector-scans-functions": beside(
        "aws.lambda.Function", given("aws.inspector2.Enabler", "resourceTypes", ["EC2", "ECR"])
    ),
    "securityhub-pci-standard": dropped("aws.securityhub.StandardsSubscription"),
    "route53-query-logs": dropped("aws.route53.QueryLog"),
    "logs-group-before-service": dropped("aws.cloudwatch.LogGroup"),
    "kubernetes-default-deny": dropped("kubernetes.NetworkPolicy"),
    "kubernetes-token-when-needed": _tokens_given,
    "cloudwatch-alarm-is-heard": given("aws.cloudwatch.MetricAlarm", "alarmActions", None),
    "ecr-images-scanned": given("aws.ecr.Repository", "imageScanningConfiguration", None),
    "sns-delivery-logged": given("aws.sns.TopicSubscription", "protocol", "lambda"),
    "ec2-network-acl-as-a-whole": added(
        "aws.ec2.NetworkAclRule",
        networkAclId="acl",
        ruleNumber=110,
        ruleAction="allow",
        protocol="tcp",
        fromPort=1024,
        toPort=65535,
        cidrBlock="0.0.0.0/0",
    ),
    "lb-listener-rules-behind-tls": beside("aws.lb.ListenerRule", given("aws.lb.Listener", "protocol", "HTTP")),
}


def run(judge: Judgement, program: Program) -> list[Outcome]:
    """Tries every mutation that fits the program, for every rule."""
    return [
        _of_stack(judge, made, program) if made.over_stack else _of_rows(judge, made, program) for made in judge.rules
    ]


def _of_stack(judge: Judgement, made: Rule, program: Program) -> Outcome:
    broken = STACK_MUTATIONS[made.name](program)
    if broken is program:
        return Outcome(made.name, 0, 0, ())
    found = {verdict.rule.name for verdict in judge.of_stack(Stack(broken), {})}
    return _outcome(made.name, [(made.name, found, {made.name})])


def _of_rows(judge: Judgement, made: Rule, program: Program) -> Outcome:
    changes = [
        (f"{row.kind} {row.path}", row.kind, _by_row(row), {row.rule, *row.also})
        for row in ROWS
        if row.rule == made.name
    ]
    if made.name in PROGRAM_CHANGES:
        kind, change = PROGRAM_CHANGES[made.name]
        changes = [(f"{kind} as the program has it", kind, change, {made.name})]
    tries = [] if changes else list(_evasions(judge, made, program))
    for what, kind, change, expected in changes:
        answers = list(_answers(judge, made.name, kind, change, program))
        if answers:
            # The first resource that shows exactly the breach; a mutation must fit what it is applied to.
            tries.append((what, next((answer for answer in answers if answer == expected), answers[0]), expected))
    return _outcome(made.name, tries)


def _evasions(judge: Judgement, made: Rule, program: Program) -> Iterator[tuple[str, set[str], set[str]]]:
    """For a rule that the truth table has by evasions only: what they set, set on the program's own resources."""
    for case in EVASIONS:
        kind = kind_of(case["type"])
        if case["rule"] == made.name:
            answers = _answers(judge, made.name, kind, _merging(case["properties"]), program)
            found = next((answer for answer in answers if made.name in answer), None)
            if found is not None or kind in kinds_of(program):
                yield case["id"], {made.name} & (found or set()), {made.name}


def _merging(more: Properties) -> Change:
    return lambda properties: {**properties, **more}


def _by_row(row: Row) -> Change:
    def change(properties: Properties) -> Properties | None:
        try:
            for path, value in (*row.setup, (row.path, row.value)):
                properties = changed(properties, path, value)
        except (KeyError, IndexError, TypeError):
            return None  # the resource has nothing at this place
        return properties

    return change


def _answers(judge: Judgement, rule: str, kind: str, change: Change, program: Program) -> Iterator[set[str]]:
    for resource in program:
        if resource.kind != kind or judge.exceptions.cover(rule, resource):
            continue
        properties = change(dict(resource.value))
        if properties is not None:
            broken = copy(resource, properties=sentinels_to_unknown(properties))
            yield {verdict.rule.name for verdict in judge.of_resource(broken, {})}


def _outcome(rule: str, tries: Sequence[tuple[str, set[str], set[str]]]) -> Outcome:
    missed = tuple(
        f"{what}: caught by {', '.join(sorted(found)) or 'nothing'}, wanted {', '.join(sorted(expected))}"
        for what, found, expected in tries
        if found != expected
    )
    return Outcome(rule, len(tries), len(tries) - len(missed), missed)


def kinds_of(program: Program) -> set[str]:
    return {resource.kind for resource in program}


def concerned(made: Rule, program: Program) -> bool:
    """Whether the program has a resource that the rule judges, other than what is a breach by being there."""
    return made.name not in EXISTENCE_IS_THE_BREACH and bool({*kinds_of(program), EVERY_KIND} & set(made.on))


def main() -> int:
    judge = pack.judgement()
    outcomes = run(judge, as_deployed(record()))
    tried = [outcome for outcome in outcomes if outcome.tried]
    full = [outcome for outcome in tried if not outcome.missed]
    for outcome in outcomes:
        state = "not in the program" if not outcome.tried else f"{outcome.caught} of {outcome.tried} caught"
        sys.stdout.write(f"{outcome.rule:50} {state}\n")
        sys.stdout.writelines(f"    {line}\n" for line in outcome.missed)
    sys.stdout.write(
        f"\n{sum(o.caught for o in tried)} of {sum(o.tried for o in tried)} mutations caught by exactly their rule; "
        f"{len(full)} of {len(tried)} rules with a resource in the program, of {len(outcomes)} rules: "
        f"score {100 * len(full) / len(tried):.0f} %\n"
    )
    return 0 if full == tried else 1


if __name__ == "__main__":
    sys.exit(main())
