"""Verdicts on Services, their Endpoints, and Ingresses."""

from __future__ import annotations

from operations.openshift.addresses import STORE_PORTS, store_behind
from operations.openshift.export import Export, Item, backends
from operations.openshift.limits import PORT
from operations.openshift.part import Part
from operations.openshift.ports import SIDE_PORTS, speaks_tls
from operations.openshift.secrets import DATABASE
from operations.openshift.verdict import Judgement, few
from operations.openshift.workload import Workload, open_workload

KUBERNETES = ("kubernetes", "openshift")


def judge_service(export: Export, item: Item) -> Judgement:
    """The verdict on a Service."""
    judgement = Judgement(item.label)
    if item.name in KUBERNETES and item.namespace in ("", "default"):
        judgement.ignored("the cluster's own")
        return judgement
    selector = item.mapping("spec", "selector")
    type_ = item.text("spec", "type")
    judgement.target = f"services.{export.named_by(item.namespace, selector) or item.name}"
    if type_ == "ExternalName":
        _judge_external_name(item, judgement)
        return judgement
    if type_ in ("LoadBalancer", "NodePort") or item.has("spec", "externalIPs"):
        _judge_outside(item, judgement, type_)
    if not selector:
        _judge_without_selector(export, item, judgement)
        return judgement
    workloads = export.selected(item.namespace, selector)
    labels = ", ".join(f"{key}={value}" for key, value in selector.items())
    if not workloads:
        judgement.ask(
            f"no workload of this export has the labels {labels}: where are its pods?",
            ("export its Deployment too", "it has none any more, leave it behind"),
            "it is not written to the settings",
        )
        return judgement
    if len(workloads) > 1:
        names = few(workload.label for workload in workloads)
        judgement.ask(
            f"it leads to the pods of several workloads ({names}): which one answers?",
            ("one of them", "one service of the settings for all"),
            "each is a service of its own",
        )
    judgement.carried(f"leads to {workloads[0].label} by {labels}")
    _judge_selected(export, item, judgement, workloads[0])
    return judgement


def _judge_selected(export: Export, item: Item, judgement: Judgement, workload: Item) -> None:
    """A Service that leads to pods of the export."""
    _judge_canary(export, item, judgement)
    _judge_affinity(item, judgement)
    store = store_behind(export, item)
    if store:
        _judge_store(item, judgement, store)
        return
    if item.text("spec", "clusterIP") == "None":
        judgement.changed(
            "it has no address of its own today (headless), so clients see each pod; here they see one address"
        )
    elif address := item.text("spec", "clusterIP"):
        judgement.carried(f"the cluster address {address} does not come along, clients use the name")
    opened = open_workload(export, workload)
    if opened:
        _judge_ports(export, item, judgement, opened)
    if item.name != export.name_of(workload) and not _shares_route(export, item):
        judgement.changed(f"its clients use the name {export.name_of(workload)} instead of {item.name}")
    if item.flag("spec", "publishNotReadyAddresses"):
        judgement.changed("pods that are not ready get no requests here")
    for name in item.annotations:
        if name.endswith("serving-cert-secret-name"):
            judgement.changed(
                f"OpenShift's authority makes its certificate ({item.annotation(name)}); here the pod makes its "
                "own at start"
            )


def _shares_route(export: Export, item: Item) -> bool:
    return any(len(backends(route)) > 1 for route in export.routes_of.get((item.namespace, item.name), ()))


def _judge_external_name(item: Item, judgement: Judgement) -> None:
    host = item.text("spec", "externalName")
    ports = [port.number("port") for port in item.parts("spec", "ports")]
    item.get("spec", "ports")
    if 3306 in ports or DATABASE.search(item.name) or "mysql" in host:
        judgement.target = "the stack's secret database-connection"
        judgement.changed(
            f"it names the database {host}; the application reads DATABASE_CONNECTION_SECRET, which names the "
            "source until the switch"
        )
        return
    judgement.target = "services.<name>.outside"
    judgement.ask(
        (
            f"it is another name of {host}, outside the cluster, and pods here have no way there unless it is named: "
            "who calls it?"
        ),
        ("the callers name it as `outside`, with its fixed addresses", "nobody"),
        "it has no way there",
    )


