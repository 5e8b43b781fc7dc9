"""The application's pod, as data: what it may do, what it gets, how it starts and how it ends.

What the image must do: listen with TLS on port 8443 with a certificate that it makes at start (the load balancer
encrypts to it and knows no name of it), answer 200 at the health path, write nothing but to /tmp, run as any user in
group 0, and end within the grace period of a SIGTERM. OpenShift asks images for the same, so the ones that ran there
do.

Trust boundary: the pod has no root, no right to become root, no Kubernetes token and no disk to write to.
"""

from __future__ import annotations

from collections.abc import Mapping

import pulumi
import pulumi_kubernetes as kubernetes

from components.edge.public_edge import DRAIN_SECONDS
from components.service.settings import ServiceSettings

APPLICATION = "softpos"
"""Name of the application in Kubernetes: its Deployment, Service, account, container."""
APPLICATION_PORT = 8443
LABELS = {"app.kubernetes.io/name": APPLICATION, "app.kubernetes.io/part-of": APPLICATION}
ENDPOINT_SECONDS = 15
"""How long a leaving pod still takes requests: until every node has heard that it leaves."""
GRACE_SECONDS = ENDPOINT_SECONDS + DRAIN_SECONDS + 5
"""From the decision to stop a pod to its end: all requests that the load balancer still waits for can finish."""
USER_ID = 10001
MEMORY = "768Mi"
CPU_REQUEST = "500m"
CPU_LIMIT = "1"
CONFIGURATION_DIRECTORY = "/etc/softpos"
AUTHORITIES = "database-authorities"
"""ConfigMap whose one file, `database-ca.pem`, holds the authorities of every database that the secret may name."""
AUTHORITIES_FILE = "database-ca.pem"
SCRATCH = "64Mi"
"""The only writable place, in memory: the pod's TLS key never meets a disk."""


def pod_spec(
    settings: ServiceSettings, environment: Mapping[str, pulumi.Input[str]]
) -> kubernetes.core.v1.PodSpecArgsDict:
    """The pod for the image of the settings, with `environment` in its one container."""
    return {
        "service_account_name": APPLICATION,
        "automount_service_account_token": False,
        "enable_service_links": False,
        "termination_grace_period_seconds": GRACE_SECONDS,
        "security_context": {
            "run_as_non_root": True,
            "run_as_user": USER_ID,
            "run_as_group": 0,  # the group that images for OpenShift give their files to; it has no right by itself
            "seccomp_profile": {"type": "RuntimeDefault"},
        },
        "topology_spread_constraints": [
            # Hosts strictly, zones as well as possible: with one node group for all zones, a strict rule for zones
            # would keep pods waiting for a node that the autoscaler cannot ask for by zone.
            _spread("kubernetes.io/hostname", "DoNotSchedule"),
            _spread("topology.kubernetes.io/zone", "ScheduleAnyway"),
        ],
        "containers": [_container(settings, environment)],
        "volumes": [
            {"name": "scratch", "empty_dir": {"medium": "Memory", "size_limit": SCRATCH}},
            {"name": AUTHORITIES, "config_map": {"name": AUTHORITIES}},
        ],
    }


def _container(
    settings: ServiceSettings, environment: Mapping[str, pulumi.Input[str]]
) -> kubernetes.core.v1.ContainerArgsDict:
    health: kubernetes.core.v1.HTTPGetActionArgsDict = {
        "path": settings.health_path,
        "port": APPLICATION_PORT,
        "scheme": "HTTPS",
    }
    return {
        "name": APPLICATION,
        "image": settings.image,
        "ports": [{"name": "https", "container_port": APPLICATION_PORT}],
        "env": [{"name": key, "value": value} for key, value in environment.items()],
        "resources": {
            "requests": {"cpu": CPU_REQUEST, "memory": MEMORY},
            "limits": {"cpu": CPU_LIMIT, "memory": MEMORY},
        },
        "security_context": {
            "allow_privilege_escalation": False,
            "privileged": False,
            "read_only_root_filesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "startup_probe": {"http_get": health, "period_seconds": 2, "failure_threshold": 60},
        "readiness_probe": {"http_get": health, "period_seconds": 5, "timeout_seconds": 2, "failure_threshold": 2},
        # A socket, not the health path: a database that is away must not restart every pod at once.
        "liveness_probe": {"tcp_socket": {"port": APPLICATION_PORT}, "period_seconds": 10, "failure_threshold": 6},
        "lifecycle": {"pre_stop": {"sleep": {"seconds": ENDPOINT_SECONDS}}},
        "volume_mounts": [
            {"name": "scratch", "mount_path": "/tmp"},  # noqa: S108 (the container's own)
            {"name": AUTHORITIES, "mount_path": CONFIGURATION_DIRECTORY, "read_only": True},
        ],
    }


def _spread(topology_key: str, when_unsatisfiable: str) -> kubernetes.core.v1.TopologySpreadConstraintArgsDict:
    return {
        "max_skew": 1,
        "topology_key": topology_key,
        "when_unsatisfiable": when_unsatisfiable,
        "label_selector": {"match_labels": LABELS},
        # Pods of the revision that leaves do not count, nor do nodes that are going away.
        "match_label_keys": ["pod-template-hash"],
        "node_taints_policy": "Honor",
    }
