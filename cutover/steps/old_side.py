"""The gates before the freeze: all of the traffic is on AWS, and nothing in the data centre works for the application.

Ended sessions come back as long as their pods live, and a scheduled job begins in the middle of the freeze. So the old
side must be still before, and each gate asks where the truth is: the load balancer, the source, OpenShift, the old log.
A stack without a public name (output `traffic` is empty) has no old side that could serve, and only the sessions count.
"""

from __future__ import annotations

import datetime
import ipaddress
import json
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from cutover.errors import ToolError
from cutover.public_side import SHIFTING, PublicSide
from cutover.steps.accounts import accounts
from cutover.steps.actions import Gate, Judgement, Run
from cutover.steps.sessions import sessions

LOOKS = 3
LOOK_SECONDS = 1.0
"""A pool connects again within moments: one look may come just after an end."""
SILENT_MINUTES = 5
"""How long the load balancer must have sent the data centre nothing."""
COMMAND_SECONDS = 60
SHOWN = 5
RUNNING = ("Running", "Pending", "Unknown")
"""Phases of a pod that has not ended (Kubernetes, Pod Lifecycle)."""
PODS_OF = ("Deployment", "DeploymentConfig", "StatefulSet", "ReplicaSet", "ReplicationController")
NO_PUBLIC_NAME = "the stack has no public name, so no old side serves it"


# ---- All of the traffic ----------------------------------------------------------------------------------------------


def _all_traffic(run: Run, public: PublicSide) -> Judgement:
    if public.phase != SHIFTING:
        return _no(
            f"the live stack is in phase '{public.phase}', and the database moves only in '{SHIFTING}': move the "
            "traffic first, with `traffic name` and `traffic shift`"
        )
    told = run.migration.aws.call("elbv2", "describe_rules", RuleArns=list(public.rules))["Rules"]
    actions = {one["RuleArn"]: one["Actions"] for one in told}
    elsewhere = [arn for arn, group in public.rules.items() if _groups(actions.get(arn, [])) != {group}]
    if elsewhere:
        return _no(
            f"{len(elsewhere)} of {len(public.rules)} rules of the load balancer do not forward to AWS alone: run "
            "`traffic shift --to aws --percent 100`"
        )
    return _yes(f"all {len(public.rules)} rules of the load balancer forward to AWS alone")


def _groups(actions: Sequence[Mapping[str, Any]]) -> set[str]:
    """The groups that may get a request, by weight or by a cookie; empty when an action does something else."""
    if len(actions) != 1 or actions[0].get("Type") != "forward":
        return set()
    config = actions[0].get("ForwardConfig") or {"TargetGroups": [actions[0]]}
    return {str(one.get("TargetGroupArn")) for one in config["TargetGroups"]}


def _old_log(run: Run, public: PublicSide) -> Judgement:
    until = datetime.datetime.now(datetime.UTC)
    answer = run.migration.aws.call(
        "cloudwatch",
        "get_metric_statistics",
        Namespace="AWS/ApplicationELB",
        MetricName="RequestCount",
        Dimensions=[
            {"Name": "LoadBalancer", "Value": public.load_balancer_arn_suffix},
            {"Name": "TargetGroup", "Value": public.old_target_group_arn.rsplit(":", 1)[-1]},
        ],
        StartTime=until - datetime.timedelta(minutes=SILENT_MINUTES),
        EndTime=until,
        Period=60,
        Statistics=["Sum"],
    )
    sent = int(sum(point["Sum"] for point in answer["Datapoints"]))
    if sent:
        return _no(
            f"the load balancer has sent the data centre {sent:,} requests in the last {SILENT_MINUTES} minutes: wait, "
            "and see `traffic status`"
        )
    command = run.migration.old_log_command
    if not command:
        return _no(
            "nobody has looked into the old router's access log: give --old-log-command, which prints the requests "
            "of the last minutes, such as 'oc logs -n openshift-ingress deployment/router-default --since=15m'"
        )
    lines = [line for line in _output(command).splitlines() if public.host_name in line]
    if lines:
        return _no(
            f"the old log has {len(lines):,} requests to {public.host_name}: somebody still calls the data centre's "
            "address; find out who (the log says from where), and wait until it is silent"
        )
    return _yes("the load balancer sends the data centre nothing, and the old log is silent")


# ---- Pods and jobs ---------------------------------------------------------------------------------------------------


def _old_side(run: Run, public: PublicSide) -> Judgement:
    del public
    if locked := _locked_outside(run):
        return _yes(f"the accounts that admit the data centre are locked on the source: {', '.join(locked)}")
    command = run.migration.old_side_command
    if not command:
        return _no(
            "nobody has looked at OpenShift: give --old-side-command, such as 'oc get -n PROJECT -o json "
            "deployments,deploymentconfigs,statefulsets,daemonsets,cronjobs,jobs,pods', or lock the application's "
            "account for the data centre's addresses"
        )
    try:
        items = json.loads(_output(command))["items"]
        problems = busy(items)
    except (ValueError, KeyError, TypeError, AttributeError):
        return _no(f"'{command[0]}' printed no list of objects as `oc get -o json` does; correct --old-side-command")
    if problems:
        more = f" and {len(problems) - SHOWN} more" if len(problems) > SHOWN else ""
        return _no(
            f"the old side still works: {'; '.join(problems[:SHOWN])}{more}; scale to 0 (oc scale --replicas=0), "
            "suspend the jobs (spec.suspend: true), wait until they have ended"
        )
    return _yes(f"the old side has no pod, and its jobs are suspended ({len(items)} objects seen)")