def _judge_outside(item: Item, judgement: Judgement, type_: str) -> None:
    addresses = [
        entry.text("ip") or entry.text("hostname") for entry in item.parts("status", "loadBalancer", "ingress")
    ]
    addresses += item.texts("spec", "externalIPs")
    nodes = [str(port.number("nodePort")) for port in item.parts("spec", "ports") if port.number("nodePort")]
    wanted = item.text("spec", "loadBalancerIP")
    at = ", ".join(filter(None, (*addresses, wanted))) or "every node"
    judgement.target = "public edge"
    judgement.impossible(
        (
            f"a way in of its own ({type_ or 'externalIPs'}) at "
            f"{at}{f', port {few(nodes)} of the nodes,' if nodes else ''} goes round the firewall"
        ),
        "clients that use this address use the host name, before the move",
    )
    if policy := item.text("spec", "externalTrafficPolicy"):
        judgement.changed(
            f"externalTrafficPolicy {policy} has no counterpart, the load balancer's header says who calls"
        )


def _judge_without_selector(export: Export, item: Item, judgement: Judgement) -> None:
    endpoints = export.find("Endpoints", item.namespace, item.name)
    addresses = _addresses(endpoints) if endpoints else []
    ports = [port.number("port") for port in item.parts("spec", "ports")]
    item.get("spec", "ports")
    database = any(STORE_PORTS.get(port or 0) == "database" for port in ports)
    judgement.target = "the stack's secret database-connection" if database else "services.<name>.outside"
    judgement.ask(
        (
            "it has no selector and leads to "
            f"{', '.join(addresses) or 'addresses that this export does not hold'}{' (a database)' * database}: "
            "what is there?"
        ),
        (
            "the database: the connection secret names it"
            if database
            else "a host of the data centre or a partner, which the callers name as `outside`",
            "nothing any more",
        ),
        "pods have no way there",
    )


def _addresses(endpoints: Item) -> list[str]:
    return [
        entry.text("ip") for subset in Part(endpoints.value).parts("subsets") for entry in subset.parts("addresses")
    ]


def _judge_canary(export: Export, item: Item, judgement: Judgement) -> None:
    for route in export.routes_of.get((item.namespace, item.name), ()):
        weights = backends(route)
        if len(weights) < 2 or not weights[item.name]:
            continue
        if next(iter(weights)) == item.name:
            judgement.carried(f"if this is the version that moves, see {route.label}")
        else:
            shares = " to ".join(map(str, weights.values()))
            judgement.target = f"{judgement.target} or none"
            judgement.ask(
                f"see {route.label}, versions share one address by weight {shares}: does this one move?",
                ("no", "yes"),
                "it stays behind",
            )


def _judge_affinity(item: Item, judgement: Judgement) -> None:
    if item.text("spec", "sessionAffinity") == "ClientIP":
        seconds = item.number("spec", "sessionAffinityConfig", "clientIP", "timeoutSeconds")
        judgement.target = "edgeStickinessSeconds"
        judgement.changed(
            f"affinity by the client's address{f' for {seconds} seconds' if seconds else ''} becomes the load "
            "balancer's cookie (edgeStickinessSeconds); clients without cookies lose it"
        )


def _judge_store(item: Item, judgement: Judgement, store: str) -> None:
    name = "CACHE_HOST" if store == "cache" else "DATABASE_CONNECTION_SECRET"
    also = " and CACHE_READER_HOST" if store == "cache" else ""
    judgement.target = name
    headless = item.text("spec", "clusterIP") == "None"
    pods = f", as do the names of its pods ({item.name}-0.{item.name})" if headless else ""
    ports = ", ".join(str(port.number("port")) for port in item.parts("spec", "ports"))
    for port in item.parts("spec", "ports"):
        port.has("name")
        port.has("targetPort")
    if item.has("spec", "publishNotReadyAddresses"):
        judgement.changed("whether a pod is ready is the store's own affair")
    judgement.changed(f"the name {item.name} (port {ports}) ends{pods}; the application reads {name}{also}")


