"""What AWS answers of a thing beyond what was declared of it; a refresh sees it, and the next plan calls it drift.

Each answer has its source. `declared` never changes: a program that declares all that AWS answers sees no difference.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

RUNTIME_AGENTS = ("EC2_AGENT_MANAGEMENT", "ECS_FARGATE_AGENT_MANAGEMENT", "EKS_ADDON_MANAGEMENT")
"""Amazon GuardDuty, API reference of DetectorAdditionalConfiguration."""


def answered(type_: str, declared: Mapping[str, Any]) -> dict[str, Any]:
    """The properties as AWS tells them."""
    answer = ANSWERS.get(type_)
    return answer(declared) if answer else dict(declared)


def _every_agent(declared: Mapping[str, Any]) -> dict[str, Any]:
    """GuardDuty tells of each agent of Runtime Monitoring, also of those that nobody named, in its own order."""
    if declared.get("name") != "RUNTIME_MONITORING":
        return dict(declared)
    given = {one["name"]: one for one in declared.get("additionalConfigurations") or ()}
    told = [given.get(name, {"name": name, "status": "DISABLED"}) for name in RUNTIME_AGENTS]
    return {**declared, "additionalConfigurations": told}


def _whole_access(declared: Mapping[str, Any]) -> dict[str, Any]:
    """ElastiCache tells a user's channels, also where the string names none (Redis 7 documentation, ACL SETUSER)."""
    words = str(declared.get("accessString", "")).split()
    names_channels = any(word.startswith(("&", "allchannels", "resetchannels")) for word in words)
    keys = [index for index, word in enumerate(words) if word.startswith(("~", "%", "allkeys"))]
    if names_channels or not keys:
        return dict(declared)
    after = keys[-1] + 1
    return {**declared, "accessString": " ".join([*words[:after], "resetchannels", *words[after:]])}


ANSWERS: Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    "aws:guardduty/detectorFeature:DetectorFeature": _every_agent,
    "aws:elasticache/user:User": _whole_access,
}
