"""From the load balancer to pods: the listener's actions, the target group, the node port, the Service's selector."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from operations.journeys.places import Place
from operations.journeys.policies import matches
from operations.journeys.recorded import Recorded
from operations.journeys.spans import Spans

SERVICE = "kubernetes:core/v1:Service"
GROUP = "aws:lb/targetGroup:TargetGroup"


def obstacle(program: Recorded, pods: Place, port: Spans) -> str:
    """What keeps a listener's requests from the pods' port; empty when some rule leads there."""
    if pods.pods is None:
        return f"{pods.name}, which are no pods"
    node_ports = {
        entry["nodePort"]
        for service in program.of(SERVICE)
        if service.inputs["metadata"].get("namespace", "default") == pods.pods.namespace
        and service.inputs["spec"].get("type") == "NodePort"
        and matches({"matchLabels": service.inputs["spec"].get("selector") or {}}, pods.pods.labels)
        for entry in service.inputs["spec"]["ports"]
        if Spans.of([(entry["targetPort"], entry["targetPort"])]).within(port)
    }
    if not node_ports:
        return "the Service, which gives these pods no node port"
    groups = {group.id for group in program.of(GROUP) if group.inputs.get("port") in node_ports}
    if not groups:
        return f"the target groups, none of which has the node port {sorted(node_ports)[0]}"
    attached = {one.inputs["lbTargetGroupArn"] for one in program.of("aws:autoscaling/attachment:Attachment")}
    if not groups & attached:
        return "the target group, to which no Auto Scaling group is attached"
    if not groups & set(forwarded(program)):
        return "the listener, which forwards nothing to the target group"
    return ""


def forwarded(program: Recorded) -> Iterator[str]:
    """The target groups to which the listeners and their rules forward, whatever the weight."""
    for listener in program.of("aws:lb/listener:Listener"):
        yield from _targets(listener.inputs.get("defaultActions") or ())
    for rule in program.of("aws:lb/listenerRule:ListenerRule"):
        yield from _targets(rule.inputs.get("actions") or ())


def _targets(actions: Any) -> Iterator[str]:
    for action in actions:
        if action.get("targetGroupArn"):
            yield action["targetGroupArn"]
        forward: Mapping[str, Any] = action.get("forward") or {}
        for group in forward.get("targetGroups") or ():
            yield group["arn"]
