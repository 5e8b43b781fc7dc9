"""The pod of a service, as data: what it may do, what it gets, how it starts and how it ends.

What the image must do: listen with TLS on its port (8443) with a certificate that it makes at start (the load balancer
encrypts to it and knows no name of it), answer 200 at the health path, write nothing but to /tmp, run as any user in
group 0, and end within the grace period of a SIGTERM. OpenShift asks images for the same, so the ones that ran there
do.

Trust boundary: the pod has no root, no right to become root, no Kubernetes token and no disk to write to.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes

from .declaration import Service, labels_of

ENDPOINT_SECONDS = 15
"""How long a leaving pod still takes requests: until every node has heard that it leaves."""
LAST_SECONDS = 5
"""For what comes after the last request."""
USER_ID = 10001
CONFIGURATION_DIRECTORY = "/etc/softpos"
AUTHORITIES = "database-authorities"
"""ConfigMap whose one file, `database-ca.pem`, holds the authorities of every database that the secret may name."""
AUTHORITIES_FILE = "database-ca.pem"
FILES = "files"
"""Suffix of the ConfigMap with the files that a service declares."""


def grace_seconds(service: Service) -> int:
    """From the decision to stop a pod to its end: all requests that the load balancer still waits for can finish."""
    return ENDPOINT_SECONDS + service.drain_seconds + LAST_SECONDS


def pod_spec(service: Service, environment: Mapping[str, pulumi.Input[str]]) -> kubernetes.core.v1.PodSpecArgsDict:
    """The pod of a service or a job, with `environment` in its one container."""
    long_lived = service.kind == "service"
    pod: kubernetes.core.v1.PodSpecArgsDict = {
        "service_account_name": service.name,
        "automount_service_account_token": False,
        "enable_service_links": False,
        "termination_grace_period_seconds": grace_seconds(service),
        "security_context": {
            "run_as_non_root": True,
            "run_as_user": USER_ID,
            "run_as_group": 0,  # the group that images for OpenShift give their files to; it has no right by itself
            "seccomp_profile": {"type": "RuntimeDefault"},
        },
        "containers": [_container(service, environment)],
        "volumes": [
            # In memory: the pod's TLS key never meets a disk.
            {"name": "scratch", "empty_dir": {"medium": "Memory", "size_limit": service.scratch}},
            {"name": AUTHORITIES, "config_map": {"name": AUTHORITIES}},
            *([{"name": FILES, "config_map": {"name": f"{service.name}-{FILES}"}}] if service.files else []),
        ],
    }
    if not long_lived:
        return {**pod, "restart_policy": "Never"}
    # Hosts strictly, zones as well as possible: with one node group for all zones, a strict rule for zones would keep
    # pods waiting for a node that the autoscaler cannot ask for by zone.
    spread = [
        _spread(service, "kubernetes.io/hostname", "DoNotSchedule"),
        _spread(service, "topology.kubernetes.io/zone", "ScheduleAnyway"),
    ]
    return {**pod, "topology_spread_constraints": spread}


def _container(service: Service, environment: Mapping[str, pulumi.Input[str]]) -> kubernetes.core.v1.ContainerArgsDict:
    container: kubernetes.core.v1.ContainerArgsDict = {
        "name": service.name,
        "image": service.image,
        "env": [{"name": key, "value": value} for key, value in environment.items()],
        "resources": {
            "requests": {"cpu": service.cpu_request, "memory": service.memory},
            "limits": {"cpu": service.cpu_limit, "memory": service.memory},
        },
        "security_context": {
            "allow_privilege_escalation": False,
            "privileged": False,
            "read_only_root_filesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volume_mounts": [
            {"name": "scratch", "mount_path": "/tmp"},  # noqa: S108 (the container's own)
            {"name": AUTHORITIES, "mount_path": CONFIGURATION_DIRECTORY, "read_only": True},
            *(
                {"name": FILES, "mount_path": path, "sub_path": file_key(path), "read_only": True}
                for path, _ in service.files
            ),
        ],
    }
    if service.command:
        container["command"] = list(service.command)
    if service.arguments:
        container["args"] = list(service.arguments)
    return {**container, **_life(service)} if service.kind == "service" else container


def _life(service: Service) -> kubernetes.core.v1.ContainerArgsDict:
    """How it is seen that a service starts, is ready and lives, and how it ends."""
    scheme = "HTTP" if service.plain_http_because else "HTTPS"
    listens = service.port > 0
    ending: kubernetes.core.v1.ContainerArgsDict = {"lifecycle": {"pre_stop": {"sleep": {"seconds": ENDPOINT_SECONDS}}}}
    if not listens and not service.health_command:
        return ending

    def asked(path: str) -> dict[str, Any]:
        return {"http_get": {"path": path, "port": service.port, "scheme": scheme}}

    health = asked(service.health_path) if listens else {"exec_": {"command": list(service.health_command)}}
    # A socket, not the health path: a database that is away must not restart every pod at once.
    socket = {"tcp_socket": {"port": service.port}} if listens else health
    live = asked(service.live_path) if service.live_path and listens else socket
    ports = {"ports": [{"name": scheme.lower(), "container_port": service.port}]} if listens else {}
    return {
        **ports,
        "startup_probe": {**health, "period_seconds": 2, "failure_threshold": 60},
        "readiness_probe": {**health, "period_seconds": 5, "timeout_seconds": 2, "failure_threshold": 2},
        "liveness_probe": {**live, "period_seconds": 10, "failure_threshold": 6},
        **ending,
    }


def file_key(path: str) -> str:
    """A file's path as a key of a ConfigMap."""
    return path.strip("/").replace("/", ".")


def _spread(
    service: Service, topology_key: str, when_unsatisfiable: str
) -> kubernetes.core.v1.TopologySpreadConstraintArgsDict:
    return {
        "max_skew": 1,
        "topology_key": topology_key,
        "when_unsatisfiable": when_unsatisfiable,
        "label_selector": {"match_labels": labels_of(service.name)},
        # Pods of the revision that leaves do not count, nor do nodes that are going away.
        "match_label_keys": ["pod-template-hash"],
        "node_taints_policy": "Honor",
    }
