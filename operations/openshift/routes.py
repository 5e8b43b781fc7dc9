"""Verdicts on Routes: host, path, TLS, weights, and what annotations ask of OpenShift's router."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from operations.openshift.export import Export, Item, backends
from operations.openshift.limits import HSTS, IDLE_TIMEOUT_MAX
from operations.openshift.part import Part
from operations.openshift.ports import speaks_tls
from operations.openshift.quantity import seconds
from operations.openshift.verdict import Judgement, Verdict
from operations.openshift.workload import open_workload

ROUTER = "haproxy.router.openshift.io/"
PREFIXES = (ROUTER, "router.openshift.io/")
GENERATED = "openshift.io/host.generated"
TEN_SECONDS_IN_FIVE_MINUTES = 30
NOT_PUBLISHED = "it is not published"
"""What holds for a Route whose questions must be answered first."""
MARKS = "whose certificate the load balancer does not check"


@dataclass
class Entry:
    """A Route that the load balancer could serve."""

    route: Item
    host: str
    paths: list[str]
    service: str
    """Name in the settings of the service that it leads to."""
    idle_seconds: int = 0
    generated: bool = False
    """Whether OpenShift made the host name itself."""
    public: bool = True
    """False while a person must decide first: such a path is not written."""


@dataclass
class _Review:
    export: Export
    item: Item
    judgement: Judgement
    entry: Entry
    targets: list[str] = field(default_factory=list)


def judge_route(export: Export, item: Item) -> tuple[Judgement, Entry]:
    """The verdict on a Route, and what the load balancer would serve."""
    judgement = Judgement(item.label)
    weights = backends(item)
    first = next(iter(weights), "")
    workloads = export.behind(item.namespace, first)
    service = export.name_of(workloads[0]) if workloads else first
    path = item.text("spec", "path").rstrip("/")
    entry = Entry(
        route=item, host=item.text("spec", "host"), paths=[path, f"{path}/*"] if path else ["/"], service=service
    )
    review = _Review(export, item, judgement, entry)
    _judge_host(review)
    _judge_tls(review)
    _judge_backends(review, weights)
    _judge_annotations(review)
    if path:
        judgement.changed(f"a Route's path matches what begins with it: here {path} and {path}/*")
    judgement.target = ", ".join(
        dict.fromkeys(
            (
                f"edge host name {entry.host or '(none)'}",
                f"services.{service or '<name>'}.paths {entry.paths}",
                *review.targets,
            )
        )
    )
    if judgement.verdict is Verdict.IMPOSSIBLE:
        judgement.target = "none"
    entry.public = judgement.verdict is not Verdict.IMPOSSIBLE and NOT_PUBLISHED not in judgement.says
    return judgement, entry


def _judge_host(review: _Review) -> None:
    item, judgement, entry = review.item, review.judgement, review.entry
    wildcard = item.text("spec", "wildcardPolicy")
    if wildcard == "Subdomain" or entry.host.startswith("*"):
        judgement.impossible(
            f"a wildcard of host names ({wildcard or entry.host}); certificate and record name each host",
            "name each host, as a service's `host`",
        )
    entry.generated = item.annotation(GENERATED) == "true"
    if entry.generated or not entry.host:
        judgement.ask(
            (
                f"OpenShift generated this host name ({entry.host or 'none is written'}) under its own domain, which "
                "does not exist on AWS: who calls it?"
            ),
            ("nobody, drop it", "publish it under the payment host with TLS"),
            NOT_PUBLISHED,
        )
    else:
        judgement.changed(f"the load balancer serves {entry.host}")
    if subdomain := item.text("spec", "subdomain"):
        judgement.ask(
            f"its host is made of the subdomain {subdomain} and OpenShift's own domain: which host is meant?",
            ("name it",),
            NOT_PUBLISHED,
        )
    states = [
        (condition.text("type"), condition.text("status"))
        for ingress in item.parts("status", "ingress")
        for condition in ingress.parts("conditions")
    ]
    if ("Admitted", "False") in states and ("Admitted", "True") not in states:
        judgement.ask(
            "no router admits it, so it serves nobody today (another Route may have its host): does it move?",
            ("no", "yes"),
            NOT_PUBLISHED,
        )
    if item.owner:
        judgement.changed(f"{item.owner[0]} {item.owner[1]} makes it; here the settings do")


def _judge_tls(review: _Review) -> None:
    item, judgement = review.item, review.judgement
    tls = item.part("spec", "tls")
    termination = tls.text("termination")
    if not tls.value:
        judgement.ask(
            "it is plain HTTP, and the load balancer has no port 80: do its callers use https://?",
            ("yes, publish it with TLS and a certificate of ACM", "drop it"),
            NOT_PUBLISHED,
        )
        return
    if termination == "passthrough":
        judgement.impossible(
            (
                "passthrough hands the client's TLS to the pod; this load balancer ends it, so that the firewall can "
                "read requests"
            ),
            (
                "if the pod checks a client certificate, a listener with mutual TLS (verify, with a trust store); "
                "else edge, or it stays on OpenShift"
            ),
        )
    elif termination == "reencrypt":
        judgement.changed(f"a certificate of ACM; TLS is made again to the pod, {MARKS}")
    elif termination == "edge":
        judgement.changed("the load balancer ends TLS with a new certificate of ACM")
        _tell_plain_pod(review)
    else:
        judgement.ask(
            f"its TLS termination {termination or '(absent)'} is unknown: who ends TLS?",
            ("the load balancer",),
            NOT_PUBLISHED,
        )
    _judge_certificates(judgement, tls)
    insecure = tls.text("insecureEdgeTerminationPolicy")
    if insecure == "Redirect":
        judgement.changed(
            "the redirect from HTTP does not exist any more: there is no port 80, and a client that calls "
            "http:// gets no answer"
        )
    elif insecure == "Allow":
        judgement.changed("plain HTTP, allowed today, ends: there is no port 80")
    elif insecure:
        judgement.carried("no plain HTTP, as here")


def _judge_certificates(judgement: Judgement, tls: Part) -> None:
    """Certificates and keys of a Route, which all stay behind."""
    if tls.has("key"):
        judgement.changed("the Route's private key stays behind and is written nowhere")
    if tls.has("certificate"):
        judgement.changed("its own certificate is not used")
    if tls.has("caCertificate"):
        judgement.changed("ACM brings the chain of authorities (caCertificate)")
    if tls.has("destinationCACertificate"):
        judgement.changed(
            "destinationCACertificate has no counterpart, as the load balancer does not check the pod's certificate"
        )
    if tls.has("externalCertificate"):
        judgement.changed(f"its certificate from Secret {tls.text('externalCertificate', 'name')} is not used")
        tls.get("externalCertificate")


def _tell_plain_pod(review: _Review) -> None:
    """The load balancer encrypts to the pod, which spoke HTTP to the router."""
    export, item, judgement = review.export, review.item, review.judgement
    first = next(iter(backends(item)), "")
    workload = next(iter(export.behind(item.namespace, first)), None)
    number: int | None = None
    if workload:
        opened = open_workload(export, workload)
        ports = opened.main.parts("ports") if opened else []
        number = ports[0].number("containerPort") if ports else None
        if opened and number and speaks_tls(export, workload, opened.main, number, ports[0].text("name")):
            return
    service = export.find("Service", item.namespace, first)
    if number is None and service:
        number = next(
            (port.number("targetPort") or port.number("port") for port in Part(service.value).parts("spec", "ports")),
            None,
        )
    judgement.changed(
        "the pod must speak "
        f"TLS{f', it listens on {number} without' if number else ', which the router did not ask of it'}"
    )


def _judge_backends(review: _Review, weights: dict[str, int]) -> None:
    item, judgement = review.item, review.judgement
    names = list(weights)
    for part in (item.part("spec", "to"), *item.parts("spec", "alternateBackends")):
        part.has("name")
        if len(weights) > 1:
            part.has("weight")
        kind = part.text("kind")
        if kind not in ("", "Service"):
            judgement.ask(f"it leads to a {kind}: what is that?", ("name the service",), NOT_PUBLISHED)
    if not names:
        judgement.ask("it leads to no Service: where does it go?", ("drop it",), NOT_PUBLISHED)
    _judge_weights(judgement, weights)
    port = item.text("spec", "port", "targetPort")
    if port:
        judgement.changed(f"its target port {port} becomes the service's one port")
    for name in names:
        if review.export.find("Service", item.namespace, name) is None and len(names) == 1:
            judgement.ask(
                f"Service {name}, which it leads to, is not in this export: what is behind it?",
                ("export it",),
                NOT_PUBLISHED,
            )
    if item.has("spec", "httpHeaders"):
        judgement.ask(
            "it changes headers (httpHeaders): who needs that?",
            ("nobody", "the application itself sets them"),
            "headers stay as they are",
        )


def _judge_weights(judgement: Judgement, weights: dict[str, int]) -> None:
    """One Service, or versions that share the requests."""
    names = list(weights)
    others = {name: weight for name, weight in weights.items() if name != names[0]}
    if any(others.values()):
        total = sum(weights.values())
        shown = ", ".join(f"{weight} of {total} requests to {name}" for name, weight in others.items())
        judgement.ask(
            (
                f"the Route sends {shown}, a canary in the middle of its run (weight {weights[names[0]]} for "
                f"{names[0]}): which version moves?"
            ),
            ("end the canary before the move", "say which version moves"),
            f"{names[0]} moves",
        )
    elif others:
        judgement.changed(f"{', '.join(others)} with weight 0 gets nothing today and stays behind")
    elif names and weights[names[0]] == 0:
        judgement.ask(f"it sends nothing to {names[0]} (weight 0): does it move?", ("no", "yes"), NOT_PUBLISHED)
    elif names:
        judgement.carried(f"leads to {names[0]} and to nobody else")


# ---- Annotations of the router ---------------------------------------------------------------------------------------


def _judge_annotations(review: _Review) -> None:
    item, judgement = review.item, review.judgement
    annotations = item.part("metadata", "annotations")
    rates: dict[str, str] = {}
    for name in annotations.value:
        if not name.startswith(PREFIXES):
            continue
        short = name.partition("/")[2]
        value = annotations.text(name)
        if short.startswith("rate-limit-connections"):
            rates[short.removeprefix("rate-limit-connections").lstrip(".")] = value
        elif short in ANNOTATIONS:
            ANNOTATIONS[short](review, value)
        else:
            judgement.ask(
                f"the router's annotation {name} is unknown here: what does it do for this Route?",
                ("nothing that is needed",),
                "it stays behind",
            )
    if rates:
        _judge_rates(review, rates)


def _judge_rates(review: _Review, rates: dict[str, str]) -> None:
    judgement = review.judgement
    on = rates.get("") == "true"
    if not on:
        judgement.carried(f"has limits that are switched off ({', '.join(rates) or 'rate-limit-connections'})")
        return
    review.targets.append("edgeWafRequestsPerFiveMinutes")
    limit = rates.get("rate-http", "")
    if limit.isascii() and limit.isdigit():
        judgement.changed(
            f"the rate limit of {limit} requests per 10 seconds, address and router becomes one per address and "
            f"five minutes of the firewall (WAF), for all services: {int(limit) * TEN_SECONDS_IN_FIVE_MINUTES} would "
            "be the same rate (edgeWafRequestsPerFiveMinutes)"
        )
    if concurrent := rates.get("concurrent-tcp", ""):
        judgement.changed(f"nothing limits concurrent connections ({concurrent} today)")
    if tcp := rates.get("rate-tcp", ""):
        judgement.changed(
            f"nothing limits new connections ({tcp} per 3 seconds today); the firewall (WAF) counts requests"
        )
    judgement.changed("a rate limit is on (rate-limit-connections); the firewall (WAF) always has one")


def _timeout(review: _Review, value: str) -> None:
    found = seconds(value)
    if found is None:
        review.judgement.ask(
            f"its timeout {value!r} is no duration: what is meant?",
            ("a number of seconds",),
            "the stack's edgeIdleTimeoutSeconds",
        )
    elif found > IDLE_TIMEOUT_MAX:
        review.judgement.ask(
            (
                f"its timeout of {value} is more than the load balancer's silence limit of {IDLE_TIMEOUT_MAX} "
                "seconds at most: who needs it?"
            ),
            (f"{IDLE_TIMEOUT_MAX} seconds are enough", "the client asks again for the result"),
            "the stack's edgeIdleTimeoutSeconds",
        )
    else:
        review.entry.idle_seconds = max(found, review.entry.idle_seconds)
        review.targets.append(f"edgeIdleTimeoutSeconds {found}")
        review.judgement.changed(
            f"timeout {value} becomes edgeIdleTimeoutSeconds {found}, one value for all services, measured as "
            "silence on a connection"
        )


def _tunnel(review: _Review, value: str) -> None:
    found = seconds(value)
    if found is not None and found <= IDLE_TIMEOUT_MAX:
        _timeout(review, value)
    else:
        review.judgement.ask(
            (
                f"its tunnels may be silent for {value}; the load balancer's silence limit reaches "
                f"{IDLE_TIMEOUT_MAX} seconds at most: can its clients send a sign of life?"
            ),
            ("yes, within that time", "no, they connect again"),
            "the stack's edgeIdleTimeoutSeconds",
        )


def _allow_list(name: str) -> Callable[[_Review, str], None]:
    def judge(review: _Review, value: str) -> None:
        review.targets.append("an address rule of the firewall (not in the product)")
        review.judgement.ask(
            (
                f"only {value} may reach this path today ({name}), and here it would be open to the internet: who "
                "closes it?"
            ),
            (
                "internal only, reached over the VPN",
                "an address rule of the firewall, a change of the product",
                "open it, the application checks its callers",
            ),
            NOT_PUBLISHED,
        )

    return judge


def _rewrite(review: _Review, value: str) -> None:
    review.judgement.ask(
        f"the router rewrites the path to {value} (rewrite-target): who does that here?",
        (
            "the application answers the whole path",
            "a rule of the load balancer (url-rewrite), a change of the product",
        ),
        NOT_PUBLISHED,
    )


def _changed(sentence: str) -> Callable[[_Review, str], None]:
    def judge(review: _Review, value: str) -> None:
        review.judgement.changed(sentence.format(value=value))

    return judge


def _cookie(review: _Review, value: str) -> None:
    review.targets.append("edgeStickinessSeconds")
    review.judgement.changed(
        f"the cookie {value} becomes the load balancer's own, for edgeStickinessSeconds, one value for all services"
    )


ANNOTATIONS: dict[str, Callable[[_Review, str], None]] = {
    "timeout": _timeout,
    "timeout-tunnel": _tunnel,
    "ip_whitelist": _allow_list("ip_whitelist"),
    "ip_allowlist": _allow_list("ip_allowlist"),
    "rewrite-target": _rewrite,
    "cookie_name": _cookie,
    "cookie-same-site": _changed(
        "the cookie's SameSite {value} has no counterpart, the load balancer's cookie is its own"
    ),
    "disable_cookies": _changed("disable_cookies {value}: the load balancer sets a cookie for every client"),
    "balance": _changed("balance {value} has no counterpart, the load balancer's cookie takes its place"),
    "hsts_header": _changed(f"the header HSTS ({{value}}) becomes {HSTS} for every host"),
    "set-forwarded-headers": _changed("forwarded headers ({value}): the load balancer appends its own X-Forwarded-For"),
    "pod-concurrent-connections": _changed("at most {value} connections for a pod today; here nothing limits them"),
    "h1-adjust-case": _changed("the case of header names ({value}): the load balancer may change it"),
    "log-send-hostname": _changed("log-send-hostname {value} has no counterpart"),
    "backend-check-interval": _changed(
        "backend-check-interval {value}: the load balancer asks each pod for its health every 10 seconds"
    ),
}
"""What is read of ``haproxy.router.openshift.io/*`` and ``router.openshift.io/*``."""


def edge_settings(entries: list[Entry]) -> dict[str, Any]:
    """Settings of the whole load balancer: the first host and the longest silence."""
    hosts = [entry.host for entry in entries if entry.host and not entry.generated and "*" not in entry.host]
    longest = max((entry.idle_seconds for entry in entries), default=0)
    settings: dict[str, Any] = {}
    if hosts:
        settings["host_name"] = hosts[0]
    if longest:
        settings["idle_timeout_seconds"] = longest
    return settings
