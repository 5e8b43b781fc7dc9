"""The chain that a step of the traffic passes: the command, AWS's API, the load balancer on loopback, and both sides.

The command changes the rules through the API; the front reads them there and does with requests what AWS's does; what
it has answered is what CloudWatch tells the command; the phones go where Route 53's record leads.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import ssl
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import BaseRequestHandler, ThreadingUDPServer
from typing import Any

import dns.message
import dns.rdatatype
import dns.rrset

from operations import commands
from tests.cutover.rig import Rig, aws_here
from tests.cutover.servers import Authority
from tests.examples.application.instance import Instance, no_verification
from tests.move.front import GROUP_COOKIE, Front
from tests.move.metrics import Metrics
from tests.move.stage import AWS_ADDRESSES, GROUP_STICKY_SECONDS, HOST, OPENSHIFT_ADDRESS, balancer

STACK, FIREWALL = "prod", "edge"
CLIENTS, KEEP_COOKIES = 4, 1
"""Phones, and how many of them keep cookies."""
WAIT_SECONDS = 60


class Side:
    """One side's service: answers with its name, and fails when a test says so."""

    def __init__(self, name: str, address: str, authority: Authority) -> None:
        self.name, self.status = name, 200
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(authority.directory / "server.pem", authority.directory / "server.key")
        side = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                well = self.path == "/health"
                text = side.name.encode()
                self.send_response(200 if well else side.status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer((address, 0), Handler)
        self._server.daemon_threads = True
        self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.at = Instance({}, address, int(self._server.server_port))
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True, name=name).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class Resolver:
    """Answers the zone's name servers to whoever asks, by UDP."""

    def __init__(self, servers: list[str]) -> None:
        self.servers = servers
        resolver = self

        class Handler(BaseRequestHandler):
            def handle(self) -> None:
                data, socket = self.request
                asked = dns.message.from_wire(data)
                answer = dns.message.make_response(asked)
                names = [f"{name}." for name in resolver.servers]
                answer.answer.append(
                    dns.rrset.from_text_list(asked.question[0].name, 60, "IN", dns.rdatatype.NS.name, names)
                )
                socket.sendto(answer.to_wire(), self.client_address)

        self._server = ThreadingUDPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True, name="resolver").start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._server.server_address[1]}"

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@dataclass
class Clients:
    """Phones that never stop asking. `leads` says where the public name leads: address and port."""

    leads: Callable[[], tuple[str, int]]
    answers: list[tuple[int, str, bool]] = field(default_factory=list)
    """Status, side, and whether the client keeps cookies, in the order of arrival."""
    _stopped: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def start(self) -> None:
        for number in range(CLIENTS):
            thread = threading.Thread(target=self._ask, args=(number < KEEP_COOKIES,), daemon=True)
            thread.start()
            self._threads.append(thread)

    def stop(self) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join(timeout=WAIT_SECONDS)

    def next(self, count: int = 200) -> Counter[str]:
        """Who answers so many requests from now on, by side."""
        begin, deadline = len(self.answers) + CLIENTS, time.monotonic() + WAIT_SECONDS
        while len(self.answers) < begin + count:
            assert time.monotonic() < deadline, "the clients get no answers"
            time.sleep(0.02)
        return Counter(side for _, side, _ in self.answers[begin : begin + count])

    @property
    def failed(self) -> int:
        return sum(status != http.HTTPStatus.OK for status, _, _ in self.answers)

    def _ask(self, keeps: bool) -> None:
        where, connection, cookies = ("", 0), http.client.HTTPSConnection("127.0.0.1"), ""
        while not self._stopped.is_set():
            if where != self.leads():
                connection.close()
                where, cookies = self.leads(), ""
                connection = http.client.HTTPSConnection(*where, timeout=30, context=no_verification())
            connection.request("GET", "/payments", headers={"Host": HOST, "Cookie": cookies})
            answer = connection.getresponse()
            side = answer.read().decode()
            if keeps:
                given = [value.partition(";")[0] for name, value in answer.getheaders() if name == "Set-Cookie"]
                cookies = "; ".join(one for one in given if one.startswith(GROUP_COOKIE)) or cookies
            self.answers.append((answer.status, side, keeps))
            time.sleep(0.005)


