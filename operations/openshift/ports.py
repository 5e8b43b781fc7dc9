"""Where a pod listens, with or without TLS, and how its health is seen."""

from __future__ import annotations

import re

from operations.openshift.export import Export, Item
from operations.openshift.limits import PORT
from operations.openshift.part import Part
from operations.openshift.workload import Workload

SIDE_PORTS = re.compile(r"metric|prom|jolokia|jmx|debug|admin|manage|actuator|probe|health", re.I)
TLS_PORTS = (443, 8443, 9443)
GRPC = re.compile(r"grpc|h2c|http2", re.I)
PROBE_TIMES = (
    "periodSeconds",
    "timeoutSeconds",
    "failureThreshold",
    "successThreshold",
    "initialDelaySeconds",
    "terminationGracePeriodSeconds",
)


def judge_ports(workload: Workload) -> None:
    """The one port of the settings, the ports that stay behind, TLS, and the probes."""
    judgement, main = workload.judgement, workload.main
    ports = main.parts("ports")
    serving = [port for port in ports if not SIDE_PORTS.search(port.text("name"))] or ports
    services = workload.export.services_of.get(id(workload.item), [])
    number = serving[0].number("containerPort") if serving else _target_port(services)
    judgement_name = serving[0].text("name") if serving else ""
    for port in ports:
        if port is not (serving[0] if serving else None):
            name = port.text("name")
            judgement.changed(
                f"its port {name or 'of no name'} ({port.number('containerPort')}) is dropped, a service here has one"
            )
        if port.text("protocol") not in ("", "TCP"):
            judgement.impossible(
                f"it listens on {port.text('protocol')} {port.number('containerPort')}",
                "the load balancer and the settings know TCP only",
            )
        port.has("hostPort")
    if number and not serving:
        judgement.changed(f"it names no port; its Service leads to {number}")
    if number:
        _settle_port(workload, number, judgement_name, services)
    elif not workload.is_job:
        workload.settings["port"] = 0
        judgement.changed("it names no port, so nobody can call it")
    _judge_probes(workload, number)


def _target_port(services: list[Item]) -> int | None:
    for service in services:
        for port in Part(service.value).parts("spec", "ports"):
            if found := port.number("targetPort") or port.number("port"):
                return found
    return None


def _settle_port(workload: Workload, number: int, name: str, services: list[Item]) -> None:
    judgement = workload.judgement
    protocols = [
        port.text("appProtocol") for service in services for port in Part(service.value).parts("spec", "ports")
    ]
    if GRPC.search(" ".join((name, *protocols))):
        judgement.ask(
            (
                f"port {number} speaks gRPC or HTTP/2 without TLS ({name or ', '.join(filter(None, protocols))}), "
                "and the load balancer speaks HTTP/1.1 to a pod: who calls it?"
            ),
            ("services inside only", "callers outside, by HTTP/1.1"),
            "it is treated as HTTP",
        )
    tls = speaks_tls(workload.export, workload.item, workload.main, number, name)
    if tls and number >= 1024:
        workload.settings["port"] = number
        judgement.carried(f"listens with TLS on {number}{f' ({name})' if name else ''}")
        return
    workload.settings["port"] = PORT
    if tls:
        judgement.changed(f"it listens on {number}, here it must listen with TLS on {PORT} (a port above 1024)")
    else:
        judgement.changed(
            f"it listens on {number}{f' ({name})' if name else ''} without TLS, here it must listen with TLS on {PORT}"
        )


def speaks_tls(export: Export, item: Item, container: Part, number: int, name: str = "") -> bool:
    """Whether a pod speaks TLS on a port: by its probes, by the Routes that lead to it, by the port's usual meaning."""
    for probe in ("readinessProbe", "livenessProbe", "startupProbe"):
        action = container.part(probe, "httpGet")
        port = action.text("port")
        if action.value and port in (str(number), name):
            return action.text("scheme") == "HTTPS"
    for service in export.services_of.get(id(item), ()):
        for route in export.routes_of.get((service.namespace, service.name), ()):
            termination = Part(route.value).text("spec", "tls", "termination")
            return termination in ("reencrypt", "passthrough")
    return number in TLS_PORTS or "https" in name or "tls" in name


def _judge_probes(workload: Workload, number: int | None) -> None:
    judgement, main = workload.judgement, workload.main
    if workload.is_job:
        for probe in ("readinessProbe", "livenessProbe", "startupProbe"):
            if main.has(probe):
                judgement.changed(f"its {probe} is dropped, a job has none")
        return
    readiness, liveness = main.part("readinessProbe"), main.part("livenessProbe")
    if not readiness.value and not liveness.value:
        judgement.changed("it has no health probe, name a `health_path` that answers 200 when it is ready")
    _judge_probe(workload, "readiness", readiness, "health_path", number)
    _judge_probe(workload, "liveness", liveness, "live_path", number)
    if not readiness.value and liveness.value:
        judgement.changed("it has no readiness probe, name a `health_path` that answers 200 when it is ready")
    startup = main.part("startupProbe")
    if startup.value:
        main.get("startupProbe")
        judgement.changed("its startup probe becomes the health path, asked for two minutes")
    if main.has("lifecycle", "postStart"):
        judgement.ask(
            "a hook runs after its start (postStart): is it needed?",
            ("no", "into the application's own start"),
            "it does not run",
        )


def _judge_probe(workload: Workload, what: str, probe: Part, setting: str, number: int | None) -> None:
    judgement = workload.judgement
    if not probe.value:
        return
    if probe.has("httpGet"):
        action = probe.part("httpGet")
        path, port = action.text("path") or "/", action.text("port")
        workload.settings[setting] = path
        at = f" (asked on {port})" if port else ""
        judgement.changed(f"the {what} path becomes `{setting}` {path}{at}")
        names = {port_.text("name"): port_.text("containerPort") for port_ in workload.main.parts("ports")}
        asked = names.get(port, port)
        if number and asked != str(number):
            judgement.changed(f"the {what} path is asked on port {asked}; here the service's own port must answer it")
        action.has("scheme")
        if action.has("httpHeaders"):
            judgement.changed(f"the {what} probe sends headers of its own, here it sends none")
        if action.has("host"):
            judgement.changed(f"the {what} probe asks host {action.text('host')}, here it asks the pod")
    elif probe.has("tcpSocket"):
        port = probe.text("tcpSocket", "port")
        judgement.changed(
            f"the {what} probe is an open socket "
            f"({port}){'' if what == 'liveness' else ', name a `health_path` that answers 200'}"
        )
    elif probe.has("exec") or probe.has("grpc"):
        kind = "a command" if probe.has("exec") else "gRPC"
        command = " ".join(probe.texts("exec", "command")[:1])
        ask = (
            f"the {what} probe is {kind}{f' ({command})' if command else ''}: which path answers 200 by HTTPS when "
            f"it is {'ready' if what == 'readiness' else 'alive'}?"
        )
        if what == "readiness":
            judgement.ask(
                ask, ("name it as `health_path`", "for a service without a port, `health_command`"), "/health is asked"
            )
        else:
            judgement.changed(
                f"the {what} probe is {kind}{f' ({command})' if command else ''}; an open socket is enough here, "
                "or name a `live_path`"
            )
    times = [f"{name} {probe.number(name)}" for name in PROBE_TIMES if probe.number(name) is not None]
    if times:
        judgement.changed(f"the {what} probe's times ({', '.join(times)}) are fixed here")
