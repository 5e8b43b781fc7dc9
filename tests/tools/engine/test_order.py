"""The order that AWS needs, read from the program's own dependencies: what a played deployment could pass by luck."""

from collections.abc import Callable, Mapping

from recording.program import Recording
from recording.recorder import Resource
from tools.engine.thing import texts

PERMISSIONS = ("aws:iam/rolePolicyAttachment:RolePolicyAttachment", "aws:iam/rolePolicy:RolePolicy")


def test_whatever_uses_a_role_waits_for_all_its_permissions(rehearsed: Callable[[str], Recording]) -> None:
    recording = rehearsed("prod")
    waits = all_waits(recording.resources)
    permissions: dict[str, list[Resource]] = {}
    for kind in PERMISSIONS:
        for one in recording.of(kind):
            permissions.setdefault(one.inputs["role"], []).append(one)
    users = [
        (resource, role)
        for role in recording.of("aws:iam/role:Role")
        for resource in recording.resources
        if resource.custom and role.outputs["arn"] in texts(resource.inputs)
    ]
    assert len(users) > 10
    early = {
        resource.urn: one.urn
        for resource, role in users
        for one in permissions.get(role.outputs["name"], ())
        if one.urn not in waits[resource.urn]
    }
    assert early == {}


def all_waits(resources: tuple[Resource, ...]) -> Mapping[str, set[str]]:
    """For each resource, everything that exists before it."""
    by_urn = {resource.urn: resource for resource in resources}
    known: dict[str, set[str]] = {}

    def waits(urn: str) -> set[str]:
        if urn not in known:
            resource = by_urn[urn]
            parent = by_urn.get(resource.parent)
            before = {one for one in resource.dependencies if one in by_urn}
            if parent is not None and parent.remote:
                before |= {one for one in parent.dependencies if one in by_urn}
            known[urn] = before.union(*map(waits, before))
        return known[urn]

    return {urn: waits(urn) for urn in by_urn}
