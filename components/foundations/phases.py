"""The phases of the move from the data centre: one row for each, and what is true in it. Nothing else decides by phase.

The order is the order of the move: ``none`` (no migration), ``beside`` (the application runs on AWS against the data
centre's database, without user traffic), ``shifting`` (the name leads to the load balancer, which shifts the traffic by
weight; then the cutover moves the data), ``after`` (everything is on AWS, the way back is closed). A live stack goes
forward and back by one phase at a time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

PhaseName = Literal["none", "beside", "shifting", "after"]
Owner = Literal["program", "nobody here", "traffic command"]


@dataclass(frozen=True, kw_only=True)
class Phase:
    """What is true while a stack is in this phase."""

    name: PhaseName
    moves_data: bool
    """Whether the DMS pipeline exists with its secrets, and pods, bastion and replication instance reach the source."""
    connects_to: Literal["target", "source"]
    """The database that a new connection secret names; later only the cutover changes it."""
    forwards_to_data_centre: bool
    """Whether the load balancer can forward to the data centre's router."""
    record: Owner
    """Who changes the record that serves payments. `nobody here`: it still leads to the data centre."""
    weights: Owner
    """Who changes what the load balancer forwards where. `program`: all of it to AWS."""
    adopts_record: bool = False
    """Whether the program takes over a record that the traffic command has written, without deleting it."""
    test_host: bool = False
    """Whether a test host name leads to AWS in addition to the public one."""
    old_authorities: bool = False
    """Whether the authorities of the data centre's certificates may still issue for the public name (CAA)."""
    firewall_may_count: bool = False
    """Whether the firewall does what `migrationFirewallMode` says: it counts first, and blocks once it is tuned."""
    scheduled_work: Literal["aws", "data centre", "as set"] = "aws"
    """The side that runs jobs on a schedule. `as set`: what `migrationScheduledWork` says, because the side changes in
    this phase."""


PHASES: Mapping[str, Phase] = {
    phase.name: phase
    for phase in (
        Phase(
            name="none",
            moves_data=False,
            connects_to="target",
            forwards_to_data_centre=False,
            record="program",
            weights="program",
        ),
        Phase(
            name="beside",
            moves_data=True,
            connects_to="source",
            forwards_to_data_centre=False,
            record="nobody here",
            weights="program",
            test_host=True,
            old_authorities=True,
            firewall_may_count=True,
            scheduled_work="data centre",
        ),
        Phase(
            name="shifting",
            moves_data=True,
            connects_to="source",
            forwards_to_data_centre=True,
            record="traffic command",
            weights="traffic command",
            test_host=True,
            old_authorities=True,
            firewall_may_count=True,
            scheduled_work="as set",
        ),
        Phase(
            name="after",
            moves_data=False,
            connects_to="target",
            forwards_to_data_centre=False,
            record="program",
            weights="program",
            adopts_record=True,
        ),
    )
}
