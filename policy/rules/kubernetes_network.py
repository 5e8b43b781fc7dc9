"""Kubernetes: who may talk to whom, and how traffic comes in."""

from __future__ import annotations

from typing import Final

from ..network import covers_the_world, networks
from ..reading import Breach, Findings, Property, Unjudged, number, version_of
from ..rule import HIGH, MEDIUM, Resource, StackFindings, rule
from ..stack import Stack
from .load_balancing import STRONG_POLICIES

_SYSTEM_NAMESPACES: Final = ("kube-system", "kube-public", "kube-node-lease", "amazon-cloudwatch", "amazon-guardduty")
_ENFORCE: Final = "pod-security.kubernetes.io/enforce"
_OLDEST_STANDARD: Final = (1, 25)  # older pinned versions of the restricted standard ask for less
_ALB: Final = "alb.ingress.kubernetes.io"
_BALANCER: Final = "service.beta.kubernetes.io/aws-load-balancer"
_GATEWAY: Final = "kubernetes.gateway.networking.k8s.io.Gateway"
_ISTIO_GATEWAY: Final = "kubernetes.networking.istio.io.Gateway"
_LAST_PORT: Final = 65535
_STORES: Final = (1433, 1521, 3306, 5432, 6379, 9042, 9200, 11211, 27017)
_OLD_TLS: Final = ("TLSV1_0", "TLSV1_1")
_IN_CLEAR: Final = ("HTTP", "HTTP2", "GRPC")


@rule(
    "kubernetes-namespace-restricted",
    "Namespaces admit pods of the restricted standard only",
    on="kubernetes.Namespace",
    requirements="2.2.1 2.2.6",
    severity=HIGH,
    remedy="set the label pod-security.kubernetes.io/enforce to restricted, and its version to latest",
)
def namespace_restricted(namespace: Resource) -> Findings:
    if namespace["metadata"]["name"].text in _SYSTEM_NAMESPACES:
        return []
    labels = namespace["metadata"]["labels"]
    return labels[_ENFORCE].must_be("restricted") or labels[f"{_ENFORCE}-version"].must(
        lambda text: text == "latest" or version_of(str(text).lstrip("v")) >= _OLDEST_STANDARD,
        "latest, or v1.25 and newer",
        default="latest",
    )


@rule(
    "kubernetes-default-deny",
    "Every namespace denies all traffic that no policy allows",
    about="kubernetes.Namespace",
    requirements="1.3.1 1.3.2 1.2.6",
    severity=HIGH,
    remedy="add a NetworkPolicy with an empty podSelector, policyTypes Ingress and Egress and no rules",
)
def default_deny(stack: Stack) -> StackFindings:
    denied: dict[str | None, set[str]] = {}
    unknown = False
    for policy in stack.of("kubernetes.NetworkPolicy"):
        unknown = unknown or policy["spec"].unknown
        place = policy["metadata"]["namespace"]
        for namespace in (place.text, *(space.urn for space in stack.targets(policy, place, "kubernetes.Namespace"))):
            denied.setdefault(namespace, set()).update(_denied_directions(policy["spec"]))
    closed = {namespace for namespace, directions in denied.items() if directions == {"Ingress", "Egress"}}
    wanted = "a NetworkPolicy that denies by default"
    missing = Unjudged("", wanted) if unknown else Breach("", "without a policy that denies by default", wanted)
    return [
        (namespace, missing)
        for namespace in stack.of("kubernetes.Namespace")
        if namespace["metadata"]["name"].text not in (*_SYSTEM_NAMESPACES, *closed) and namespace.urn not in closed
    ]


def _denied_directions(spec: Property) -> set[str]:
    """The directions that a policy closes for every pod; one without policyTypes closes what comes in."""
    selector = spec["podSelector"]
    selects_all = selector.value in (None, {}) or (
        selector["matchLabels"].value in (None, {}) and selector["matchExpressions"].absent
    )
    if not selects_all:
        return set()
    types = spec["policyTypes"].value
    named = {kind for kind in types if isinstance(kind, str)} if isinstance(types, list) else {"Ingress"}
    return {direction for direction in named if spec[direction.lower()].absent}


