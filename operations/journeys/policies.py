"""Kubernetes network policies of a recorded program: which ports they leave open between pods and others.

As the VPC's network plug-in enforces them: a pod that no policy selects is open; an address range also means the pods
whose addresses lie in it, because pods have addresses of the VPC.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from operations.journeys.places import Place, Pods
from operations.journeys.recorded import Direction, Protocol, Recorded
from operations.journeys.spans import EVERY_PORT, Spans, over_each

POLICY = "kubernetes:networking.k8s.io/v1:NetworkPolicy"
NAMESPACE = "kubernetes:core/v1:Namespace"
NAME_LABEL = "kubernetes.io/metadata.name"
"""Label that Kubernetes itself gives to each namespace."""


class PodPolicies:
    """All network policies of a program."""

    def __init__(self, program: Recorded) -> None:
        self._policies = [one.inputs for one in program.of(POLICY)]
        self._namespaces = {
            one.inputs["metadata"]["name"]: one.inputs["metadata"].get("labels") or {} for one in program.of(NAMESPACE)
        }

    def open_ports(self, direction: Direction, own: Place, peer: Place, protocol: Protocol, *, surely: bool) -> Spans:
        """The ports that the policies of `own` leave open towards `peer`."""
        if own.pods is None:
            return EVERY_PORT
        selecting = [one["spec"] for one in self._policies if _selects(one, own.pods, direction)]
        if not selecting:
            return EVERY_PORT
        word = "from" if direction == "ingress" else "to"
        rules = [
            (list(rule.get(word) or ()), Spans.of(_ports(rule.get("ports"), protocol)))
            for spec in selecting
            for rule in spec.get(direction) or ()
        ]
        chosen = Spans.of(
            span
            for peers, ports in rules
            if not peers or any(self._chosen(one, own.pods, peer) for one in peers if "ipBlock" not in one)
            for span in ports.spans
        )
        blocks = [(_block(one["ipBlock"]), ports) for peers, ports in rules for one in peers if "ipBlock" in one]

        def answer(part: Spans) -> Spans:
            return chosen | Spans.of(span for block, ports in blocks if part.within(block) for span in ports.spans)

        return over_each(peer.addresses, {block for block, _ in blocks}, answer, surely=surely)

    def _chosen(self, one: Mapping[str, Any], own: Pods, peer: Place) -> bool:
        if peer.pods is None:
            return False
        if "namespaceSelector" in one:
            labels = {NAME_LABEL: peer.pods.namespace, **self._namespaces.get(peer.pods.namespace, {})}
            in_namespace = matches(one["namespaceSelector"], labels)
        else:
            in_namespace = peer.pods.namespace == own.namespace
        return in_namespace and matches(one.get("podSelector") or {}, peer.pods.labels)


def _selects(policy: Mapping[str, Any], pods: Pods, direction: str) -> bool:
    spec = policy["spec"]
    types = [kind.lower() for kind in spec.get("policyTypes") or ["Ingress", *(["Egress"] if "egress" in spec else [])]]
    return (
        direction in types
        and policy["metadata"].get("namespace", "default") == pods.namespace
        and matches(spec.get("podSelector") or {}, pods.labels)
    )


def _block(block: Mapping[str, Any]) -> Spans:
    return Spans.addresses([block["cidr"]]) - Spans.addresses(block.get("except") or ())


def matches(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Whether a label selector selects what has `labels`; an empty one selects everything."""
    wanted = selector.get("matchLabels") or {}
    return all(labels.get(key) == value for key, value in wanted.items()) and all(
        _expression(one, labels) for one in selector.get("matchExpressions") or ()
    )


def _expression(one: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    found, values = labels.get(one["key"]), one.get("values") or ()
    match one["operator"]:
        case "In":
            return found in values
        case "NotIn":
            return found not in values
        case "Exists":
            return found is not None
        case "DoesNotExist":
            return found is None
        case unknown:
            raise ValueError(f"a network policy selects by {unknown!r}; Kubernetes knows no such operator.")


def _ports(ports: Iterable[Mapping[str, Any]] | None, protocol: str) -> Iterator[tuple[int, int]]:
    if not ports:
        yield from EVERY_PORT.spans
        return
    for one in ports:
        if one.get("protocol", "TCP").lower() == protocol:
            if "port" not in one:
                yield from EVERY_PORT.spans
            else:
                yield int(one["port"]), int(one.get("endPort", one["port"]))
