"""What a program asks the engine for, written down: every registration with its inputs, options and dependencies."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pulumi
from google.protobuf import empty_pb2, struct_pb2
from pulumi.runtime import mocks
from pulumi.runtime.proto import resource_pb2

from facts.names import namings

SIGNATURE = "4dabf18193072939515e22adb298388d"
"""Key by which Pulumi's wire format marks special values."""
SECRET_SIGNATURE = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 (a public constant of the protocol)
RESOURCE_SIGNATURE = "5cf8f73096256a8f31e491e813e4eb8e"
WITHHELD = "[secret]"
STACK_TYPE = "pulumi:pulumi:Stack"
PACKAGE = Path(__file__).resolve().parent
"""This package: frames in it are not the program's own."""
INSTALLED = frozenset((".venv", "site-packages"))
"""Folders of what others wrote."""


@dataclass(frozen=True)
class Resource:
    """One registration. `inputs` hold plain values; a secret stands there as ``[secret]``."""

    urn: str
    type: str
    name: str
    parent: str
    dependencies: tuple[str, ...]
    """URNs that this resource waits for, sorted; the provider's among them."""
    inputs: Mapping[str, Any]
    wire_inputs: struct_pb2.Struct = field(repr=False, compare=False)
    """The inputs as they travel, with secrets; for the policy pack only, never for output."""
    property_dependencies: Mapping[str, tuple[str, ...]]
    provider: str
    """URN of an explicit provider, or empty."""
    custom: bool
    remote: bool = False
    protect: bool = False
    retain_on_delete: bool = False
    ignore_changes: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    id: str = ""
    outputs: Mapping[str, Any] = field(default_factory=dict, repr=False)
    source: tuple[str, ...] = field(default=(), compare=False)
    """File and line of the program's own stack when it registers the resource, the innermost place first."""


def plain(value: struct_pb2.Value) -> Any:
    """A wire value as Python data: secrets withheld, a resource as its id."""
    match value.WhichOneof("kind"):
        case "struct_value":
            fields = value.struct_value.fields
            match fields[SIGNATURE].string_value if SIGNATURE in fields else "":
                case "":
                    return {key: plain(member) for key, member in fields.items()}
                case found if found == SECRET_SIGNATURE:
                    return WITHHELD
                case found if found == RESOURCE_SIGNATURE:
                    return fields["id"].string_value or fields["urn"].string_value
                case found:
                    raise ValueError(f"the program passes a value of a kind that cannot be recorded ({found}).")
        case "list_value":
            return [plain(item) for item in value.list_value.values]
        case "string_value":
            return value.string_value
        case "bool_value":
            return value.bool_value
        case "number_value":
            number = value.number_value
            return int(number) if number.is_integer() else number
        case _:
            return None


def plain_mapping(struct: struct_pb2.Struct) -> dict[str, Any]:
    """A wire structure as Python data, secrets withheld."""
    return {key: plain(value) for key, value in struct.fields.items()}