def busy(items: Sequence[Mapping[str, Any]]) -> list[str]:
    """What of these objects of Kubernetes works, or will begin to: a sentence each. No workload at all is one too."""
    if not any(item["kind"] in PODS_OF for item in items):
        return ["the list holds no Deployment, DeploymentConfig or StatefulSet: it is not of the application's project"]
    return [
        f"{item['kind']}/{item['metadata']['name']} {says}" for item in items for says in _works(item["kind"], item)
    ]


def _works(kind: str, item: Mapping[str, Any]) -> list[str]:
    spec, status = item.get("spec") or {}, item.get("status") or {}
    pods = max(int(spec.get("replicas", 1)), int(status.get("replicas") or 0)) if kind in PODS_OF else 0
    active = status.get("active") or 0
    running = active if isinstance(active, int) else len(active)
    scheduled = int(status.get("currentNumberScheduled") or 0)
    says = {
        f"has {pods} pods": kind in PODS_OF and pods > 0,
        f"has {scheduled} pods": kind == "DaemonSet" and scheduled > 0,
        "is not suspended": kind == "CronJob" and spec.get("suspend") is not True,
        f"runs {running} times": kind in ("CronJob", "Job") and running > 0,
        "has not ended": kind == "Pod" and status.get("phase", "Unknown") in RUNNING,
    }
    return [sentence for sentence, holds in says.items() if holds]


# ---- The source ------------------------------------------------------------------------------------------------------


def _locked_outside(run: Run) -> list[str]:
    """The application's accounts that admit addresses outside of the VPC, when there are such and all are locked."""
    inside = _range(run)
    outside = {name: is_open for name, is_open in accounts(run, "source").items() if not admits_only(name, inside)}
    return [] if any(outside.values()) else list(outside)


def admits_only(account: str, inside: ipaddress.IPv4Network | None) -> bool:
    """Whether an account, quoted as 'name'@'host', admits addresses of this range only.

    A host is an address, an address with a mask, or a beginning with `%` (MySQL manual, "Specifying Account Names").
    """
    if inside is None:
        return False
    host = account.rpartition("@'")[2].removesuffix("'")
    parts = host.removesuffix("%").rstrip(".").split(".")
    if host.endswith(".%") and 1 <= len(parts) <= 3:
        host = f"{'.'.join([*parts, *['0'] * (4 - len(parts))])}/{8 * len(parts)}"
    try:
        return ipaddress.IPv4Network(host).subnet_of(inside)
    except ValueError:
        return False


def _sessions(run: Run) -> Judgement:
    inside = _range(run)
    if inside is None:
        return _yes("the stack does not tell its VPC's range, so sessions are not told apart")
    for look in range(LOOKS):
        if look:
            time.sleep(LOOK_SECONDS)
        foreign = [str(row["host"]) for row in sessions(run, "source") if not _is_in(str(row["host"]), inside)]
        if foreign:
            return _no(
                f"the application has {len(foreign)} sessions on the source from outside the VPC ({inside}): "
                f"{', '.join(sorted(set(foreign))[:SHOWN])}; stop what opens them, or lock its account"
            )
    return _yes(f"every session of the application on the source comes from the VPC ({inside})")


def _is_in(host: str, inside: ipaddress.IPv4Network) -> bool:
    """A host that is no address, as a server with name resolution tells, proves nothing."""
    try:
        return ipaddress.IPv4Address(host.partition(":")[0]) in inside
    except ValueError:
        return False


def _range(run: Run) -> ipaddress.IPv4Network | None:
    given = run.migration.stack.vpc_cidr
    return ipaddress.IPv4Network(given) if given else None


def _output(command: Sequence[str]) -> str:
    """What a command of the operator's prints. Raises `ToolError`: a look that failed is no evidence."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=COMMAND_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ToolError(f"'{command[0]}' could not be carried out: {error}.") from error
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise ToolError(f"'{command[0]}' ended with {done.returncode}: {last}.")
    return done.stdout


def _with_public_name(judge: Callable[[Run, PublicSide], Judgement]) -> Callable[[Run], Judgement]:
    def judged(run: Run) -> Judgement:
        public = run.migration.stack.public
        return _yes(NO_PUBLIC_NAME) if public is None else judge(run, public)

    return judged


def _yes(sentence: str) -> Judgement:
    return Judgement(good=True, sentence=sentence)


def _no(sentence: str) -> Judgement:
    return Judgement(good=False, sentence=f"{sentence[0].upper()}{sentence[1:]}.")


GATES = (
    Gate(
        id="all-traffic-on-aws",
        name="see all of the traffic on AWS",
        why="phones that still reach the data centre would meet a read-only source",
        judge=_with_public_name(_all_traffic),
    ),
    Gate(
        id="old-side-still",
        name="see the old side's pods and jobs stopped",
        why="ended sessions come back as long as their pods live",
        judge=_with_public_name(_old_side),
    ),
    Gate(
        id="no-foreign-sessions",
        name="see no session from outside the VPC",
        why="somebody whom nobody has counted may be writing",
        judge=_sessions,
    ),
    Gate(
        id="old-log-silent",
        name="see the old log silent",
        why="whoever still calls the old address would be cut off",
        judge=_with_public_name(_old_log),
    ),
)
