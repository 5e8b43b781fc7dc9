"""Free texts that a service refuses: what it allows in them, with its source."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from recording.sdk import UNKNOWN, Failure

EC2_DESCRIPTION = r"[a-zA-Z0-9. _\-:/()#,@\[\]+=&;{}!$*]{0,255}"
"""Amazon EC2, API reference of CreateSecurityGroup and of IpRange."""
TEXTS: Mapping[str, Mapping[str, str]] = {
    "aws:ec2/securityGroup:SecurityGroup": {"description": EC2_DESCRIPTION},
    "aws:ec2/securityGroupRule:SecurityGroupRule": {"description": EC2_DESCRIPTION},
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": {"description": EC2_DESCRIPTION},
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": {"description": EC2_DESCRIPTION},
}
"""Allowed texts by type and property."""


def unreadable(type_: str, inputs: Mapping[str, Any]) -> list[Failure]:
    """The texts that the service would refuse."""
    given = ((name, allowed, inputs.get(name)) for name, allowed in TEXTS.get(type_, {}).items())
    return [
        Failure(name, f"the service refuses {value!r}; allowed: {allowed}")
        for name, allowed, value in given
        if isinstance(value, str) and value != UNKNOWN and not re.fullmatch(allowed, value)
    ]