def _judge_ports(export: Export, item: Item, judgement: Judgement, opened: Workload) -> None:
    """The one port that callers use, and the others, which end."""
    ports = item.parts("spec", "ports")
    main = [port for port in ports if not SIDE_PORTS.search(port.text("name"))][:1] or ports[:1]
    for port in ports:
        number, name = port.number("port"), port.text("name")
        target = port.text("targetPort") or str(number)
        if port.value is not main[0].value:
            judgement.changed(f"its port {name or number} ({number} to {target}) is dropped, a service here has one")
            continue
        if port.text("protocol") not in ("", "TCP"):
            judgement.impossible(f"it serves {port.text('protocol')}", "the settings know TCP only")
        names = {found.text("name"): found.number("containerPort") for found in opened.main.parts("ports")}
        reached = int(target) if target.isdigit() else names.get(target) or 0
        if not reached:
            judgement.changed(
                f"its target port {target} is one of {_owner_of_port(opened, target)}, which is not the application"
            )
        tls = bool(reached) and speaks_tls(export, opened.item, opened.main, reached, target)
        if tls and number in (443, reached):
            judgement.carried(
                f"its clients keep the name {item.name} and port "
                f"{number}{f', which leads to {target}' if port.has('targetPort') else ''}"
            )
        else:
            judgement.changed(
                f"its port is 443 with TLS instead of {number}{'' if tls else ' without'} (target {target} "
                f"becomes {PORT if not tls else reached})"
            )
        if name:
            judgement.carried(f"the port's name {name} is not needed")
        if protocol := port.text("appProtocol"):
            judgement.changed(f"appProtocol {protocol} has no counterpart")


def _owner_of_port(opened: Workload, target: str) -> str:
    for container in opened.pod.parts("containers"):
        if any(target in (port.text("name"), port.text("containerPort")) for port in container.parts("ports")):
            return f"container {container.text('name')}"
    return "no container"


def judge_endpoints(export: Export, item: Item) -> Judgement:
    """The verdict on Endpoints and EndpointSlices: written by the cluster, or by hand for a Service without one."""
    judgement = Judgement(item.label)
    name = item.labels.get("kubernetes.io/service-name", item.name)
    service = export.find("Service", item.namespace, name)
    if (
        item.owner
        or item.labels.get("endpointslice.kubernetes.io/managed-by")
        or (service and Part(service.value).mapping("spec", "selector"))
    ):
        judgement.ignored("the cluster writes it for a Service with a selector")
        return judgement
    addresses = [*_addresses(item), *(found for entry in item.parts("endpoints") for found in entry.texts("addresses"))]
    ports = [str(port.number("port")) for subset in item.parts("subsets") for port in subset.parts("ports")]
    item.get("subsets")
    judgement.target = "services.<name>.outside, or the stack's secret database-connection"
    judgement.ask(
        (
            f"it is written by hand and leads to {', '.join(addresses) or 'nobody'} (port "
            f"{', '.join(ports) or 'unknown'}): what is there?"
        ),
        (
            "the database, which the connection secret names",
            "a host that callers name as `outside`",
            "nothing any more",
        ),
        "pods have no way there",
    )
    return judgement


def judge_ingress(export: Export, item: Item) -> Judgement:
    """An Ingress is served by the Routes that OpenShift makes of it."""
    judgement = Judgement(item.label, "services.<name>.paths")
    made = [
        route.label
        for route in export.of("Route")
        if route.namespace == item.namespace and route.owner == ("Ingress", item.name)
    ]
    hosts = [rule.text("host") for rule in item.parts("spec", "rules")]
    item.get("spec")
    if made:
        judgement.changed(f"OpenShift makes {', '.join(made)} of it, see there ({', '.join(hosts)})")
    else:
        judgement.ask(
            f"OpenShift makes Routes of it, which this export does not hold ({', '.join(hosts)}): which?",
            ("export the Routes",),
            "nothing is published",
        )
    return judgement