@rule(
    "kubernetes-network-policy-names-peers",
    "Network policies allow named peers or ports, never everything",
    on="kubernetes.NetworkPolicy",
    requirements="1.2.5 1.3.1 1.3.2",
    severity=HIGH,
    remedy="name the peers and the ports in the rule",
)
def network_policy_names_peers(policy: Resource) -> Findings:
    return [
        finding
        for direction, peers in (("ingress", "from"), ("egress", "to"))
        for entry in policy["spec"][direction]
        for finding in _everything(entry, peers)
    ]


def _everything(entry: Property, peers: str) -> Findings:
    if entry.unknown:
        return entry.unjudged("named peers or ports")
    ranges = networks([peer["ipBlock"]["cidr"] for peer in entry[peers]])
    if not _every_port(entry["ports"]):
        stores = [port["port"] for port in entry["ports"] if number(port["port"].value) in _STORES]
        if stores and peers == "from" and (entry[peers].absent or covers_the_world(ranges)):
            return stores[0].breach("no port of a data store open to everything")
        return []
    if entry[peers].absent:
        return entry.breach("named peers or ports", "open to everything")
    if covers_the_world(ranges):  # what `except` leaves out makes no difference to the rest of the internet
        return entry.breach("named peers or ports", "open to the internet on every port")
    if any(peer["namespaceSelector"].value == {} and peer["podSelector"].absent for peer in entry[peers]):
        return entry.breach("named peers or ports", "open to every namespace on every port")
    return []


def _every_port(ports: Property) -> bool:
    return ports.absent or any(
        not port["port"].unknown
        and (number(port["port"].value) or 0) <= 1
        and number(port["endPort"].value) == _LAST_PORT
        for port in ports
    )


@rule(
    "kubernetes-mesh-policy-names-peers",
    "Policies of Cilium, Calico and Istio allow named peers or ports, never everything",
    on=(
        "kubernetes.cilium.io.CiliumClusterwideNetworkPolicy",
        "kubernetes.cilium.io.CiliumNetworkPolicy",
        "kubernetes.crd.projectcalico.org.GlobalNetworkPolicy",
        "kubernetes.crd.projectcalico.org.NetworkPolicy",
        "kubernetes.projectcalico.org.GlobalNetworkPolicy",
        "kubernetes.projectcalico.org.NetworkPolicy",
        "kubernetes.security.istio.io.AuthorizationPolicy",
    ),
    requirements="1.2.5 1.3.1 1.3.2",
    severity=HIGH,
    remedy="name the peers and the ports in the rule",
)
def mesh_policy_names_peers(policy: Resource) -> Findings:
    spec = policy["spec"]
    if policy.kind.endswith("AuthorizationPolicy"):
        allows = spec["action"].value in (None, "ALLOW")
        return [
            f for entry in spec["rules"] if allows and entry.value == {} for f in entry.breach("named peers", "open")
        ]
    findings: Findings = []
    for direction, entities in (("ingress", "fromEntities"), ("egress", "toEntities")):
        for entry in spec[direction]:
            named = [one for one in entry[entities] if one.value in ("all", "world")]
            if named and entry["toPorts"].absent:
                findings += named[0].breach("named peers or ports")
            if entry.value == {"action": "Allow"}:
                findings += entry.breach("named peers or ports", "open to everything")
    return findings


@rule(
    "kubernetes-no-own-load-balancer",
    "Services come in by the load balancer with the firewall, not by one of their own",
    on="kubernetes.Service",
    requirements="1.3.1 6.4.2 1.2.5",
    severity=HIGH,
    remedy="set type to ClusterIP or NodePort and register the target with the application load balancer",
)
def no_own_load_balancer(service: Resource) -> Findings:
    annotations = service["metadata"]["annotations"]
    internal = annotations[f"{_BALANCER}-scheme"].value == "internal" or annotations[f"{_BALANCER}-internal"].value in (
        "true",
        True,
        "0.0.0.0/0",
    )
    # Kubernetes default: ClusterIP.
    kind = service["spec"]["type"].must_not_be("LoadBalancer", wanted="ClusterIP or NodePort", default="ClusterIP")
    return ([] if internal else kind) + service["spec"]["externalIPs"].must_not_be_given("no external addresses")


