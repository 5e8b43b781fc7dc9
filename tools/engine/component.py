"""`pulumi_eks` where its plugin is not installed: the rehearsal's model of it, registered with the real engine."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import struct_pb2
from pulumi.runtime.proto import provider_pb2, resource_pb2, resource_pb2_grpc

from recording.eks_component import eks_children
from recording.recorder import Resource, plain_mapping
from recording.sdk import UNKNOWN
from recording.stand_in_cloud import StandInCloud

PLUGIN = "pulumi-resource-eks"
NEEDED_COMMAND = "aws"
"""The real component refuses to start without the AWS CLI, though it runs nothing with it here."""


def plugin_missing() -> str:
    """Why the real component cannot run on this machine, or nothing."""
    if shutil.which(NEEDED_COMMAND) is None:
        return f"the real pulumi-eks needs the command {NEEDED_COMMAND} on PATH; install awscli"
    if shutil.which(PLUGIN) or any(plugins().glob("resource-eks-v*")):
        return ""
    return f"{PLUGIN} is not installed; run `pulumi plugin install resource eks`"


def plugins() -> Path:
    """Where the user's CLI keeps its plugins."""
    return Path(os.environ.get("PULUMI_HOME", Path.home() / ".pulumi")) / "plugins"


def construct(
    request: provider_pb2.ConstructRequest, cloud: StandInCloud, *, exists: bool
) -> provider_pb2.ConstructResponse:
    """Register the component and what the model says that it creates.

    Args:
        exists: whether the cluster is there already, so that a preview knows its outputs.
    """
    with grpc.insecure_channel(request.monitorEndpoint) as channel:
        monitor = resource_pb2_grpc.ResourceMonitorStub(channel)
        own = monitor.RegisterResource(
            resource_pb2.RegisterResourceRequest(
                type=request.type, name=request.name, parent=request.parent, dependencies=request.dependencies
            )
        )
        component = _component(request, own.urn)
        for child in eks_children(component, cloud):
            monitor.RegisterResource(
                resource_pb2.RegisterResourceRequest(
                    type=child.type,
                    name=child.name,
                    parent=child.parent,
                    custom=True,
                    # The component's SDK hands protection down to its children; the engine itself does not.
                    protect=child.protect,
                    object=_struct(dict(child.inputs)),
                    dependencies=child.dependencies,
                    provider=request.providers.get("aws", "") if child.type.startswith("aws:") else "",
                )
            )
        _, outputs = cloud.create(request.type, request.name, component.inputs)
        if request.dryRun and not exists:
            outputs = dict.fromkeys(outputs, UNKNOWN)
        state = _struct(outputs)
        monitor.RegisterResourceOutputs(resource_pb2.RegisterResourceOutputsRequest(urn=own.urn, outputs=state))
    return provider_pb2.ConstructResponse(urn=own.urn, state=state)


def _component(request: provider_pb2.ConstructRequest, urn: str) -> Resource:
    needed = {*request.dependencies, *(one for given in request.inputDependencies.values() for one in given.urns)}
    return Resource(
        urn=urn,
        type=request.type,
        name=request.name,
        parent=request.parent,
        dependencies=tuple(sorted(needed)),
        inputs=plain_mapping(request.inputs),
        wire_inputs=request.inputs,
        property_dependencies={},
        provider="",
        custom=False,
        remote=True,
        protect=request.protect,
    )


def _struct(values: dict[str, Any]) -> struct_pb2.Struct:
    struct = struct_pb2.Struct()
    struct.update(values)
    return struct
