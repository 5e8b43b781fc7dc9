"""What several values must be together; each check is one rule."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from ipaddress import IPv4Network
from itertools import combinations
from typing import Any, TypeVar, cast, get_type_hints

from components.foundations.declared import Declared, Rule, problem_with
from components.foundations.phases import PHASES, Phase
from components.foundations.placement import stack_name
from components.foundations.rds_authority import DIRECTORY as RDS_AUTHORITIES
from components.foundations.subnet_plan import Tier
from components.foundations.values import is_private
from components.network.network_rules import acl_entries
from components.network.settings import zones_in_region
from facts.quotas import ACL_RULES, GROUP_RULES, LISTENER_RULES, quota
from settings.groups import PROJECT, Settings
from settings.problems import Problem, camel, shown

T = TypeVar("T")


class NotRead(Exception):  # noqa: N818
    """A check asked for a value that could not be read."""


class Draft:
    """The values read so far, some of which may be missing."""

    def __init__(self, values: Mapping[tuple[str, str], Any], stack: str) -> None:
        self._values = values
        self.stack = stack

    def get(self, path: str, as_type: type[T]) -> T:  # noqa: ARG002 (the type is for the reader and the type checker)
        """The value at ``group.field`` or ``field``; `NotRead` when it is itself a problem."""
        group, _, field = path.rpartition(".")
        if (group, field) not in self._values:
            raise NotRead
        return cast("T", self._values[group, field])

    def problem(self, path: str, allowed: str, remedy: str) -> Problem:
        found = self.get(path, object)
        text = json.dumps(list(map(str, found))) if isinstance(found, tuple) else str(found)
        return Problem(f"{PROJECT}:{camel(*path.split('.'))}", shown(text), allowed, remedy)


class _Part:
    """One group of a draft, with the attributes of the class that declares it."""

    def __init__(self, draft: Draft, group: str) -> None:
        self._draft, self._group = draft, group

    def __getattr__(self, field: str) -> Any:
        return self._draft.get(f"{self._group}.{field}", object)


def _kept(group: str, rule: Rule) -> Callable[[Draft], Iterator[Problem]]:
    """A check: a component's own rule of its values, with the names of the stack's keys."""

    def check(draft: Draft) -> Iterator[Problem]:
        for conflict in rule(_Part(draft, group)):
            other = f"{PROJECT}:{camel(group, conflict.other)}"
            allowed = conflict.allowed.replace("{other}", other)
            yield draft.problem(f"{group}.{conflict.field}", allowed, conflict.remedy)

    return check


def _groups() -> Iterator[tuple[str, type[Declared]]]:
    for name, hint in get_type_hints(Settings).items():
        if isinstance(hint, type) and issubclass(hint, Declared):
            yield name, hint


def _disjoint_ranges(draft: Draft) -> Iterator[Problem]:
    named = [(path, draft.get(path, IPv4Network)) for path in ("network.vpc_cidr", "cluster.service_cidr")]
    named += [("vpn.on_premises_cidrs", found) for found in draft.get("vpn.on_premises_cidrs", tuple)]
    for (path, one), (other_path, other) in combinations(named, 2):
        if one.version == other.version and one.overlaps(other):
            key = f"{PROJECT}:{camel(*other_path.split('.'))}"
            yield draft.problem(path, f"a range apart from {other} of {key}", "move one of the two ranges")


def _fits_network_acls(draft: Draft) -> Iterator[Problem]:
    """AWS raises the number of an ACL's rules in one direction to 40 at most; a rule is written for each range."""
    trusted, on_premises = draft.get("bastion.trusted_cidrs", tuple), draft.get("vpn.on_premises_cidrs", tuple)
    remote = tuple(map(str, on_premises)) if draft.get("vpn.enabled", bool) else ()
    one = dict.fromkeys(("vpc", "anywhere", "source", "router"), ("one",))
    ranges = {**one, "trusted": tuple(map(str, trusted)), "on-premises": remote}
    most = quota(ACL_RULES).most or 0
    for tier in Tier:
        for direction in ("ingress", "egress"):
            # Any port counts as one rule; the words are those of the table.
            rules = len(acl_entries(tier, direction, ranges, defaultdict(int)))  # type: ignore[arg-type]
            if rules > most:
                path = "vpn.on_premises_cidrs" if tier != Tier.PUBLIC else "bastion.trusted_cidrs"
                allowed = f"ranges that need at most {most} rules of a network ACL; these need {rules}"
                yield draft.problem(path, f"{allowed} ({tier.value} tier, {direction})", "join ranges into larger ones")


