"""The figures that decide about a step: each with its unit, its default and what it is measured against."""

from __future__ import annotations

from dataclasses import dataclass

LEVELS = (1, 10, 50, 100)
"""Per cent of the payments that AWS serves, in the only order in which they may follow one another."""
NAME_STEP = 0
"""The step before all others: the public name leads to the load balancer, which forwards all to the data centre."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a step must show before it counts, and how long it is looked at."""

    window_seconds: float = 900.0
    """How long a step is watched. No client is bound to a side for longer: the cookie lives no longer than this."""
    least_requests: int = 200
    """Requests that each side which serves must have answered in the window. Fewer are no proof."""
    errors_most: float = 0.01
    """Largest share of failed requests (5xx, connections that a target refused)."""
    errors_more: float = 0.005
    """By how much the share on AWS may be above the data centre's in the same minutes."""
    slower_factor: float = 1.5
    slower_seconds: float = 0.1
    """AWS may take this factor of the data centre's time, and this much in addition."""
    p95_most_seconds: float = 2.0
    p99_most_seconds: float = 5.0
    approvals_less: float = 0.02
    """By how much the share of requests answered with neither 4xx nor 5xx may be below the data centre's."""
    balancer_errors_most: float = 0.005
    """Largest share of requests that the load balancer itself answers with 5xx."""
    old_clients_most: float = 0.005
    """Largest share of TLS handshakes that fail, and of requests that lose a header, at the load balancer."""
    firewall_most: float = 0.005
    """Largest share of requests that the firewall blocks, or would block if it did not only count."""
    lag_most_seconds: float = 30.0
    connections_most: float = 0.8
    """Largest share of the source's connections that may be in use."""
    look_seconds: float = 15.0
    """Time between two looks."""
    late_seconds: float = 150.0
    """CloudWatch tells a minute this much later."""
    pause_seconds: float = 900.0
    """How long a step waits for a measuring that does not work. Then the command ends; the weights stay as they are."""
    settle_seconds: float = 2.0
    """How soon AWS has a new action in force everywhere, and when the way back is looked at again."""
    patience_seconds: float = 300.0
    """How long the way back is tried while AWS does not answer."""
    lease_seconds: float = 60.0
    """After this silence of an operator's process another may go on."""
