"""What a service of the application is, as settings declare it: `softpos:services`, a map from name to fields.

A service listens and serves (`port`), works in the background (port 0), runs on a schedule (`schedule`) or runs once
before others are rolled out (`before`). Absent fields have the defaults below. `services` reads the map and refuses
what cannot be used, with the place and one sentence. Secrets are named, never given.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from ipaddress import IPv4Network
from typing import Annotated, Any, Literal, get_type_hints
from zoneinfo import available_timezones

from ..edge.backends import colliding
from ..foundations.values import (
    Between,
    ListOf,
    Matching,
    Optionally,
    Refused,
    domain,
    image_by_digest,
    kind_of,
    network,
    url_path,
)

SIMPLE = "softpos"
"""Name of the only service of an application that is declared by `softpos:serviceImage`."""
SIMPLE_NODE_PORT = 30443
FIRST_NODE_PORT = 30444
NODE_PORTS = 2000
"""A service's node port is drawn from its name, so that no other service's comes or goes with it."""
LARGEST_FILES = 512 * 1024
"""Bytes of all files of a service; a ConfigMap holds 1 MiB at most."""
PLATFORM_VARIABLES = (
    "AWS_REGION", "TLS_PORT", "DATABASE_CONNECTION_SECRET", "DATABASE_CA_FILE", "CACHE_HOST", "CACHE_READER_HOST",
    "CACHE_PORT", "CACHE_NAME", "CACHE_USER",
)  # fmt: skip
PLATFORM_PATHS = ("/tmp", "/etc/softpos")  # noqa: S108 (the container's own)


@dataclass(frozen=True)
class MapOf:
    """A JSON object from names of one kind to values of another."""

    name: Callable[[str], Any]
    value: Callable[[str], Any]

    def __call__(self, text: str) -> tuple[tuple[str, Any], ...]:
        found = _json(text, dict, "a map of names and values")
        return tuple((self.name(str(key)), self.value(_text(value))) for key, value in found.items())


def texts(text: str) -> tuple[str, ...]:
    """A JSON list of texts, in which a text may come twice: a command and its arguments."""
    found = _json(text, list, "a list of texts")
    if not all(isinstance(item, str) for item in found):
        raise Refused("a list of texts", "quote each item")
    return tuple(found)


@dataclass(frozen=True, kw_only=True)
class Outside:
    """Named addresses outside the VPC that a service calls."""

    name: Annotated[str, Matching(r"[a-z]([a-z0-9-]{0,30}[a-z0-9])?", "a name of small letters, digits and hyphens")]
    cidrs: Annotated[tuple[IPv4Network, ...], ListOf(network, 1, 20)]
    ports: Annotated[tuple[int, ...], ListOf(Between(1, 65535, "the TCP port"), 1, 10)]
    because: Annotated[str, Matching(r".{3,200}", "a reason of 3 to 200 letters")]


@dataclass(frozen=True, kw_only=True)
class Permission:
    """One IAM statement of a service's own role."""

    actions: Annotated[
        tuple[str, ...], ListOf(Matching(r"[a-z0-9-]+:[A-Za-z0-9]+", "an action in full such as s3:GetObject"), 1, 50)
    ]
    resources: Annotated[
        tuple[str, ...], ListOf(Matching(r"arn:aws[a-z-]*:[^*:]+:.{1,200}", "the ARN of a resource, not *"), 1, 50)
    ]


def records(declared: type) -> Callable[[str], tuple[Any, ...]]:
    """A JSON list of objects that `declared`, a dataclass, describes."""

    def read(text: str) -> tuple[Any, ...]:
        found = _json(text, list, "a list of maps")
        return tuple(_record(declared, item, f"[{index}]") for index, item in enumerate(found))

    return read


label = Matching(r"[a-z]([a-z0-9-]{0,30}[a-z0-9])?", "1 to 32 small letters, digits and hyphens, a letter first")
quantity_of_cpu = Matching(r"[1-9]\d{0,4}m|[1-9]\d?(\.\d)?|0\.\d{1,2}", "an amount of processors such as 500m or 2")
quantity_of_memory = Matching(r"[1-9]\d{0,5}(Mi|Gi)", "an amount of memory such as 768Mi or 2Gi")
variable = Matching(r"[A-Z][A-Z0-9_]{0,63}", "a variable's name in capitals such as LOG_LEVEL")
file_path = Matching(r"/[\w./-]{1,200}", "the path of a file such as /etc/payments/rules.json")
path_pattern = Matching(r"/[\w./*?~-]{0,127}", "a path of the load balancer such as /v2 or /v2/*")
five_fields = Matching(r"[\d*/,\-A-Za-z]+( [\d*/,\-A-Za-z]+){4}", "a schedule of five fields such as 30 23 * * *")
secret_name = Matching(r"[\w/+=.@-]{1,512}", "the name of a secret in Secrets Manager, never its value")


