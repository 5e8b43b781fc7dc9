"""The policy pack's verdicts, asked of its own analyzer process over gRPC as the Pulumi engine asks it."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Any

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import analyzer_pb2, analyzer_pb2_grpc

from command_line.project import POLICY_CONFIGURATION
from recording.recorder import Resource

START_SECONDS = 60
"""How long a pack may take to start on a busy machine before it counts as failed."""
JUDGING_SECONDS = 180
"""How long any one answer may take on a busy machine before the pack counts as hanging; it takes milliseconds."""
MESSAGE_BYTES = 400 * 1024 * 1024
"""The engine's own limit for one message; the whole stack travels in one."""
UNDETERMINED = "undetermined"
"""The policy by which the pack names what it could not judge."""
EXCEPTION = "exception"
"""The policy by which the pack lists the exceptions that covered something."""
NOTES = ("not-judged", "production")
"""The policies by which the pack says what it did not judge at all."""


class PackError(Exception):
    """The policy pack did not start or broke off; the message is one sentence. Nothing was judged."""


@dataclass(frozen=True, order=True)
class Finding:
    """What a policy says of one resource, or of the stack where `urn` is empty."""

    policy: str
    urn: str
    message: str
    level: str
    """``mandatory``, ``advisory``, or ``remediate``."""
    requirements: tuple[str, ...] = field(compare=False)
    """Requirement numbers of PCI DSS v4.0.1."""


@dataclass(frozen=True)
class Verdicts:
    """Everything the pack said about one run."""

    violations: tuple[Finding, ...]
    undetermined: tuple[Finding, ...]
    exceptions: tuple[Finding, ...]
    notes: tuple[Finding, ...]
    """Types that no rule is about, and rules that were left out."""
    policies: Mapping[str, str]
    """The description of each rule by name; what the pack only reports by is not among them."""

    @property
    def blocking(self) -> tuple[Finding, ...]:
        """The violations that stop an update."""
        return tuple(finding for finding in self.violations if finding.level != "advisory")

    def with_violations(self, found: Iterable[Finding]) -> Verdicts:
        """These verdicts and violations that another judge found."""
        return replace(self, violations=tuple(sorted((*self.violations, *found))))


class PolicyPack(AbstractContextManager["PolicyPack"]):
    """A running analyzer process. Starting it is not waited for until the first question.

    Raises:
        PackError: from any method, when the process ended or did not answer.
    """

    def __init__(
        self, directory: Path, project: str, stack: str, configuration: Path | None = POLICY_CONFIGURATION
    ) -> None:
        """Start it; without a configuration this platform's wishes stay off, as they are for every other program."""
        self._directory = directory
        self._own = own_configuration(configuration) if configuration else {}
        self._project = project
        self._stack = stack
        inherited = {name: value for name, value in os.environ.items() if name != "PULUMI_CONFIG"}
        environment = {**inherited, "PULUMI_PROJECT": project, "PULUMI_STACK": stack, "PULUMI_DRY_RUN": "true"}
        environment["PWD"] = str(directory.parent)  # the program's folder, in which the engine is started
        # The pack needs no engine address that answers: it only checks that one is given.
        command = [sys.executable, "-u", "-m", "pulumi.policy", "127.0.0.1:1", str(directory)]
        self._errors: list[str] = []
        try:
            self._process = subprocess.Popen(
                command, cwd=directory, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
            )
        except OSError as error:
            raise self._broken(f"it cannot be started: {error.strerror}") from None
        self._announced: queue.Queue[str] = queue.Queue()
        self._port = 0
        for stream, sink in ((self._process.stderr, self._errors.append), (self._process.stdout, self._announced.put)):
            threading.Thread(target=_drain, args=(stream, sink), daemon=True).start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def judge(self, resources: Iterable[Resource], configuration: Mapping[str, str]) -> Verdicts:
        """Put every resource to the pack as it comes, then the whole stack."""
        judged: list[Resource] = []
        with grpc.insecure_channel(
            f"127.0.0.1:{self._await_port()}",
            options=[
                ("grpc.max_receive_message_length", MESSAGE_BYTES),
                ("grpc.max_send_message_length", MESSAGE_BYTES),
                ("grpc.enable_http_proxy", 0),  # the pack is on this machine, whatever proxy leads out of it
            ],
        ) as channel:
            stub = analyzer_pb2_grpc.AnalyzerStub(channel)
            try:
                info = stub.GetAnalyzerInfo(empty_pb2.Empty(), timeout=JUDGING_SECONDS)
                self._configure(stub, info, configuration)
                answers = [*_each(stub, _noted(resources, judged))]
                answers.append(stub.AnalyzeStack(_stack_request(judged), timeout=JUDGING_SECONDS))
            except grpc.RpcError as error:
                if error.code() is grpc.StatusCode.DEADLINE_EXCEEDED:
                    raise self._broken(f"it gave no answer within {JUDGING_SECONDS} s, so a rule hangs") from None
                raise self._broken(f"{error.code().name}: {error.details()}") from error
        verdicts = _sorted_verdicts(info, answers)
        if not verdicts.policies:
            raise self._broken("it holds no rule")
        return verdicts

    def _await_port(self) -> int:
        """The port that the process announces in its first line, once."""
        if not self._port:
            try:
                self._port = int(self._announced.get(timeout=START_SECONDS))
            except (queue.Empty, ValueError):
                raise self._broken("it did not announce a port") from None
        return self._port

    def _configure(
        self, stub: analyzer_pb2_grpc.AnalyzerStub, info: analyzer_pb2.AnalyzerInfo, configuration: Mapping[str, str]
    ) -> None:
        """Hand the pack its own defaults and the stack, in the engine's order."""
        stub.ConfigureStack(
            analyzer_pb2.AnalyzerStackConfigureRequest(
                stack=self._stack, project=self._project, dry_run=True, config=configuration
            ),
            timeout=JUDGING_SECONDS,
        )
        request = analyzer_pb2.ConfigureAnalyzerRequest()
        for policy in info.policies:
            config = info.initialConfig.get(policy.name)
            level = config.enforcementLevel if config else policy.enforcementLevel
            request.policyConfig[policy.name].enforcementLevel = level
            if config:
                request.policyConfig[policy.name].properties.CopyFrom(config.properties)
        for name, wanted in self._own.items():
            given = {"enforcementLevel": wanted} if isinstance(wanted, str) else dict(wanted)
            level = analyzer_pb2.EnforcementLevel.Value(str(given.pop("enforcementLevel", "mandatory")).upper())
            request.policyConfig[name].enforcementLevel = level
            request.policyConfig[name].properties.update(given)
        stub.Configure(request, timeout=JUDGING_SECONDS)

    def _broken(self, reason: str) -> PackError:
        lines = [line.strip() for line in self._errors if line.strip()]
        last = f" ({lines[-1]})" if lines else ""
        return PackError(
            f"policy: the pack in {self._directory.name}/ failed: {reason}{last}; "
            "nothing counts as judged; run `make test` to see what is wrong with it."
        )


