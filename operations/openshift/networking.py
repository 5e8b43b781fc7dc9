"""Verdicts on who may call whom, and on the ways out and the addresses that partners know."""

from __future__ import annotations

from collections import defaultdict

from operations.openshift.export import Export, Item
from operations.openshift.part import Part
from operations.openshift.verdict import Judgement, few

PLATFORM_MARKS = (
    "network.openshift.io/policy-group",
    "policy-group.network.openshift.io/ingress",
    "policy-group.network.openshift.io/host-network",
    "policy-group.network.openshift.io/monitoring",
)
BEFORE = "give those to every partner and have them allowed in addition to the old ones before any traffic moves"


def callers_of(export: Export) -> dict[str, list[str]]:
    """Callers of each service, as pairs of NetworkPolicies name them."""
    found: dict[str, list[str]] = defaultdict(list)
    for policy in export.of("NetworkPolicy"):
        for callee, caller in _pairs(export, policy):
            if caller not in found[callee]:
                found[callee].append(caller)
    return dict(found)


def _selector(part: Part) -> dict[str, str]:
    return part.mapping("matchLabels")


def _pairs(export: Export, policy: Item) -> list[tuple[str, str]]:
    """Callee and caller of each rule that names both by labels."""
    spec = Part(policy.value).part("spec")
    own = _selector(spec.part("podSelector"))
    pairs = []
    for rule in spec.parts("ingress"):
        for peer in rule.parts("from"):
            other = _selector(peer.part("podSelector"))
            if own and other and not peer.has("namespaceSelector"):
                pairs.append((export.named_by(policy.namespace, own), export.named_by(policy.namespace, other)))
    for rule in spec.parts("egress"):
        for peer in rule.parts("to"):
            other = _selector(peer.part("podSelector"))
            if own and other and not peer.has("namespaceSelector"):
                pairs.append((export.named_by(policy.namespace, other), export.named_by(policy.namespace, own)))
    return [pair for pair in pairs if all(pair)]


def judge_network_policy(export: Export, item: Item) -> Judgement:
    """The verdict on a NetworkPolicy, rule by rule."""
    judgement = Judgement(item.label)
    spec = item.part("spec")
    types = spec.texts("policyTypes") or (["Ingress", "Egress"] if spec.has("egress") else ["Ingress"])
    own = _selector(spec.part("podSelector"))
    by_default = "" if spec.has("policyTypes") else ", by default"
    whom = ", ".join(f"{key}={value}" for key, value in own.items()) or "every pod"
    if spec.part("podSelector").has("matchExpressions"):
        judgement.ask("it selects pods by expressions: which services are meant?", ("name them",), "deny-all holds")
        spec.part("podSelector").get("matchExpressions")
    rules = [("from", rule, "ingress") for rule in spec.parts("ingress")] + [
        ("to", rule, "egress") for rule in spec.parts("egress")
    ]
    ignored = []
    for word, rule, direction in rules:
        ports = ", ".join(_port(port) for port in rule.parts("ports"))
        at = f" on {ports}" if ports else ""
        peers = rule.parts(word)
        if not peers:
            _judge_open(judgement, direction, whom, at)
        for peer in peers:
            reason = _judge_peer(export, item, judgement, own, whom, peer, direction, at)
            if reason:
                ignored.append(reason)
    if not rules:
        judgement.target = "network policy deny-all"
        judgement.carried(
            f"it lets nothing through ({', '.join(types)}{by_default}) for {whom}; here everything is denied in "
            "both directions"
        )
    elif ignored and not judgement.points:
        judgement.target = (
            "network policy from-load-balancer" if any("router" in reason for reason in ignored) else "none"
        )
        judgement.ignored("; ".join(dict.fromkeys(ignored)))
    elif judgement.points and rules:
        judgement.points.append((judgement.verdict, f"it holds for {whom} ({', '.join(types)}{by_default})"))
    return judgement


def _port(port: Part) -> str:
    end = port.text("endPort")
    return f"{port.text('port')}{f'-{end}' if end else ''}{'/UDP' if port.text('protocol') == 'UDP' else ''}"


def _judge_open(judgement: Judgement, direction: str, whom: str, at: str) -> None:
    question = f"everybody may call {whom}{at}" if direction == "ingress" else f"{whom} may call everybody{at}"
    judgement.target = "services.<name>.callers" if direction == "ingress" else "services.<name>.outside"
    judgement.ask(
        f"{question}, and here each service names its callers and its ways out: who needs it?",
        ("name them", "nobody"),
        "nobody may",
    )