NODES_OWN_RULES = 15
"""Rules of the nodes in one direction that no service declares, with four addresses of the source, at most."""
HTTPS = 443
"""The port on which nodes reach every address anyway."""


def _services_fit_the_nodes_group(draft: Draft) -> Iterator[Problem]:
    """A rule is written for each range and port outside that a service calls, and one for each public service."""
    declared, usual = draft.get("services", tuple), quota(GROUP_RULES).usual
    outward = sum(len(way.cidrs) * len(set(way.ports) - {HTTPS}) for one in declared for way in one.outside)
    amounts = {"out": outward, "in": sum(one.public for one in declared)}
    for direction, amount in amounts.items():
        if amount + NODES_OWN_RULES > usual:
            allowed = f"at most {usual - NODES_OWN_RULES} rules of the nodes' security group {direction}"
            remedy = "join ranges into larger ones, call outside by HTTPS, or join services"
            yield Problem(f"{PROJECT}:services", f"{amount} rules", allowed, remedy)


def _paths_fit_the_load_balancer(draft: Draft) -> Iterator[Problem]:
    """A rule is written for each public path, and another one while the traffic shifts."""
    paths, usual = sum(len(one.paths) for one in draft.get("services", tuple)), quota(LISTENER_RULES).usual
    needed = paths * (2 if _phase(draft).forwards_to_data_centre else 1)
    if needed > usual:
        allowed = f"public paths that need at most {usual} rules of a load balancer"
        yield Problem(f"{PROJECT}:services", f"{needed} rules", allowed, "join paths by a wildcard, such as /api/*")


def _zones_in_region(draft: Draft) -> Iterator[Problem]:
    for conflict in zones_in_region(draft.get("region", str), draft.get("network.availability_zones", tuple)):
        yield draft.problem(f"network.{conflict.field}", conflict.allowed, conflict.remedy)


def _authority_of_region_known(draft: Draft) -> Iterator[Problem]:
    region = draft.get("region", str)
    if _phase(draft).moves_data and not (RDS_AUTHORITIES / f"{region}.pem").is_file():
        allowed = f"a Region whose RDS authority is in {RDS_AUTHORITIES.name}/"
        yield Problem("aws:region", repr(region), allowed, "add its certificate, or set migrationPhase to none")


def _short_stack_name(draft: Draft) -> Iterator[Problem]:
    if (problem := problem_with("stack", draft.stack, stack_name)) is not None:
        yield problem


def _images_in_account_region(draft: Draft) -> Iterator[Problem]:
    """A digest is pulled at every start, so the registry of each service must be near and the account's own."""
    region, declared = draft.get("region", str), draft.get("services", tuple)
    account = draft.get("image_account_id", str) or draft.get("account_id", str)
    key = f"{PROJECT}:services"
    images = {f"{key}.{one.name}.image": one.image for one in declared} or {
        f"{PROJECT}:serviceImage": draft.get("service.image", str)
    }
    for place, image in images.items():
        if not image:
            yield Problem(place, "nothing", f"an image by digest, or services in {key}", "give one of the two")
            continue
        if f".ecr.{region}." not in image:
            remedy = "replicate the image so that a rollout does not cross Regions"
            yield Problem(place, shown(image), f"a registry in {region}", remedy)
        if not image.startswith(f"{account}."):
            remedy = f"take the image from there, or name its account in {PROJECT}:imageAccountId"
            yield Problem(place, shown(image), f"a registry of account {account}", remedy)


def _one_way_to_declare_services(draft: Draft) -> Iterator[Problem]:
    services, image = draft.get("services", tuple), draft.get("service.image", str)
    if services and image:
        allowed = f"nothing while {PROJECT}:services declares the application"
        yield draft.problem("service.image", allowed, "make it empty, or remove the services")


def _services_fit_the_network(draft: Draft) -> Iterator[Problem]:
    zone, own = draft.get("edge.zone_name", str), draft.get("network.vpc_cidr", IPv4Network)
    for one in draft.get("services", tuple):
        place = f"{PROJECT}:services.{one.name}"
        if one.host and one.host != draft.get("edge.host_name", str):
            allowed = f"{PROJECT}:edgeHostName, the one public name of this platform"
            yield Problem(f"{place}.host", shown(one.host), allowed, f"remove it (a name within {zone} is to come)")
        for way in one.outside:
            for cidr in way.cidrs:
                if cidr.overlaps(own):
                    yield Problem(
                        f"{place}.outside.{way.name}", str(cidr), f"ranges outside the VPC {own}", "correct it"
                    )
                elif is_private(cidr):
                    yield Problem(f"{place}.outside.{way.name}", str(cidr), "public ranges", "name a public address")


def _phase(draft: Draft) -> Phase:
    return PHASES[draft.get("migration.phase", str)]