@rule(
    "kubernetes-ingress-tls",
    "Ingresses speak TLS",
    on="kubernetes.Ingress",
    requirements="4.2.1 2.2.7",
    severity=HIGH,
    remedy="set spec.tls, or the certificate and a listener of HTTPS only in the annotations",
)
def ingress_tls(ingress: Resource) -> Findings:
    annotations = ingress["metadata"]["annotations"]
    ports = annotations[f"{_ALB}/listen-ports"]
    redirected = annotations["nginx.ingress.kubernetes.io/ssl-redirect"].must_not_be(False, wanted="true", default=True)
    policy = annotations[f"{_ALB}/ssl-policy"]
    strong = policy.must(
        lambda name: str(name).startswith(STRONG_POLICIES), "a policy of TLS 1.2 and 1.3", default=STRONG_POLICIES[0]
    )
    certificate = annotations[f"{_ALB}/certificate-arn"]
    if ports.unknown:
        return strong + ports.unjudged("HTTPS only")
    # Without listen-ports the controller listens on 443 where it has a certificate. Without a certificate in the
    # annotation it looks for one by the names of the hosts.
    if not ports.absent or not certificate.absent:
        if not annotations[f"{_ALB}/ssl-redirect"].absent:
            return strong + annotations[f"{_ALB}/ssl-redirect"].must_not_be(80, wanted="443")
        return strong + ports.must(lambda text: '"HTTP"' not in str(text), "HTTPS only", default="HTTPS")
    return strong + redirected + ingress["spec"]["tls"].must_be_given("TLS")


@rule(
    "kubernetes-ingress-firewall",
    "Ingresses of the internet stand behind a web application firewall",
    on="kubernetes.Ingress",
    requirements="6.4.2",
    severity=HIGH,
    remedy="set the annotation alb.ingress.kubernetes.io/wafv2-acl-arn",
)
def ingress_firewall(ingress: Resource) -> Findings:
    annotations = ingress["metadata"]["annotations"]
    if annotations[f"{_ALB}/scheme"].value != "internet-facing":
        return []  # the controller's default: internal
    if not annotations[f"{_ALB}/group.name"].absent and annotations[f"{_ALB}/wafv2-acl-arn"].absent:
        return []  # another ingress of the group may name it
    return annotations[f"{_ALB}/wafv2-acl-arn"].must_be_given("a web ACL")


@rule(
    "kubernetes-gateway-tls",
    "Gateways take HTTPS or TLS; plain HTTP is at most redirected",
    on=(_GATEWAY, _ISTIO_GATEWAY),
    requirements="4.2.1 2.2.7",
    severity=HIGH,
    remedy="use protocol HTTPS with a certificate",
)
def gateway_tls(gateway: Resource) -> Findings:
    if gateway.kind == _GATEWAY:
        places = [(listener["protocol"], False) for listener in gateway["spec"]["listeners"]]
    else:
        places = [
            (server["port"]["protocol"], server["tls"]["httpsRedirect"].value is True)
            for server in gateway["spec"]["servers"]
        ]
    # Istio's default of minProtocolVersion: TLS 1.2.
    old = [
        finding
        for server in gateway["spec"]["servers"]
        for finding in server["tls"]["minProtocolVersion"].must_not_be(
            *_OLD_TLS, wanted="TLSV1_2 or TLSV1_3", default="TLSV1_2"
        )
    ]
    return old + [
        finding
        for protocol, redirected in places
        if not redirected
        for finding in protocol.must_not_be(*_IN_CLEAR, wanted="HTTPS or TLS", default="TLS")
    ]


@rule(
    "kubernetes-mesh-tls",
    "The service mesh accepts TLS with certificates of both sides only",
    on=("kubernetes.security.istio.io.PeerAuthentication", "kubernetes.networking.istio.io.DestinationRule"),
    requirements="2.2.7 4.2.1",
    severity=MEDIUM,
    remedy="set spec.mtls.mode to STRICT",
)
def mesh_tls(authentication: Resource) -> Findings:
    spec = authentication["spec"]
    if authentication.kind.endswith("DestinationRule"):
        tls = spec["trafficPolicy"]["tls"]
        return tls["mode"].must_not_be("DISABLE", wanted="ISTIO_MUTUAL", default="ISTIO_MUTUAL") + tls[
            "insecureSkipVerify"
        ].must_be(False, default=False)
    ports = spec["portLevelMtls"].value
    return spec["mtls"]["mode"].must_be("STRICT", "UNSET", default="UNSET") + [
        finding
        for port in (ports if isinstance(ports, dict) else {})
        for finding in spec["portLevelMtls"][port]["mode"].must_be("STRICT", "UNSET", default="UNSET")
    ]