def plain_value(text: str) -> str:
    """An environment variable's value, which is no secret."""
    if "PRIVATE KEY" in text or re.search(r"://[^/\s:@]+:[^/\s@]+@", text):
        refusal = Refused("a value that is no secret", "put it into Secrets Manager and name it in `secrets`")
        raise refusal.at("", "[withheld: it looks like a secret]")
    return text


def time_zone(text: str) -> str:
    """A time zone of the IANA's database."""
    if text not in available_timezones():
        raise Refused("a time zone such as Europe/Vienna", "write the IANA's name")
    return text


@dataclass(frozen=True, kw_only=True)
class Service:
    """One service or job of the application."""

    name: Annotated[str, label]
    image: Annotated[str, image_by_digest]
    command: Annotated[tuple[str, ...], texts] = ()
    """In place of the image's own entry point."""
    arguments: Annotated[tuple[str, ...], texts] = ()
    port: Annotated[int, Between(0, 65535, "the port, 0 for none")] = 8443
    plain_http_because: Annotated[str, Optionally(Matching(r".{3,200}", "a reason of 3 to 200 letters"))] = ""
    """Why the pod speaks HTTP inside the cluster; empty where it speaks TLS."""
    health_path: Annotated[str, url_path] = "/health"
    """Answers 200 when the pod is ready; the load balancer asks it too."""
    live_path: Annotated[str, Optionally(url_path)] = ""
    """Answers 200 while the process lives; empty: an open socket is enough."""
    health_command: Annotated[tuple[str, ...], texts] = ()
    """In place of the health path, where the service listens nowhere; without it only the process's end is seen."""
    replicas_min: Annotated[int, Between(2, 200, "pods", "two survive the loss of a node")] = 2
    replicas_max: Annotated[int, Between(2, 600, "pods")] = 0
    """Absent: three times the least."""
    cpu_request: Annotated[str, quantity_of_cpu] = "500m"
    cpu_limit: Annotated[str, quantity_of_cpu] = "1"
    memory: Annotated[str, quantity_of_memory] = "768Mi"
    scratch: Annotated[str, quantity_of_memory] = "64Mi"
    """Size of /tmp, the only writable place, in memory."""
    host: Annotated[str, Optionally(domain)] = ""
    """Public host name; empty: `softpos:edgeHostName`."""
    paths: Annotated[tuple[str, ...], ListOf(path_pattern, 0, 4)] = ()
    """Public paths; none: reached from inside only. A rule of the load balancer takes a host name and four paths."""
    callers: Annotated[tuple[str, ...], ListOf(label, 0, 50)] = ()
    """Services that may call this one."""
    uses: Annotated[tuple[str, ...], ListOf(Matching("database|cache", "database or cache"), 0, 2)] = ()
    outside: Annotated[tuple[Outside, ...], records(Outside)] = ()
    environment: Annotated[tuple[tuple[str, str], ...], MapOf(variable, plain_value)] = ()
    secrets: Annotated[tuple[tuple[str, str], ...], MapOf(variable, secret_name)] = ()
    """Environment variable, and the name of the secret that it names."""
    files: Annotated[tuple[tuple[str, str], ...], MapOf(file_path, plain_value)] = ()
    permissions: Annotated[tuple[Permission, ...], records(Permission)] = ()
    start_after: Annotated[tuple[str, ...], ListOf(label, 0, 50)] = ()
    """Services that must be ready first."""
    drain_seconds: Annotated[int, Between(1, 300, "seconds")] = 60
    schedule: Annotated[str, Optionally(five_fields)] = ""
    time_zone: Annotated[str, Optionally(time_zone)] = ""
    concurrency: Literal["Forbid", "Replace"] = "Forbid"
    deadline_seconds: Annotated[int, Between(10, 86_400, "seconds")] = 3600
    retries: Annotated[int, Between(0, 6, "retries")] = 0
    before: Annotated[tuple[str, ...], ListOf(label, 0, 50)] = ()
    given: frozenset[str] = field(default=frozenset(), compare=False)
    """The fields that the settings gave; the others have their defaults."""

    @property
    def kind(self) -> Literal["service", "schedule", "once"]:
        return "schedule" if self.schedule else "once" if self.before else "service"

    @property
    def public(self) -> bool:
        """Whether the load balancer leads to it."""
        return bool(self.paths)

    @property
    def most_replicas(self) -> int:
        return self.replicas_max or 3 * self.replicas_min

    @property
    def node_port(self) -> int:
        """The port of every node that leads to it, where it is public."""
        if self.name == SIMPLE:
            return SIMPLE_NODE_PORT
        return FIRST_NODE_PORT + zlib.crc32(self.name.encode()) % NODE_PORTS

    @property
    def patterns(self) -> tuple[str, ...]:
        """The public paths as the load balancer takes them; ``/`` alone means everything."""
        return tuple("/*" if path == "/" else path for path in self.paths)