def _migration_has_a_way(draft: Draft) -> Iterator[Problem]:
    phase = _phase(draft)
    if phase.moves_data and not draft.get("vpn.enabled", bool):
        allowed = f"true while softpos:migrationPhase is {phase.name}"
        yield draft.problem("vpn.enabled", allowed, "set the phase to none or after first")


def _source_has_an_address(draft: Draft) -> Iterator[Problem]:
    if _phase(draft).moves_data and not draft.get("migration.source_addresses", tuple):
        yield draft.problem(
            "migration.source_addresses",
            f"1 to 4 addresses while softpos:migrationPhase is {_phase(draft).name}",
            "give the addresses at which the data centre's MySQL answers; network policies know no names",
        )


def _router_has_an_address(draft: Draft) -> Iterator[Problem]:
    if _phase(draft).forwards_to_data_centre and not draft.get("migration.router_addresses", tuple):
        yield draft.problem(
            "migration.router_addresses",
            f"1 to 4 addresses while softpos:migrationPhase is {_phase(draft).name}",
            "give the addresses of the data centre's router, to which the load balancer forwards",
        )


def _data_centre_is_behind_the_vpn(draft: Draft) -> Iterator[Problem]:
    ranges = draft.get("vpn.on_premises_cidrs", tuple)
    for path in ("migration.source_addresses", "migration.router_addresses"):
        outside = [str(address) for address in draft.get(path, tuple) if not any(address in one for one in ranges)]
        if outside and _phase(draft).moves_data:
            yield draft.problem(path, f"addresses within softpos:vpnOnPremisesCidrs, not {outside[0]}", "correct one")


def _old_side_can_renew(draft: Draft) -> Iterator[Problem]:
    if _phase(draft).old_authorities and not draft.get("migration.old_authorities", tuple):
        yield draft.problem(
            "migration.old_authorities",
            f"1 to 8 domain names while softpos:migrationPhase is {_phase(draft).name}",
            "name the authority that issues the data centre's certificate, or its next renewal is refused (CAA)",
        )


def _test_host_is_another(draft: Draft) -> Iterator[Problem]:
    zone, name = draft.get("edge.zone_name", str), draft.get("migration.test_host_name", str)
    if not _phase(draft).test_host:
        return
    if not name.endswith(f".{zone}") or name == draft.get("edge.host_name", str):
        allowed = f"a name within the zone {zone} that is not softpos:edgeHostName"
        yield draft.problem("migration.test_host_name", allowed, "choose a name at which AWS is tried before the move")


PRODUCTION_NEEDS: tuple[tuple[str, object, str], ...] = (
    *(
        (f"{group}.{field}", wanted, allowed)
        for group, declared in _groups()
        for field, (wanted, allowed) in declared.IN_PRODUCTION.items()
    ),
    ("audit.trail", "create", "create in production, so that its diary does not end with another stack"),
    ("temporary.until", "", "nothing in production, which never expires"),
)


def _production_is_production(draft: Draft) -> Iterator[Problem]:
    production = draft.get("environment", str) == "production"
    if draft.stack == "prod" and not production:
        yield draft.problem("environment", "production in the stack prod", "correct it or use another stack")
    if production:
        for path, wanted, allowed in PRODUCTION_NEEDS:
            if draft.get(path, object) != wanted:
                yield draft.problem(path, allowed, f"set it to {json.dumps(wanted)}, or use a stack of development")


WATCHES = ("config", "guardduty", "inspector", "security_hub", "account_baseline")
"""What watches an account. Production makes it or adopts what exists; `operations account` proves that it does."""


def _production_is_watched(draft: Draft) -> Iterator[Problem]:
    if draft.get("environment", str) == "production":
        for watch in WATCHES:
            if draft.get(f"audit.{watch}", str) == "off":
                yield draft.problem(
                    f"audit.{watch}", "create or adopt in production", "adopt it where it exists already"
                )


CHECKS: tuple[Callable[[Draft], Iterator[Problem]], ...] = (
    *(_kept(group, rule) for group, declared in _groups() for rule in declared.RULES),
    _disjoint_ranges,
    _fits_network_acls,
    _services_fit_the_nodes_group,
    _paths_fit_the_load_balancer,
    _zones_in_region,
    _authority_of_region_known,
    _short_stack_name,
    _images_in_account_region,
    _one_way_to_declare_services,
    _services_fit_the_network,
    _migration_has_a_way,
    _source_has_an_address,
    _router_has_an_address,
    _data_centre_is_behind_the_vpn,
    _old_side_can_renew,
    _test_host_is_another,
    _production_is_production,
    _production_is_watched,
)