@dataclass
class Chain:
    """What a test holds."""

    rig: Rig
    front: Front
    metrics: Metrics
    sides: dict[str, Side]
    groups: dict[str, str]
    rule: str
    clients: Clients
    resolver: Resolver
    arguments: tuple[str, ...]

    def run(self, *words: str) -> int:
        """The command in this process. Raises `Stop` as it does."""
        return commands.run(self._words(words, "traffic"))

    def start(self, *words: str) -> subprocess.Popen[str]:
        """The command in a process of its own, which a test may kill."""
        module = [sys.executable, "-m", "tests.move.quick_traffic"]
        return subprocess.Popen(
            [*module, *self._words(words)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    def until(self, holds: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + WAIT_SECONDS
        while not holds():
            assert time.monotonic() < deadline, f"it never came: {what}"
            time.sleep(0.05)

    def weights(self) -> dict[str, int]:
        """The rule's groups by side, as the API tells them."""
        [told] = self.front.elb.describe_rules(RuleArns=[self.rule])["Rules"]
        [action] = told["Actions"]
        sides = {arn: side for side, arn in self.groups.items()}
        forward = action.get("ForwardConfig") or {"TargetGroups": [{"TargetGroupArn": action["TargetGroupArn"]}]}
        return {sides[one["TargetGroupArn"]]: int(one.get("Weight", 1)) for one in forward["TargetGroups"]}

    def journal(self) -> list[tuple[str, str]]:
        item = (
            aws_here()
            .client("dynamodb")
            .get_item(TableName="migration-state", Key={"stack": {"S": f"{STACK}/traffic"}})["Item"]
        )
        return [(entry["step"], entry["event"]) for entry in json.loads(item["record"]["S"])["journal"]]

    def _words(self, words: tuple[str, ...], *first: str) -> list[str]:
        asks_names = words[0] in ("preflight", "name", "shift")
        return [*first, *words, *self.arguments, *(("--resolver", self.resolver.address) if asks_names else ())]


@contextlib.contextmanager
def build(evening: Rig, directory: Path) -> Iterator[Chain]:
    """The phase `shifting` as the program leaves it, with phones that ask all the time."""
    authority = evening.source.authority
    addresses = {"openshift": OPENSHIFT_ADDRESS, "aws": AWS_ADDRESSES[0]}
    sides = {name: Side(name, address, authority) for name, address in addresses.items()}
    elb, route53 = aws_here().client("elbv2"), aws_here().client("route53")
    groups, listener, rule = balancer(elb, {name: [side.at] for name, side in sides.items()})
    [told] = elb.describe_load_balancers()["LoadBalancers"]
    zone = route53.create_hosted_zone(Name="example.com", CallerReference="chain")
    zone_id = zone["HostedZone"]["Id"].rpartition("/")[2]
    record = {"Name": HOST, "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": OPENSHIFT_ADDRESS}]}
    route53.change_resource_record_sets(
        HostedZoneId=zone_id, ChangeBatch={"Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]}
    )
    outputs = {
        "migrationPhase": "shifting",
        "migration": evening.outputs["migration"],
        "traffic": {
            "host_name": HOST,
            "zone_id": zone_id,
            "load_balancer_dns_name": told["DNSName"],
            "load_balancer_zone_id": told["CanonicalHostedZoneId"],
            "load_balancer_arn_suffix": told["LoadBalancerArn"].partition("loadbalancer/")[2],
            "rules": [{"arn": rule, "new_target_group_arn": groups["aws"]}],
            "old_target_group_arn": groups["openshift"],
            "new_target_group_arns": [groups["aws"]],
            "cookie_seconds": GROUP_STICKY_SECONDS,
            "firewall_metric_name": FIREWALL,
        },
    }
    file = directory / "outputs.json"
    file.write_text(json.dumps(outputs))
    resolver = Resolver(zone["DelegationSet"]["NameServers"])
    front = Front(elb, listener, authority)
    front.start()

    def leads() -> tuple[str, int]:
        found = route53.list_resource_record_sets(HostedZoneId=zone_id, StartRecordName=HOST)["ResourceRecordSets"]
        aliased = any("AliasTarget" in one for one in found if one["Name"].rstrip(".") == HOST)
        return ("127.0.0.1", front.port) if aliased else (sides["openshift"].at.address, sides["openshift"].at.port)

    clients = Clients(_seldom(leads))
    clients.start()
    arguments = ("--stack", STACK, "--outputs", str(file))
    try:
        yield Chain(evening, front, Metrics(front), sides, groups, rule, clients, resolver, arguments)
    finally:
        clients.stop()
        front.stop()
        resolver.stop()
        for side in sides.values():
            side.stop()


def _seldom(leads: Callable[[], tuple[str, int]], seconds: float = 0.5) -> Callable[[], tuple[str, int]]:
    """A resolver's cache: asks again after so many seconds."""
    known: list[Any] = [leads(), time.monotonic()]
    lock = threading.Lock()

    def cached() -> tuple[str, int]:
        with lock:
            if time.monotonic() - known[1] > seconds:
                known[:] = [leads(), time.monotonic()]
            found: tuple[str, int] = known[0]
            return found

    return cached
