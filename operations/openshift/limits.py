"""What the product's pods and load balancer are and allow, as far as a verdict depends on it."""

from __future__ import annotations

PORT = 8443
USER_ID = 10001
SCRATCH_MEBIBYTES = 64
GRACE_SECONDS = 80
"""From the decision to stop a pod to its end, by default: 15 until every node knows, 60 to finish, 5 to spare."""
CPU_TARGET_PERCENT = 60
IDLE_TIMEOUT_MAX = 4000
"""Seconds; the load balancer's own limit."""
LEAST_REPLICAS = 2
FILES_KIBIBYTES = 512
HSTS = "max-age=31536000; includeSubDomains"
