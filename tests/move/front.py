"""A load balancer on loopback that does with requests what AWS's does, and takes its orders through AWS's API.

What it keeps to (User Guide of Application Load Balancers: listener rules, sticky sessions, health checks):

- a rule forwards to one group, or to several by weight (0 to 999, a share of their sum);
- with group stickiness, the cookie AWSALBTG names the group that served last. It wins over the weights, 0 among them,
  as long as the action still names the group, and it is renewed with each answer;
- an action that names one group asks no cookie: replacing the action moves everybody at once;
- a sticky group's cookie AWSALB names the target in the same way, while that target is healthy;
- to a target it speaks TLS without a server name, checks no certificate, and keeps Host;
- a group without a healthy target gets its requests all the same (fail open); without a target the answer is 503;
- a target that hangs up is a 502, one that is silent a 504; nothing is sent twice.
"""

from __future__ import annotations

import base64
import contextlib
import fnmatch
import http.client
import json
import random
import select
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

from tests.cutover.servers import Authority
from tests.examples.application.instance import no_verification

GROUP_COOKIE, TARGET_COOKIE = "AWSALBTG", "AWSALB"
LOOK_SECONDS = 2.0
"""How soon an order of the API is in force, and how often targets are looked at; AWS takes some seconds for both."""
IDLE_SECONDS = 60
HOP_BY_HOP = ("connection", "keep-alive", "transfer-encoding", "content-length")


class Sample(NamedTuple):
    """One answered request: what the metrics of CloudWatch are made of."""

    at: float
    """Time by `time.monotonic`."""
    group: str
    """ARN of the target group."""
    status: int
    seconds: float
    sticky: bool
    """Whether the client brought the group's cookie."""


@dataclass(frozen=True)
class Group:
    """A target group as the API describes it."""

    arn: str
    sticky_seconds: int
    """0: not sticky."""
    targets: tuple[tuple[str, int], ...]
    health_path: str
    healthy_after: int
    unhealthy_after: int


@dataclass(frozen=True)
class Rule:
    """One rule, or the default action, whose conditions always hold."""

    hosts: tuple[str, ...]
    paths: tuple[str, ...]
    weights: Mapping[str, int]
    sticky_seconds: int

    def holds(self, host: str, path: str) -> bool:
        return all(
            any(fnmatch.fnmatchcase(value, pattern) for pattern in patterns)
            for value, patterns in ((host, self.hosts), (path, self.paths))
            if patterns
        )


class Choice(NamedTuple):
    """Where a request goes."""

    group: Group
    target: tuple[str, int]
    group_seconds: int
    sticky: bool


