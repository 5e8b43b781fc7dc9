"""Addresses inside texts: which host, by which protocol, and whether that is a Service of the export or outside."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from operations.openshift.export import Export, Item
from operations.openshift.part import Part

URL = re.compile(
    r"(?:jdbc:)?\b([a-z][a-z0-9+.-]*)://(?:[^/\s@\"']*@)?(\[[0-9a-f:]+\]|[A-Za-z0-9._-]+)(?::(\d+))?", re.I
)
HOST_AND_PORT = re.compile(
    r"(?<![\w./:@-])([A-Za-z][A-Za-z0-9-]*(?:\.[A-Za-z0-9-]+)*|\d{1,3}(?:\.\d{1,3}){3}):(\d{2,5})(?![\w.:-])"
)
BARE_HOST = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]*[a-z0-9])?", re.I)
HOST_NAME = re.compile(
    r"(^|[_.-])(host|hostname|server|servers|addr|address|endpoint|url|uri|broker|brokers|url_base)$", re.I
)
"""Names of variables whose value is a host."""
OWN = re.compile(r"^(localhost|127\.\d+\.\d+\.\d+|0\.0\.0\.0|::1|\[::1?\])$")
PORTS = {"mysql": 3306, "mariadb": 3306, "redis": 6379, "rediss": 6379, "http": 80, "https": 443}
STORES = {"mysql": "database", "mariadb": "database", "redis": "cache", "rediss": "cache"}
STORE_PORTS = {3306: "database", 6379: "cache"}
KNOWN_PORTS = {80, 443, 1414, 3128, 3306, 5432, 5672, 6379, 8080, 8443, 9092, 9443, 11211, 27017, 61616}
"""Ports that make a short name before a colon a host and not a word of a sentence."""
NO_HOST = re.compile(r"true|false|yes|no|on|off|none|null|enabled|disabled|auto|default|any")
SCHEMA_HOST = re.compile(
    r"(^|\.)(w3\.org|xmlsoap\.org|oasis-open\.org|apache\.org|springframework\.org|sun\.com|jcp\.org|xmlns\..+)$"
)
"""Hosts whose addresses name XML schemas and are never called."""
MOST_WORKLOADS = 20
"""Workloads of one Service that are asked whether they keep data."""
CLUSTER_ENDINGS = (".svc", ".svc.cluster.local", ".cluster.local")


@dataclass(frozen=True)
class Address:
    """A host that a text names."""

    scheme: str
    host: str
    port: int
    """0 when nobody says it."""

    @property
    def store(self) -> str:
        """``database`` or ``cache`` when protocol or port say so."""
        return STORES.get(self.scheme, "") or STORE_PORTS.get(self.port, "")


def addresses(name: str, text: str) -> Iterator[Address]:
    """Every address in a text; a bare host counts when the variable's name says that it is one."""
    seen = set()
    for found in URL.finditer(text):
        scheme = found[1].lower()
        if SCHEMA_HOST.search(found[2].lower()):
            continue
        address = Address(scheme, found[2].lower().rstrip("."), int(found[3] or PORTS.get(scheme, 0)))
        seen.add(address.host)
        yield address
    for found in HOST_AND_PORT.finditer(text):
        short = "." not in found[1] and int(found[2]) not in KNOWN_PORTS
        if found[1].lower() not in seen and int(found[2]) <= 65535 and not short:
            seen.add(found[1].lower())
            yield Address("", found[1].lower(), int(found[2]))
    bare = text.strip().lower().rstrip(".")
    if NO_HOST.fullmatch(bare):
        return
    if (
        not seen
        and HOST_NAME.search(re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name))
        and BARE_HOST.fullmatch(bare)
        and not bare.isdigit()
    ):
        yield Address("", bare, 0)


def is_own(address: Address) -> bool:
    """Whether the host is the pod itself."""
    return bool(OWN.match(address.host))


def service_of(export: Export, namespace: str, host: str) -> Item | None:
    """The Service that a host name means inside the cluster, in any of its forms; also a pod's name below it."""
    bare = host
    for ending in CLUSTER_ENDINGS:
        bare = bare.removesuffix(ending)
    labels = bare.split(".")
    candidates = [(labels[0], labels[1] if len(labels) > 1 else namespace)]
    if len(labels) > 1:
        candidates.append((labels[1], labels[2] if len(labels) > 2 else namespace))
    for name, where in candidates:
        found = export.find("Service", where, name)
        if found:
            return found
    return None


def is_inside(host: str) -> bool:
    """Whether a host name can only mean something inside the cluster."""
    return "." not in host or host.endswith(CLUSTER_ENDINGS)


def store_behind(export: Export, service: Item) -> str:
    """``database`` or ``cache`` when a Service leads to one."""
    from operations.openshift.workload import store_of

    for workload in export.selected(service.namespace, Part(service.value).mapping("spec", "selector"))[
        :MOST_WORKLOADS
    ]:
        for container in Part(workload.template.value).parts("spec", "containers"):
            if store := store_of(container.text("image")):
                return store
    ports = [port.number("port") for port in Part(service.value).parts("spec", "ports")]
    return next((STORE_PORTS[port] for port in ports if port in STORE_PORTS), "")
