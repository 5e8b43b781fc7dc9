"""What keeps `pulumi destroy` from deleting half of a production stack.

The engine deletes what nothing depends on first, and meets the protected database and keys only after workload, alarms
and routes are gone. The guard depends on everything and is protected, so a destruction meets it first and deletes
nothing. To destroy a production stack on purpose, unprotect the guard and what holds data, by name.

Creates one value that nobody uses; it costs nothing. Outside production it creates nothing.
"""

from __future__ import annotations

import pulumi
import pulumi_random as random


class DestructionGuard(pulumi.ComponentResource):
    """The first thing that a destruction meets."""

    def __init__(self, name: str, opts: pulumi.ResourceOptions, *, kept: bool) -> None:
        """
        Args:
            opts: `depends_on` names all parts of the stack.
            kept: whether the stack may not be destroyed.
        """
        super().__init__("softpos:foundations:DestructionGuard", name)
        if kept:
            random.RandomId(
                f"{name}-value",
                byte_length=4,
                opts=pulumi.ResourceOptions(parent=self, protect=True, depends_on=opts.depends_on),
            )
        self.register_outputs({})
