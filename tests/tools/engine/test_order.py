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


def test_what_speaks_to_kubernetes_waits_for_the_way_to_its_api(rehearsed: Callable[[str], Recording]) -> None:
    """And a destruction, which goes the other way round, keeps the way until the last object is gone."""
    recording = rehearsed("prod")
    waits = all_waits(recording.resources)
    objects = [one for one in recording.resources if one.type.startswith("kubernetes:")]
    assert len(objects) > 10
    [speaker] = {one.provider for one in objects}
    ways = [
        *recording.of("aws:ec2/vpnConnection:VpnConnection"),
        *recording.of("aws:ec2/vpnGatewayRoutePropagation:VpnGatewayRoutePropagation"),
        *(
            one
            for one in recording.resources
            if one.name.startswith("cluster-firewall-") and "rule" in one.type.lower()
        ),
    ]
    assert len(ways) > 5
    assert [one.name for one in ways if one.urn not in waits[speaker]] == []


def test_a_destruction_of_production_meets_the_guard_before_anything_else(
    rehearsed: Callable[[str], Recording],
) -> None:
    recording = rehearsed("prod")
    waits = all_waits(recording.resources)
    [guard] = [one for one in recording.resources if one.name == "guard-value"]
    assert guard.protect
    # The engine deletes what a remote component has made only after all that depends on the component.
    remote = {one.urn for one in recording.resources if one.remote}
    first = {
        one.name
        for one in recording.resources
        if one.custom and one.urn != guard.urn and not one.type.startswith("pulumi:")
        if one.urn not in waits[guard.urn] and not remote & waits[guard.urn] & ancestors(one, recording)
    }
    assert first == set()


def ancestors(resource: Resource, recording: Recording) -> set[str]:
    """URNs of the components in which a resource is."""
    by_urn = {one.urn: one for one in recording.resources}
    found: set[str] = set()
    while resource.parent in by_urn:
        resource = by_urn[resource.parent]
        found.add(resource.urn)
    return found