def own_configuration(file: Path) -> Mapping[str, Any]:
    """The pack's configuration for this platform: a level, or an object with `enforcementLevel`, by rule."""
    found: Mapping[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found


def _drain(stream: Iterable[str] | None, sink: object) -> None:
    """Read a pipe to its end, so that the process never blocks on writing."""
    for line in stream or ():
        sink(line)  # type: ignore[operator]
    sink("")  # type: ignore[operator]


def _noted(resources: Iterable[Resource], into: list[Resource]) -> Iterator[Resource]:
    for resource in resources:
        into.append(resource)
        yield resource


def _each(
    stub: analyzer_pb2_grpc.AnalyzerStub, resources: Iterable[Resource]
) -> Iterator[analyzer_pb2.AnalyzeResponse]:
    """One request a resource; all are under way at once, as the engine's are."""
    waiting = [
        stub.Analyze.future(
            analyzer_pb2.AnalyzeRequest(
                type=resource.type,
                properties=resource.wire_inputs,
                urn=resource.urn,
                name=resource.name,
                options=_options(resource),
            ),
            timeout=JUDGING_SECONDS,
        )
        for resource in resources
        if resource.custom or resource.remote
    ]
    for answer in waiting:
        yield answer.result()


def _stack_request(resources: list[Resource]) -> analyzer_pb2.AnalyzeStackRequest:
    return analyzer_pb2.AnalyzeStackRequest(
        resources=[
            analyzer_pb2.AnalyzerResource(
                type=resource.type,
                properties=resource.wire_inputs,
                urn=resource.urn,
                name=resource.name,
                options=_options(resource),
                parent=resource.parent,
                dependencies=resource.dependencies,
                propertyDependencies={
                    key: analyzer_pb2.AnalyzerPropertyDependencies(urns=urns)
                    for key, urns in resource.property_dependencies.items()
                },
            )
            for resource in resources
        ]
    )


def _options(resource: Resource) -> analyzer_pb2.AnalyzerResourceOptions:
    return analyzer_pb2.AnalyzerResourceOptions(protect=resource.protect, ignoreChanges=resource.ignore_changes)


def _sorted_verdicts(info: analyzer_pb2.AnalyzerInfo, answers: Iterable[analyzer_pb2.AnalyzeResponse]) -> Verdicts:
    references = {policy.name: policy.framework.reference for policy in info.policies}
    found: dict[str, list[Finding]] = {UNDETERMINED: [], EXCEPTION: [], **{name: [] for name in NOTES}, "": []}
    for answer in answers:
        for diagnostic in answer.diagnostics:
            kind = diagnostic.policyName if diagnostic.policyName in found else ""
            found[kind].append(
                Finding(
                    policy=diagnostic.policyName,
                    level=analyzer_pb2.EnforcementLevel.Name(diagnostic.enforcementLevel).lower(),
                    urn=diagnostic.urn,
                    message=diagnostic.message.strip(),
                    requirements=tuple(filter(None, references.get(diagnostic.policyName, "").split("; "))),
                )
            )
    return Verdicts(
        violations=tuple(sorted(found[""])),
        undetermined=tuple(sorted(found[UNDETERMINED])),
        exceptions=tuple(sorted(found[EXCEPTION])),
        notes=tuple(sorted(one for name in NOTES for one in found[name])),
        policies={policy.name: policy.description for policy in info.policies if policy.framework.reference},
    )