def labels_of(service: str) -> dict[str, str]:
    """The labels of a service's pods, by which Services, budgets and network policies select them."""
    return {"app.kubernetes.io/name": service, "app.kubernetes.io/part-of": SIMPLE}


ONLY_OF_SERVICES = frozenset(
    ("port", "plain_http_because", "health_path", "live_path", "health_command", "replicas_min", "replicas_max",
     "host", "paths", "callers", "start_after")
)  # fmt: skip
ONLY_OF_JOBS = frozenset(("concurrency", "time_zone", "deadline_seconds", "retries"))


def services(text: str) -> tuple[Service, ...]:
    """Read `softpos:services`: its services in the order of their names.

    Raises:
        Refused: with the place inside the map, for what cannot be used.
    """
    found = _json(text, dict, "a map from the name of each service to its fields")
    declared = []
    for name in sorted(found):
        try:
            label(name)
        except Refused as refusal:
            raise refusal.at(f".{name}", repr(name)) from None
        if name in ("database", "cache"):
            raise Refused("a name other than database and cache, which `uses` means", "rename it").at(f".{name}", name)
        if not isinstance(found[name], dict):
            raise Refused("a map of the service's fields", "write `image: ...` below it").at(f".{name}", found[name])
        declared.append(_record(Service, {"name": name, **found[name]}, f".{name}"))
    for check in CHECKS:
        check(tuple(declared))
    return tuple(declared)


def simple(image: str, health_path: str, replicas_min: int, replicas_max: int) -> Service:
    """The one service of an application that is declared by `softpos:serviceImage` and its kin."""
    return Service(
        name=SIMPLE,
        image=image,
        health_path=health_path,
        replicas_min=replicas_min,
        replicas_max=replicas_max,
        paths=("/*",),
        uses=("database", "cache"),
    )


def _json(text: str, kind: type, allowed: str) -> Any:
    try:
        found = json.loads(text)
    except json.JSONDecodeError:
        raise Refused(allowed, "write it in YAML, as docs/services.md shows") from None
    if not isinstance(found, kind):
        raise Refused(allowed, "write it in YAML, as docs/services.md shows")
    return found


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _record(declared: type, item: object, place: str) -> Any:
    """An instance of `declared` from a JSON object; a refusal says at which field."""
    if not isinstance(item, Mapping):
        raise Refused("a map of fields", "write one field a line").at(place, item)
    hints = {name: hint for name, hint in get_type_hints(declared, include_extras=True).items() if name != "given"}
    values: dict[str, Any] = {}
    for name, value in item.items():
        if name not in hints:
            known = ", ".join(sorted(hints.keys() - {"name"} if declared is Service else hints))
            raise Refused(f"the fields {known}", "correct or remove it").at(f"{place}.{name}", "this field")
        try:
            values[name] = kind_of(hints[name])(_text(value))
        except Refused as refusal:
            raise refusal.at(f"{place}.{name}", value) from None
    for one in fields(declared):
        if one.name not in values and one.default is MISSING and one.default_factory is MISSING:
            raise Refused("a value", "add it").at(f"{place}.{one.name}", "nothing")
    if declared is Service:
        values["given"] = frozenset(item) - {"name"}
    return declared(**values)


# ---- What services must be together ---------------------------------------------------------------------------------


def _fields_of_their_kind(declared: tuple[Service, ...]) -> None:
    for one in declared:
        foreign = one.given & (ONLY_OF_JOBS if one.kind == "service" else ONLY_OF_SERVICES)
        if one.schedule and one.before:
            raise Refused("a schedule or `before`, not both", "remove one").at(f".{one.name}.before", list(one.before))
        if foreign:
            name = sorted(foreign)[0]
            allowed = "nothing in a service without `schedule`" if one.kind == "service" else "nothing in a job"
            raise Refused(allowed, "remove it").at(f".{one.name}.{name}", getattr(one, name))
        if one.schedule and not one.time_zone:
            raise Refused("the time zone of the schedule", "write one such as Europe/Vienna").at(
                f".{one.name}.time_zone", "nothing"
            )


