"""The providers that the engine talks to instead of AWS, Kubernetes and random: the protocol over a stand-in account.

One server answers for all of them. The engine attaches to it (``PULUMI_DEBUG_PROVIDERS``), so it needs no plugin on
disk, and everything that the engine does can be counted and disturbed from the outside.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from concurrent import futures
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

import grpc
from google.protobuf import empty_pb2, struct_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from recording.names import named
from recording.recorder import plain_mapping
from recording.replacement import changed, replaces, with_ignored
from recording.sdk import BRIDGE_DEFAULTS, UNKNOWN, NoSuchType, ResourceType, checked, properties, resource_type
from recording.stand_in_cloud import INVOKED, StandInCloud
from tools.engine.account import RENEWED, Account
from tools.engine.answers import answered
from tools.engine.component import construct
from tools.engine.texts import unreadable
from tools.engine.thing import ROLE, Refused, Thing

MESSAGE_BYTES = 400 * 1024 * 1024
CALLS_AT_ONCE = 512
"""More than the engine ever has under way: a creation holds its call for as long as it takes."""
PACKAGES = ("aws", "kubernetes", "random")


class Providers(provider_pb2_grpc.ResourceProviderServicer):
    """All stand-in providers of one stack, on one port of this machine."""

    def __init__(self, account: Account, cluster: str) -> None:
        """`cluster` tells the Kubernetes objects of one stack from those of another."""
        self._account = account
        self._cluster = cluster
        self._configured: dict[str, dict[str, Any]] = {}
        self._server = grpc.server(
            futures.ThreadPoolExecutor(CALLS_AT_ONCE),
            options=[(f"grpc.max_{way}_message_length", MESSAGE_BYTES) for way in ("receive", "send")],
        )
        provider_pb2_grpc.add_ResourceProviderServicer_to_server(self, self._server)
        self.port = self._server.add_insecure_port("127.0.0.1:0")
        self._server.start()

    def close(self) -> None:
        """Answer nothing any more."""
        self._server.stop(0)

    def takes_secrets(self) -> bool:
        """Whether values arrive marked as secret; else the engine marks them itself afterwards."""
        return False

    # ---- The start of a provider ----

    def Attach(self, _request: Any, _context: grpc.ServicerContext) -> empty_pb2.Empty:  # noqa: N802
        return empty_pb2.Empty()

    def Handshake(self, _request: Any, _context: Any) -> provider_pb2.ProviderHandshakeResponse:  # noqa: N802
        return provider_pb2.ProviderHandshakeResponse(accept_secrets=self.takes_secrets())

    def GetPluginInfo(self, _request: Any, _context: grpc.ServicerContext) -> plugin_pb2.PluginInfo:  # noqa: N802
        return plugin_pb2.PluginInfo(version="99.0.0")

    def CheckConfig(self, request: provider_pb2.CheckRequest, _context: Any) -> provider_pb2.CheckResponse:  # noqa: N802
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(self, request: provider_pb2.DiffRequest, _context: Any) -> provider_pb2.DiffResponse:  # noqa: N802
        same = request.news == request.old_inputs
        kind = provider_pb2.DiffResponse.DIFF_NONE if same else provider_pb2.DiffResponse.DIFF_SOME
        return provider_pb2.DiffResponse(changes=kind)

    def Configure(self, request: Any, context: grpc.ServicerContext) -> provider_pb2.ConfigureResponse:  # noqa: N802
        self._configured[context.peer()] = plain_mapping(request.args)
        return provider_pb2.ConfigureResponse(supportsPreview=True)

    def Cancel(self, _request: Any, _context: grpc.ServicerContext) -> empty_pb2.Empty:  # noqa: N802
        return empty_pb2.Empty()

    # ---- Resources ----

    def Check(self, request: provider_pb2.CheckRequest, context: Any) -> provider_pb2.CheckResponse:  # noqa: N802
        with self._account.clock.at_work(), _answering(context):
            kind = _type(request.urn)
            news = plain_mapping(request.news)
            if "tags" in properties(kind.inputs) and kind.token.startswith("aws:"):
                news["tags"] = {**self._default_tags(context), **(news.get("tags") or {})}
            inputs, failures = checked(kind, news)
            logical = request.urn.rpartition("::")[2]
            seed = bytes(request.randomSeed) or request.urn.encode()
            taken = partial(self._account.taken, kind.token)
            inputs, refused = named(kind, logical, inputs, plain_mapping(request.olds), seed, taken)
            refused += unreadable(kind.token, inputs)
            if kind.token.startswith("kubernetes:"):
                inputs = _kubernetes_name(logical, inputs, seed)
            return provider_pb2.CheckResponse(
                inputs=_struct(inputs),
                failures=[
                    provider_pb2.CheckFailure(
                        property=one.property, reason=f"{one.reason}. Examine values at '{one.property}'."
                    )
                    for one in (*failures, *refused)
                ],
            )

    def Diff(self, request: provider_pb2.DiffRequest, context: Any) -> provider_pb2.DiffResponse:  # noqa: N802
        with self._account.clock.at_work(), _answering(context):
            kind = _type(request.urn)
            before = plain_mapping(request.old_inputs)
            after = with_ignored(before, plain_mapping(request.news), request.ignoreChanges)
            names = changed(before, after)
            replacing = [name for name in names if replaces(kind, before, after, name)]
            changes = provider_pb2.DiffResponse.DIFF_SOME if names else provider_pb2.DiffResponse.DIFF_NONE
            return provider_pb2.DiffResponse(
                changes=changes,
                diffs=names,
                replaces=replacing,
                deleteBeforeReplace=bool(replacing) and not after.get(BRIDGE_DEFAULTS),
            )

    def Create(self, request: provider_pb2.CreateRequest, context: Any) -> provider_pb2.CreateResponse:  # noqa: N802
        inputs = plain_mapping(request.properties)
        kind = _type(request.urn)
        if request.preview:
            unknown = {name: UNKNOWN for name in kind.outputs if name not in inputs}
            return provider_pb2.CreateResponse(properties=_struct({**unknown, **inputs}))
        with self._account.clock.at_work(), _answering(context):
            thing = self._account.create(request.urn, kind.token, inputs, self._home(kind))
            return provider_pb2.CreateResponse(id=thing.id, properties=_state(kind, thing))

    def Update(self, request: provider_pb2.UpdateRequest, context: Any) -> provider_pb2.UpdateResponse:  # noqa: N802
        kind, inputs = _type(request.urn), plain_mapping(request.news)
        if request.preview:
            renewed = dict.fromkeys(RENEWED.get(kind.token, ()), UNKNOWN)
            return provider_pb2.UpdateResponse(properties=_struct({**plain_mapping(request.olds), **inputs, **renewed}))
        with self._account.clock.at_work(), _answering(context):
            sent = {name: inputs.get(name) for name in changed(plain_mapping(request.old_inputs), inputs)}
            thing = self._account.update(kind.token, request.id, request.urn, inputs, self._home(kind), sent)
            return provider_pb2.UpdateResponse(properties=_state(kind, thing))

    def Read(self, request: provider_pb2.ReadRequest, context: Any) -> provider_pb2.ReadResponse:  # noqa: N802
        with self._account.clock.at_work(), _answering(context):
            kind = _type(request.urn)
            thing = self._account.read(kind.token, request.id, self._home(kind))
            if thing is None:
                return provider_pb2.ReadResponse()
            told = replace(
                thing, inputs=answered(kind.token, thing.inputs), outputs=answered(kind.token, thing.outputs)
            )
            return provider_pb2.ReadResponse(id=thing.id, properties=_state(kind, told), inputs=_struct(told.inputs))

    def Delete(self, request: provider_pb2.DeleteRequest, context: Any) -> empty_pb2.Empty:  # noqa: N802
        with self._account.clock.at_work(), _answering(context):
            kind = _type(request.urn)
            self._account.delete(kind.token, request.id, request.urn, self._home(kind))
            return empty_pb2.Empty()

    def Invoke(self, request: provider_pb2.InvokeRequest, context: Any) -> provider_pb2.InvokeResponse:  # noqa: N802
        with self._account.clock.at_work(), _answering(context):
            arguments = plain_mapping(request.args)
            answer = {**arguments, "id": "invoked", **self._invoked(request.tok, arguments)}
            response = provider_pb2.InvokeResponse()
            getattr(response, "return").CopyFrom(_struct(answer))
            return response

    def _invoked(self, token: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        account = self._account
        detectors = [thing.id for thing in account.of("aws:guardduty/detector:Detector")]
        whose = {
            "aws:index/getCallerIdentity:getCallerIdentity": {"accountId": account.number},
            "aws:index/getRegion:getRegion": {"region": account.region, "name": account.region},
            "aws:index/getPartition:getPartition": {"partition": "aws", "dnsSuffix": "amazonaws.com"},
            "aws:guardduty/getDetector:getDetector": {"id": "".join(detectors[:1])},
        }
        if token in whose:
            return dict(whose[token])
        if token in INVOKED:
            return INVOKED[token](arguments)
        raise Refused(f"the stand-in cloud has no answer for {token}; add it to INVOKED in stand_in_cloud.py")

    def _default_tags(self, context: grpc.ServicerContext) -> dict[str, str]:
        given = self._configured.get(context.peer(), {}).get("defaultTags")
        if isinstance(given, str):
            given = json.loads(given)
        return dict((given or {}).get("tags") or {})

    def _home(self, kind: ResourceType) -> str:
        return self._cluster if kind.token.startswith("kubernetes:") else ""


class Components(Providers):
    """The stand-in for plugins of components; the engine asks of them that they know secrets."""

    def takes_secrets(self) -> bool:
        return True

    def Construct(self, request: Any, _context: Any) -> provider_pb2.ConstructResponse:  # noqa: N802
        urn = f"urn:pulumi:{request.stack}::"
        exists = any(thing.urn.startswith(urn) for thing in self._account.of("aws:eks/cluster:Cluster"))
        return construct(request, _CloudOf(self._account), exists=exists)


class _CloudOf(StandInCloud):
    """The stand-in cloud as the model of a component needs it, with the roles of an account."""

    def __init__(self, account: Account) -> None:
        super().__init__(account.region, account.number)
        self._holder = account

    def role_arn(self, role_id: str) -> str:
        role = self._holder.read(ROLE, role_id, "")
        return str(role.outputs["arn"]) if role else UNKNOWN


def _type(urn: str) -> ResourceType:
    return resource_type(urn.split("::")[2].rpartition("$")[2])


def _kubernetes_name(logical: str, inputs: Mapping[str, Any], seed: bytes) -> dict[str, Any]:
    metadata = inputs.get("metadata") or {}
    if "name" in metadata:
        return dict(inputs)
    made = f"{logical}-{hashlib.sha256(seed + logical.encode()).hexdigest()[:8]}"
    return {**inputs, "metadata": {**metadata, "name": made}}


def _state(kind: ResourceType, thing: Thing) -> struct_pb2.Struct:
    """The outputs, with a value that is easy to find for each that the SDK calls secret."""
    secrets = {name: canary(thing.urn, name) for name in kind.secret_outputs if name not in thing.inputs}
    return _struct({**thing.outputs, **secrets})


def canary(urn: str, name: str) -> str:
    """The secret that the cloud invents for one output of one resource."""
    return "canary" + hashlib.sha256(f"{urn}/{name}".encode()).hexdigest()[:20]


def _struct(values: Mapping[str, Any]) -> struct_pb2.Struct:
    struct = struct_pb2.Struct()
    struct.update(values)
    return struct


@contextmanager
def _answering(context: grpc.ServicerContext) -> Iterator[None]:
    """Turn a refusal into the provider's error."""
    try:
        yield
    except Refused as refusal:
        context.abort(grpc.StatusCode.UNKNOWN, str(refusal))
    except NoSuchType as error:
        context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
