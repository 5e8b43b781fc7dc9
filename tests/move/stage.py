"""Both sides of a move on loopback: OpenShift's instance, AWS's instances, source, target, two caches and the front."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from cutover.public_side import PublicSide
from cutover.servers.aws import Aws
from tests.cutover import amazon, rig
from tests.cutover.rig import Rig
from tests.cutover.servers import TestServer, free_port
from tests.examples.application.instance import Instance
from tests.examples.application.place import Place, account_statements, schema_statements
from tests.examples.application.redis_server import RedisServer
from tests.move.front import Front

HOST, TEST_HOST = "pay.example.com", "test.pay.example.com"
OPENSHIFT_ADDRESS, AWS_ADDRESSES = "127.0.0.2", ("127.0.0.3",)
"""Addresses of loopback: a target is known to the API by its address."""
TARGET_STICKY_SECONDS = "3600"
GROUP_STICKY_SECONDS = 3600


@dataclass
class Stage:
    """A move in small. `record` is what the public name leads to."""

    rig: Rig
    openshift: Place
    aws: Place
    elb: Any
    pods: list[Instance]
    old: Instance
    front: Front
    groups: dict[str, str]
    old_side: Path
    """What OpenShift tells of its workloads."""
    record: tuple[str, int] = ("", 0)
    rule: str = ""
    steps: list[str] = field(default_factory=list)

    # ---- Traffic, as `softpos:migrationPhase` and the command that shifts move it ------------------------------------

    def publish(self) -> None:
        """The one change of the record: the public name leads to the load balancer."""
        self.record = ("127.0.0.1", self.front.port)

    def shift(self, percent: int) -> None:
        """So many per cent of the clients without a cookie go to AWS; at 100 everybody does, cookie or not."""
        if percent == 100:
            self._forward([{"TargetGroupArn": self.groups["aws"], "Weight": 1}])
            return
        self._forward(
            [
                {"TargetGroupArn": self.groups["aws"], "Weight": percent},
                {"TargetGroupArn": self.groups["openshift"], "Weight": 100 - percent},
            ]
        )

    def back(self) -> None:
        """Everybody goes to the data centre: the action is replaced, because a weight of 0 moves no cookie."""
        self._forward([{"TargetGroupArn": self.groups["openshift"], "Weight": 1}])

    def _forward(self, groups: Sequence[dict[str, Any]]) -> None:
        forward: dict[str, Any] = {"TargetGroups": list(groups)}
        if len(groups) > 1:
            forward["TargetGroupStickinessConfig"] = {"Enabled": True, "DurationSeconds": GROUP_STICKY_SECONDS}
        self.elb.modify_rule(RuleArn=self.rule, Actions=[{"Type": "forward", "ForwardConfig": forward}])
        self.front.settle()

    # ---- The old side ------------------------------------------------------------------------------------------------

    def stop_openshift(self) -> None:
        """Its pods at 0 and its jobs suspended, as the gates before the freeze ask."""
        self.old.stop()
        self.tell_openshift()

    def start_openshift(self) -> None:
        self.old.start()
        self.old.wait()
        self.tell_openshift()

    def tell_openshift(self) -> None:
        """What `oc get -o json` prints of the old side now."""
        runs = self.old.process is not None
        pods = [{"kind": "Pod", "metadata": {"name": "softpos-1"}, "status": {"phase": "Running"}}] if runs else []
        items = [
            {"kind": "DeploymentConfig", "metadata": {"name": "softpos"}, "spec": {"replicas": int(runs)}},
            {"kind": "CronJob", "metadata": {"name": "settlement"}, "spec": {"suspend": not runs}},
            *pods,
        ]
        self.old_side.write_text(json.dumps({"kind": "List", "items": items}))

    def last_words(self) -> list[str]:
        """What the pods on AWS have said of their health and their database, and why logins were denied."""
        said = [line for pod in self.pods for line in pod.lines if "softpos.api" not in line or "unavailable" in line]
        return [*said[-40:], *(f"{name} denied: {gate.denied[-3:]}\n" for name, gate in self.aws.gates.items())]

    def close(self) -> None:
        self.front.stop()
        self.openshift.close()
        self.aws.close()


def build(
    source: TestServer,
    target: TestServer,
    dms: amazon.Dms,
    caches: tuple[RedisServer, RedisServer],
    directory: Path,
) -> Stage:
    """The phase `beside`: both sides work on the source, and the public name leads to the data centre."""
    evening = rig.build(source, target, dms)
    evening.application.stop()
    source.run("DROP DATABASE softpos", *schema_statements(), *account_statements())
    openshift = Place(source, caches[0], directory / "openshift")
    aws = Place(target, caches[1], directory / "aws", secret=evening.stack.application_secret_arn)
    for place in (openshift, aws):
        place.directory.mkdir(parents=True)
        place.open_gates()
    aws.write_secret(openshift.by_password)
    old = openshift.start(openshift.outside(INSTANCE="openshift"), address=OPENSHIFT_ADDRESS)
    pods = [
        aws.start(aws.on_aws(INSTANCE=f"aws-{number}"), address=address, port=port)
        for port in [free_port()]
        for number, address in enumerate(AWS_ADDRESSES)
    ]
    elb = Aws(amazon.REGION).client("elbv2")
    groups, listener, rule = balancer(elb, {"openshift": [old], "aws": pods})
    for instance in (old, *pods):
        instance.wait()
    front = Front(elb, listener, source.authority)
    told, log = directory / "old-side.json", directory / "old.log"
    log.write_text("")
    evening.commands = {"old_side_command": ("cat", str(told)), "old_log_command": ("cat", str(log))}
    made = Stage(evening, openshift, aws, elb, pods, old, front, groups, told, (OPENSHIFT_ADDRESS, old.port), rule)
    made.tell_openshift()
    return made


def open_front(stage: Stage) -> None:
    """Starts the load balancer, whose health the cutover asks from now on."""
    stage.front.start()
    stage.rig.stack = replace(
        stage.rig.stack,
        application_authentication="iam",
        database_port=stage.aws.gates["database"].port,
        database_reader_endpoint="127.0.0.1",
        health_url=f"https://{HOST}:{stage.front.port}/health",
        public=PublicSide(
            phase="shifting",
            host_name=HOST,
            load_balancer_dns_name="127.0.0.1",
            load_balancer_arn_suffix=stage.front.listener.partition("listener/")[2].rpartition("/")[0],
            rules={stage.rule: stage.groups["aws"]},
            old_target_group_arn=stage.groups["openshift"],
        ),
    )


def secret(stage: Stage) -> dict[str, Any]:
    """The connection secret as the pods on AWS read it now."""
    return Aws(amazon.REGION).secret(stage.rig.stack.application_secret_arn)


def balancer(elb: Any, sides: dict[str, list[Instance]]) -> tuple[dict[str, str], str, str]:
    """Target groups by side, the listener and the public rule: everything goes to the data centre at first."""
    subnets = Aws(amazon.REGION).client("ec2").describe_subnets()["Subnets"]
    made = elb.create_load_balancer(Name="softpos", Subnets=[one["SubnetId"] for one in subnets])
    certificate = Aws(amazon.REGION).client("acm").request_certificate(DomainName=HOST)["CertificateArn"]
    groups = {}
    for side, instances in sides.items():
        group = elb.create_target_group(
            Name=f"softpos-{side}",
            Protocol="HTTPS",
            Port=instances[0].port,
            VpcId=subnets[0]["VpcId"],
            TargetType="ip",
            HealthCheckProtocol="HTTPS",
            HealthCheckPath="/health",
            HealthCheckIntervalSeconds=10,
            HealthyThresholdCount=2,
            UnhealthyThresholdCount=3,
        )["TargetGroups"][0]["TargetGroupArn"]
        elb.modify_target_group_attributes(
            TargetGroupArn=group,
            Attributes=[
                {"Key": "stickiness.enabled", "Value": "true"},
                {"Key": "stickiness.type", "Value": "lb_cookie"},
                {"Key": "stickiness.lb_cookie.duration_seconds", "Value": TARGET_STICKY_SECONDS},
            ],
        )
        elb.register_targets(
            TargetGroupArn=group,
            Targets=[
                {"Id": one.address, "Port": one.port} | ({"AvailabilityZone": "all"} if side == "openshift" else {})
                for one in instances
            ],
        )
        groups[side] = group

    def forward(side: str) -> list[dict[str, Any]]:
        return [{"Type": "forward", "TargetGroupArn": groups[side]}]

    listener = elb.create_listener(
        LoadBalancerArn=made["LoadBalancers"][0]["LoadBalancerArn"],
        Protocol="HTTPS",
        Port=443,
        Certificates=[{"CertificateArn": certificate}],
        DefaultActions=forward("aws"),
    )["Listeners"][0]["ListenerArn"]
    elb.create_rule(
        ListenerArn=listener,
        Priority=1,
        Conditions=[{"Field": "host-header", "Values": [TEST_HOST]}],
        Actions=forward("aws"),
    )
    rule = elb.create_rule(
        ListenerArn=listener,
        Priority=2,
        Conditions=[{"Field": "host-header", "Values": [HOST]}],
        Actions=forward("openshift"),
    )["Rules"][0]["RuleArn"]
    return groups, listener, rule
