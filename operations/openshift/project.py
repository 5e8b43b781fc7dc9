"""What is found about an export as a whole, and what it lacks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from operations.openshift.export import WORKLOADS, Export
from operations.openshift.part import Part
from operations.openshift.routes import Entry
from operations.openshift.verdict import few
from operations.openshift.workload import Workload

COMPLETE = (
    "ConfigMap",
    "Secret",
    "PersistentVolumeClaim",
    "ServiceAccount",
    "RoleBinding",
    "NetworkPolicy",
    "LimitRange",
)
"""Kinds that `oc get all` leaves out and that every project of OpenShift has or could have."""
EGRESS = ("EgressNetworkPolicy", "EgressFirewall", "EgressIP", "NetNamespace")


def findings(export: Export, entries: Sequence[Entry], workloads: Sequence[Workload]) -> list[str]:
    """One sentence each."""
    return [
        *_missing(export),
        *_names(entries),
        *_values(export),
        *_images(workloads),
        *_moves(export),
    ]


def _missing(export: Export) -> Iterator[str]:
    lacking = [kind for kind in COMPLETE if not export.of(kind)]
    if lacking and export.of(*WORKLOADS, "Service", "Route"):
        kinds = ",".join(kind.lower() for kind in lacking)
        yield (
            f"This export holds no {', '.join(lacking)}; `oc get all` leaves them out. If the project has some, "
            "export them too: "
            f"`oc get {kinds} -o yaml`."
        )
    if export.twice:
        yield (
            f"The files hold these objects in two different states, of which the later one counts: {few(export.twice)}."
        )
    spaces = sorted({item.namespace for item in export.items if item.namespace})
    if len(spaces) > 1:
        yield (
            f"The export holds objects of several projects: {', '.join(spaces)}. On AWS they share one namespace and "
            "one set of names."
        )


def _names(entries: Sequence[Entry]) -> Iterator[str]:
    hosts = list(dict.fromkeys(entry.host for entry in entries if entry.host and not entry.generated))
    if not hosts:
        return
    own = "The host name serves" if len(hosts) == 1 else "The host names serve"
    yield f"{own} payments today ({few(hosts)}); a DNS record must not move before the traffic is to move."
    if len(hosts) > 1:
        yield (
            f"{len(hosts)} public host names are in use; a service names its own by `host`, and the certificate must "
            "hold each."
        )
    waits = sorted({entry.idle_seconds for entry in entries if entry.idle_seconds})
    if len(waits) > 1:
        yield (
            f"Routes have several timeouts ({', '.join(map(str, waits))} seconds); the load balancer has one, the "
            "largest is taken."
        )


def _values(export: Export) -> Iterator[str]:
    objects = export.objects
    if objects.with_values:
        yield f"Delete the export after use, it holds the values of {objects.with_values} Secrets."
    if objects.private_keys:
        routes = "a Route" if objects.private_keys == 1 else f"{objects.private_keys} Routes"
        yield (
            f"The export holds the private keys of {routes}. Delete the file after use, and reissue the certificates "
            "if it was shared."
        )


def _images(workloads: Sequence[Workload]) -> Iterator[str]:
    elsewhere = sorted(
        {workload.image.stream.partition("/")[0] for workload in workloads if workload.image.stream}
        - {workload.item.namespace for workload in workloads}
    )
    if elsewhere:
        yield (
            f"Image streams lie in another project ({', '.join(elsewhere)}); the export of one project alone would "
            "not name the image."
        )
    missing = sorted({workload.name for workload in workloads if not workload.image.digest and workload.settings})
    if missing:
        yield f"The digest of the image is unknown for {few(missing)}; these are not written to the settings."


def _moves(export: Export) -> Iterator[str]:
    if export.of("CronJob"):
        yield "Scheduled work that writes to the database must be off on one side at any moment of the move."
    if any(Part(item.value).value for item in export.of(*EGRESS)):
        yield "No partner may see a new source address unprepared; this is the longest lead time of the move (weeks)."
    if export.of(*WORKLOADS):
        yield (
            "What runs may differ from what was once applied; export the running project, and look for headers "
            "with underscores and for TLS below 1.2 "
            "in the router's log: the load balancer refuses both."
        )