@dataclass
class Front:
    """The load balancer of one listener."""

    elb: Any
    """boto3's client of `elbv2`."""
    listener: str
    """ARN of the listener."""
    authority: Authority
    samples: list[Sample] = field(default_factory=list)
    rules: tuple[Rule, ...] = ()
    groups: Mapping[str, Group] = field(default_factory=dict)
    port: int = 0
    version: int = 0
    """Counts the changes of the rules that are in force."""
    _states: dict[tuple[str, str, int], list[bool]] = field(default_factory=dict)
    _healthy: dict[tuple[str, str, int], bool] = field(default_factory=dict)
    _stopped: threading.Event = field(default_factory=threading.Event)
    _chance: random.Random = field(default_factory=lambda: random.Random(1))  # noqa: S311

    def start(self) -> None:
        self._look()
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(self.authority.directory / "server.pem", self.authority.directory / "server.key")
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.tls, self._server.front = tls, self
        self.port = int(self._server.server_port)
        for name, action in (("front", lambda: self._server.serve_forever(0.05)), ("front's orders", self._watch)):
            threading.Thread(target=action, daemon=True, name=name).start()
        for group in self.groups.values():
            for target in group.targets:
                self._check(group, target)

    def stop(self) -> None:
        self._stopped.set()
        self._server.shutdown()
        self._server.server_close()

    def health(self, group: str, address: str) -> str:
        """A target's state, as `DescribeTargetHealth` tells it."""
        found = [well for (arn, ip, _), well in self._healthy.items() if (arn, ip) == (group, address)]
        return "initial" if not found else "healthy" if all(found) else "unhealthy"

    def settle(self) -> None:
        """Returns when what the API says now is in force."""
        self._look()

    # ---- Orders and health ------------------------------------------------------------------------------------------

    def _watch(self) -> None:
        while not self._stopped.wait(LOOK_SECONDS):
            with contextlib.suppress(Exception):  # the API may be away; the load balancer goes on as it was told
                self._look()
            for group in list(self.groups.values()):
                for target in group.targets:
                    self._check(group, target)

    def _look(self) -> None:
        rules = [
            _rule(rule["Actions"], rule["Conditions"])
            for rule in sorted(
                (rule for rule in self.elb.describe_rules(ListenerArn=self.listener)["Rules"] if not rule["IsDefault"]),
                key=lambda rule: int(rule["Priority"]),
            )
        ]
        [listener] = self.elb.describe_listeners(ListenerArns=[self.listener])["Listeners"]
        found = (*rules, _rule(listener["DefaultActions"], []))
        groups = {
            arn: self.groups.get(arn) or self._group(arn) for arn in {arn for rule in found for arn in rule.weights}
        }
        if found != self.rules:
            self.version += 1
        self.groups, self.rules = groups, found

    def _group(self, arn: str) -> Group:
        [told] = self.elb.describe_target_groups(TargetGroupArns=[arn])["TargetGroups"]
        attributes = {
            one["Key"]: one["Value"]
            for one in self.elb.describe_target_group_attributes(TargetGroupArn=arn)["Attributes"]
        }
        sticky = attributes.get("stickiness.enabled") == "true"
        registered = self.elb.describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]
        return Group(
            arn=arn,
            sticky_seconds=int(attributes.get("stickiness.lb_cookie.duration_seconds", 86_400)) if sticky else 0,
            targets=tuple((one["Target"]["Id"], int(one["Target"]["Port"])) for one in registered),
            health_path=told.get("HealthCheckPath", "/"),
            healthy_after=int(told["HealthyThresholdCount"]),
            unhealthy_after=int(told["UnhealthyThresholdCount"]),
        )

    def _check(self, group: Group, target: tuple[str, int]) -> None:
        """One health check: its Host is the target's address, as AWS's is."""
        connection = http.client.HTTPSConnection(*target, timeout=2, context=no_verification())
        try:
            connection.request("GET", group.health_path, headers={"User-Agent": "ELB-HealthChecker/2.0"})
            well = connection.getresponse().status == http.client.OK
        except (OSError, http.client.HTTPException):
            well = False
        finally:
            connection.close()
        key = (group.arn, *target)
        seen = self._states.setdefault(key, [])
        seen.append(well)
        del seen[:-10]
        wanted = group.healthy_after if well else group.unhealthy_after
        if key not in self._healthy or (all(one == well for one in seen[-wanted:]) and len(seen) >= wanted):
            self._healthy[key] = well

    # ---- Requests ---------------------------------------------------------------------------------------------------

    def choose(self, host: str, path: str, cookies: Mapping[str, str]) -> Choice | None:
        """Where a request goes; None where there is no target at all."""
        rule = next(rule for rule in self.rules if rule.holds(host, path))
        named = _valid(cookies.get(GROUP_COOKIE)) if rule.sticky_seconds else None
        sticky = named in rule.weights
        if sticky and named:
            arn = named
        elif len(rule.weights) == 1:
            [arn] = rule.weights
        else:
            weighed = {arn: weight for arn, weight in rule.weights.items() if weight}
            if not weighed:
                return None
            [arn] = self._chance.choices(list(weighed), list(weighed.values()))
        group = self.groups[arn]
        healthy = [target for target in group.targets if self._healthy.get((arn, *target), False)]
        usable = healthy or list(group.targets)
        if not usable:
            return None
        kept = _valid(cookies.get(TARGET_COOKIE)) if group.sticky_seconds else None
        target = next((one for one in usable if kept == f"{arn} {one[0]}:{one[1]}"), None)
        return Choice(group, target or self._chance.choice(usable), rule.sticky_seconds, sticky)


def _rule(actions: list[dict[str, Any]], conditions: list[dict[str, Any]]) -> Rule:
    [action] = [action for action in actions if action["Type"] == "forward"]
    forward = action.get("ForwardConfig") or {"TargetGroups": [{"TargetGroupArn": action["TargetGroupArn"]}]}
    sticky = forward.get("TargetGroupStickinessConfig") or {}

    def values(name: str) -> tuple[str, ...]:
        return tuple(value for one in conditions if one["Field"] == name for value in one.get("Values", []))

    return Rule(
        hosts=values("host-header"),
        paths=values("path-pattern"),
        weights={one["TargetGroupArn"]: int(one.get("Weight", 1)) for one in forward["TargetGroups"]},
        sticky_seconds=int(sticky.get("DurationSeconds") or 0) if sticky.get("Enabled") else 0,
    )