def _replicas_in_order(declared: tuple[Service, ...]) -> None:
    for one in declared:
        if one.replicas_min > one.most_replicas:
            raise Refused(f"at most replicas_max ({one.replicas_max})", "lower this value or raise the other").at(
                f".{one.name}.replicas_min", one.replicas_min
            )


def _ports(declared: tuple[Service, ...]) -> None:
    for one in declared:
        if 0 < one.port < 1024:
            raise Refused("a port from 1024, which needs no root, or 0", "let the image listen on another port").at(
                f".{one.name}.port", one.port
            )
        if one.kind == "service" and one.port == 0 and (one.paths or one.callers):
            name = "paths" if one.paths else "callers"
            raise Refused("nothing where the service listens nowhere (port 0)", "give a port or remove it").at(
                f".{one.name}.{name}", list(getattr(one, name))
            )


def _names_exist(declared: tuple[Service, ...]) -> None:
    known = {one.name: one for one in declared}
    for one in declared:
        for name in ("callers", "start_after", "before"):
            for other in getattr(one, name):
                allowed = (
                    f"other services of softpos:services ({', '.join(sorted(known.keys() - {one.name})) or 'none'})"
                )
                if other not in known or other == one.name:
                    raise Refused(allowed, "correct the name or declare the service").at(f".{one.name}.{name}", other)
                if name != "callers" and known[other].kind != "service":
                    raise Refused("services, not jobs", "remove the job's name").at(f".{one.name}.{name}", other)


def _no_circle(declared: tuple[Service, ...]) -> None:
    after = {one.name: one.start_after for one in declared}

    def visit(name: str, way: tuple[str, ...]) -> None:
        if name in way:
            circle = " -> ".join((*way[way.index(name) :], name))
            raise Refused("an order without a circle", "remove one of them").at(f".{name}.start_after", circle)
        for other in after[name]:
            visit(other, (*way, name))

    for name in after:
        visit(name, ())


def _one_service_per_path(declared: tuple[Service, ...]) -> None:
    taken: dict[tuple[str, str], str] = {}
    for one in declared:
        for pattern in one.patterns:
            other = taken.setdefault((one.host, pattern), one.name)
            if other != one.name:
                raise Refused(f"a path that no other service has, and {other} has this one", "change one of them").at(
                    f".{one.name}.paths", pattern
                )


def _one_priority_per_path(declared: tuple[Service, ...]) -> None:
    patterns = [(pattern, one.name) for one in declared for pattern in one.patterns]
    if found := colliding(pattern for pattern, _ in patterns):
        name = dict(patterns)[found[1]]
        raise Refused(f"a path that draws another priority than {found[0]}", "write it a little differently").at(
            f".{name}.paths", found[1]
        )


def _one_service_per_node_port(declared: tuple[Service, ...]) -> None:
    taken: dict[int, str] = {}
    for one in declared:
        if one.public and (other := taken.setdefault(one.node_port, one.name)) != one.name:
            raise Refused(f"a name that draws another node port than {other} ({one.node_port})", "rename one").at(
                f".{one.name}", one.name
            )


def _nothing_of_the_platform(declared: tuple[Service, ...]) -> None:
    for one in declared:
        for name in ("environment", "secrets"):
            for key, _ in getattr(one, name):
                if key in PLATFORM_VARIABLES:
                    raise Refused("variables that the platform does not set itself", "remove it").at(
                        f".{one.name}.{name}.{key}", "this variable"
                    )
        for path, _ in one.files:
            if ".." in path or any(path == taken or path.startswith(f"{taken}/") for taken in PLATFORM_PATHS):
                raise Refused(f"a path outside {' and '.join(PLATFORM_PATHS)}", "choose another").at(
                    f".{one.name}.files", path
                )
        if sum(len(content.encode()) for _, content in one.files) > LARGEST_FILES:
            raise Refused(f"at most {LARGEST_FILES // 1024} KiB of files", "put them into the image or into S3").at(
                f".{one.name}.files", "their size"
            )


def _narrow_outside(declared: tuple[Service, ...]) -> None:
    for one in declared:
        for way in one.outside:
            for cidr in way.cidrs:
                if not isinstance(cidr, IPv4Network) or cidr.prefixlen < 24:
                    raise Refused("IPv4 ranges of /24 and narrower", "name who is called, never the whole internet").at(
                        f".{one.name}.outside.{way.name}", str(cidr)
                    )


CHECKS = (
    _fields_of_their_kind,
    _replicas_in_order,
    _ports,
    _names_exist,
    _no_circle,
    _one_service_per_path,
    _one_priority_per_path,
    _one_service_per_node_port,
    _nothing_of_the_platform,
    _narrow_outside,
)