def _judge_peer(
    export: Export,
    item: Item,
    judgement: Judgement,
    own: dict[str, str],
    whom: str,
    peer: Part,
    direction: str,
    at: str,
) -> str:
    """Judge one peer of a rule; the reason comes back when the peer is the platform's own."""
    if block := peer.text("ipBlock", "cidr"):
        besides = ", ".join(peer.texts("ipBlock", "except"))
        judgement.target = "services.<name>.outside" if direction == "egress" else "none"
        judgement.ask(
            (
                f"{whom} {'may call' if direction == 'egress' else 'is called from'} "
                f"{block}{f' but {besides}' if besides else ''}{at}: what is there?"
            ),
            (
                "a partner or the data centre, named as `outside` with a reason"
                if direction == "egress"
                else "clients of the load balancer",
                "nothing any more",
            ),
            "no way there",
        )
        return ""
    space = peer.part("namespaceSelector")
    other = _selector(peer.part("podSelector"))
    if peer.has("namespaceSelector"):
        labels = _selector(space)
        names = " ".join((*labels, *labels.values()))
        peer.part("podSelector").get("matchLabels")
        if any(mark in labels for mark in PLATFORM_MARKS) or "openshift-" in names or "kube-system" in names:
            router = "ingress" in names or "host-network" in names
            if router:
                return "it lets OpenShift's routers in; the product makes the load balancer's way itself"
            return (
                f"it is for OpenShift's own ({names.strip()}); the product makes the ways of name look-ups and "
                "agents itself"
            )
        where = ", ".join(f"{key}={value}" for key, value in labels.items()) or "every project"
        judgement.target = "services.<name>.callers"
        judgement.ask(
            (
                f"pods of other projects ({where}) {'call' if direction == 'ingress' else 'are called by'} "
                f"{whom}{at}: do they move too?"
            ),
            (
                "yes, as services of the same settings",
                "no, then they call the public name or come over the VPN",
                "they are not needed",
            ),
            "no way there",
        )
        return ""
    if other and own:
        callee, caller = _pair(export, item, own, other, direction)
        judgement.target = f"services.{callee}.callers [{caller}]"
        judgement.carried(f"{caller} may call {callee}{at}")
        return ""
    known = few(f"{', '.join(callers)} calls {callee}" for callee, callers in export.callers.items())
    judgement.target = "services.<name>.callers"
    who = ", ".join(f"{key}={value}" for key, value in (own or other).items())
    question = (
        "every pod may call every other today"
        if not who
        else f"pods with {who} and every other pod may call each other"
    )
    judgement.ask(
        f"{question}{at}, and here each service names its callers: who calls whom?",
        (
            f"what this export's other policies say ({known})"
            if known
            else "look at the environments and at the traffic",
            "name them in `callers`",
        ),
        "only named callers",
    )
    return ""


def _pair(export: Export, item: Item, own: dict[str, str], other: dict[str, str], direction: str) -> tuple[str, str]:
    mine = export.named_by(item.namespace, own) or "<name>"
    theirs = export.named_by(item.namespace, other) or "<name>"
    return (mine, theirs) if direction == "ingress" else (theirs, mine)


def judge_egress_policy(_export: Export, item: Item) -> Judgement:
    """The verdict on an EgressNetworkPolicy (OpenShift SDN) or EgressFirewall (OVN)."""
    judgement = Judgement(item.label, "services.<name>.outside")
    allowed: list[str] = []
    denied: list[str] = []
    for rule in item.parts("spec", "egress"):
        to = rule.part("to")
        ports = ", ".join(f"{port.text('protocol')} {port.text('port')}" for port in rule.parts("ports"))
        where = to.text("dnsName") or to.text("cidrSelector") or ("nodes" if to.has("nodeSelector") else "nowhere")
        to.get("nodeSelector")
        type_ = rule.text("type")
        (allowed if type_ == "Allow" else denied).append(
            f"{where}{f' ({ports})' if ports else ''}{'' if type_ else ' (without a type)'}"
        )
    names = (
        "; a network policy knows addresses and no DNS names, so a name needs its fixed addresses"
        if any(not entry[0].isdigit() for entry in allowed)
        else ""
    )
    judgement.ask(
        (
            "the project may call "
            f"{', '.join(allowed) or 'nobody'}{f' and not {chr(44).join(denied)}' if denied else ''}; here a pod may "
            f"call nobody who is not named{names}: which service calls which?"
        ),
        (
            "name each as `outside` of the service that calls it, with addresses, ports and a reason",
            "it is not called any more",
        ),
        "no way out",
    )
    return judgement


def judge_egress_address(_export: Export, item: Item) -> Judgement:
    """The verdict on fixed outgoing addresses: NetNamespace, HostSubnet, EgressIP."""
    judgement = Judgement(item.label, "the NAT gateways' elastic addresses (one per zone in production)")
    addresses = item.texts("egressIPs") or item.texts("spec", "egressIPs")
    if not addresses:
        judgement.target = "none"
        item.get("netid"), item.get("netname")
        judgement.ignored("it holds the project's number in OpenShift's network and no address of its own")
        return judgement
    selector = item.part("spec", "podSelector").mapping("matchLabels")
    spaces = item.part("spec", "namespaceSelector").mapping("matchLabels")
    who = (
        f"pods with {', '.join(f'{key}={value}' for key, value in selector.items())}" if selector else "the application"
    )
    within = f" of {', '.join(spaces.values())}" if spaces else ""
    name = item.text("netname")
    apart = "; all pods here share them, so a partner cannot tell services apart by address" if selector else ""
    judgement.ask(
        (
            f"{who}{within}{f' ({name})' if name else ''} leaves from the fixed addresses {', '.join(addresses)}, "
            f"which partners allow; from AWS it leaves from the NAT gateways' addresses{apart}: who must allow them?"
        ),
        (BEFORE, "nobody checks addresses"),
        "partners refuse the new addresses",
    )
    return judgement