def _cookie(value: str, seconds: int) -> str:
    content = json.dumps({"value": value, "until": time.time() + seconds})
    return base64.urlsafe_b64encode(content.encode()).decode().rstrip("=")


def _valid(cookie: str | None) -> str | None:
    if not cookie:
        return None
    try:
        found = json.loads(base64.urlsafe_b64decode(cookie + "=" * (-len(cookie) % 4)))
    except ValueError:
        return None
    return str(found["value"]) if found["until"] > time.time() else None


class _Server(ThreadingHTTPServer):
    """Each connection's handshake is made in its own thread."""

    daemon_threads = True
    request_queue_size = 128
    tls: ssl.SSLContext
    front: Front

    def finish_request(self, request: Any, client_address: Any) -> None:
        request.settimeout(IDLE_SECONDS)
        with contextlib.suppress(OSError):  # a client that leaves is its own affair
            secure = self.tls.wrap_socket(request, server_side=True)
            try:
                super().finish_request(secure, client_address)
            finally:
                secure.close()


class _Handler(BaseHTTPRequestHandler):
    """One client's connection, and those to targets that its requests have opened."""

    server: _Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self) -> None:
        super().setup()
        self.kept: dict[tuple[str, int], http.client.HTTPSConnection] = {}

    def finish(self) -> None:
        for connection in self.kept.values():
            connection.close()
        super().finish()

    def handle_one(self) -> None:
        begun = time.monotonic()
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        cookies = {name: morsel.value for name, morsel in SimpleCookie(self.headers.get("Cookie", "")).items()}
        choice = self.server.front.choose(self.headers.get("Host", ""), self.path.partition("?")[0], cookies)
        if choice is None:
            self._answer(503, [], b"")
            return
        status, headers, content = self._forward(choice, body)
        sample = Sample(begun, choice.group.arn, status, time.monotonic() - begun, choice.sticky)
        self.server.front.samples.append(sample)
        self._answer(status, [*headers, *_set_cookies(choice)], content)

    do_GET = do_POST = do_DELETE = do_PUT = handle_one  # noqa: N815  the names that the base class calls

    def _forward(self, choice: Choice, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        target = choice.target
        connection = self.kept.pop(target, None)
        if connection is None or _hung_up(connection):
            connection = http.client.HTTPSConnection(*target, timeout=IDLE_SECONDS, context=no_verification())
        headers = {name: value for name, value in self.headers.items() if name.lower() not in HOP_BY_HOP}
        headers |= {"X-Forwarded-For": self.client_address[0], "X-Forwarded-Proto": "https"}
        try:
            connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                connection.putheader(name, value)
            connection.endheaders(body)
            answer = connection.getresponse()
            content = answer.read()
        except TimeoutError:
            connection.close()
            return 504, [], b""
        except (OSError, http.client.HTTPException):
            connection.close()
            return 502, [], b""
        if answer.will_close:
            connection.close()
        else:
            self.kept[target] = connection
        kept = [(name, value) for name, value in answer.getheaders() if name.lower() not in HOP_BY_HOP]
        return answer.status, kept, content

    def _answer(self, status: int, headers: list[tuple[str, str]], content: bytes) -> None:
        self.send_response_only(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


def _hung_up(connection: http.client.HTTPSConnection) -> bool:
    """Whether the target has closed an idle connection: a load balancer sees that before it uses it again."""
    return connection.sock is None or bool(select.select([connection.sock], [], [], 0)[0])


def _set_cookies(choice: Choice) -> Iterator[tuple[str, str]]:
    if choice.group_seconds:
        yield "Set-Cookie", f"{GROUP_COOKIE}={_cookie(choice.group.arn, choice.group_seconds)}; Path=/"
    if choice.group.sticky_seconds:
        where = f"{choice.group.arn} {choice.target[0]}:{choice.target[1]}"
        yield "Set-Cookie", f"{TARGET_COOKIE}={_cookie(where, choice.group.sticky_seconds)}; Path=/"