class Cloud(mocks.Mocks):
    """What a recording needs of a cloud; see `stand_in_cloud.StandInCloud`."""

    def create(self, type_: str, name: str, inputs: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        """Invent the id and the outputs that are not inputs."""
        raise NotImplementedError

    def role_arn(self, role_id: str) -> str:
        """The ARN of an IAM role whose id is known."""
        raise NotImplementedError

    def children(self, resource: Resource) -> Iterable[Resource]:
        """The resources that a remote component creates."""
        raise NotImplementedError


class Recorder(mocks.MockMonitor):
    """A resource monitor that answers from a stand-in cloud and keeps what it was asked."""

    def __init__(
        self, cloud: Cloud, hear: Callable[[Resource], None] = lambda _: None, root: Path | None = None
    ) -> None:
        super().__init__(cloud)
        self._root = root
        self._cloud = cloud
        self._hear = hear
        self._lock = threading.Lock()
        self._recorded: dict[str, Resource] = {}
        self.stack_outputs: dict[str, Any] = {}
        self._named: dict[tuple[str, ...], str] = {}

    @property
    def recorded(self) -> tuple[Resource, ...]:
        """All registrations so far, in the order in which they arrived, which is another with each run."""
        with self._lock:
            return tuple(self._recorded.values())

    def make_urn(self, parent: str, type_: str, name: str) -> str:
        """The URN as the engine makes it, with the types of all parents; the SDK's mocks keep only one."""
        parents = parent.split("::")[2] if parent else ""
        if parents not in ("", STACK_TYPE):
            type_ = f"{parents}${type_}"
        return "::".join((f"urn:pulumi:{pulumi.get_stack()}", pulumi.get_project(), type_, name))

    def RegisterResource(self, request: resource_pb2.RegisterResourceRequest) -> resource_pb2.RegisterResourceResponse:  # noqa: N802
        urn = self.make_urn(request.parent, request.type, request.name)
        if request.type == STACK_TYPE:
            return resource_pb2.RegisterResourceResponse(urn=urn)
        inputs = plain_mapping(request.object)
        identity, outputs = "", dict[str, Any]()
        if request.custom or request.remote:
            identity, outputs = self._cloud.create(request.type, request.name, inputs)
        provider = request.provider.rpartition("::")[0]
        resource = Resource(
            urn=urn,
            type=request.type,
            name=request.name,
            parent=request.parent,
            dependencies=tuple(sorted({*request.dependencies, *filter(None, [provider])})),
            inputs=inputs,
            wire_inputs=request.object,
            property_dependencies={
                key: tuple(sorted(needed.urns)) for key, needed in request.propertyDependencies.items()
            },
            provider=provider,
            custom=request.custom,
            remote=request.remote,
            protect=request.protect,
            retain_on_delete=request.retainOnDelete,
            ignore_changes=tuple(request.ignoreChanges),
            aliases=tuple(alias.urn or alias.spec.name for alias in request.aliases),
            id=identity,
            outputs={**inputs, **outputs},
            source=_own_places(request, self._root) if self._root else (),
        )
        with self._lock:
            self._refuse_second(resource)
            if urn in self._recorded:
                raise ValueError(f"duplicate resource: two resources are named {request.name!r} ({urn}); rename one.")
            self._recorded[urn] = resource
            self.resources[urn] = mocks.MockMonitor.ResourceRegistration(urn, identity, dict(resource.outputs))
            transforms = mocks._resolve_callbacks(request.transforms)
            children = {
                child.urn: replace(_transformed(child, transforms), source=resource.source)
                for child in self._cloud.children(resource)
            }
            self._recorded |= children
        for one in (resource, *children.values()):
            self._hear(one)
        answer = struct_pb2.Struct()
        answer.CopyFrom(request.object)
        answer.update(outputs)
        return resource_pb2.RegisterResourceResponse(urn=urn, id=identity, object=answer)

    def _refuse_second(self, resource: Resource) -> None:
        """AWS keeps physical names unique: within the account and Region, or within another resource."""
        rule = namings().get(resource.type)
        name = resource.inputs.get(rule.property) if rule else None
        if rule is None or not isinstance(name, str):
            return
        region = str(resource.inputs.get("region", ""))
        key = (resource.type, name, region, resource.provider, str(resource.inputs.get(rule.within, "")))
        first = self._named.setdefault(key, resource.name)
        if first != resource.name:
            kind = resource.type.rpartition(":")[2]
            raise ValueError(
                f"two resources of type {kind} ask AWS for the name {name!r} ({first} and {resource.name}); "
                "allowed: one; give the second another name."
            )

    def RegisterResourceOutputs(self, request: resource_pb2.RegisterResourceOutputsRequest) -> empty_pb2.Empty:  # noqa: N802
        if f"::{STACK_TYPE}::" in request.urn:
            self.stack_outputs = plain_mapping(request.outputs)
        return empty_pb2.Empty()


def _own_places(request: resource_pb2.RegisterResourceRequest, root: Path) -> tuple[str, ...]:
    """The program's own files and lines in the stack that the SDK sends with a registration."""
    found: dict[str, None] = {}
    for frame in request.stackTrace.frames:
        file = Path(unquote(urlsplit(frame.pc.uri).path))
        if file.is_relative_to(root) and not INSTALLED.intersection(file.parts) and file.parent != PACKAGE:
            found[f"{file.relative_to(root)}:{frame.pc.line}"] = None
        if file == root / "__main__.py":
            break
    return tuple(found)


def _transformed(child: Resource, transforms: Iterable[pulumi.ResourceTransform]) -> Resource:
    """A child of a remote component after its parent's transforms, which the engine runs and the SDK's mocks do not."""
    for transform in transforms:
        given = pulumi.ResourceTransformArgs(
            custom=child.custom,
            type_=child.type,
            name=child.name,
            props=dict(child.inputs),
            opts=pulumi.ResourceOptions(ignore_changes=list(child.ignore_changes), protect=child.protect),
        )
        result = transform(given)
        if isinstance(result, pulumi.ResourceTransformResult):
            inputs: dict[str, Any] = dict(result.props)
            wire = struct_pb2.Struct()
            wire.update(inputs)
            child = replace(
                child,
                inputs=inputs,
                wire_inputs=wire,
                outputs={**child.outputs, **inputs},
                ignore_changes=tuple(result.opts.ignore_changes or ()),
                protect=bool(result.opts.protect),
            )
    return child
