"""Answers the engine: the schema, and a component for each request to construct one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pulumi
from pulumi.errors import InputPropertiesError
from pulumi.provider import ConstructResult, Provider

from components.foundations.problems import NotAllowed, camel
from provider.exports import EXPORTS, FORMER, NAME, VERSION, Export
from provider.reading import arguments
from provider.schema import schema

NAT = {True: "per-zone", False: "single"}


class Exported(pulumi.ComponentResource):
    """A component under the package's token, with the outputs that every language can read."""

    state: dict[str, pulumi.Input[Any]]

    def __init__(
        self, name: str, token: str, given: Mapping[str, Any], opts: pulumi.ResourceOptions | None = None
    ) -> None:
        asked = token.rpartition(":")[2]
        export = EXPORTS[FORMER.get(asked, asked)]
        given = dict(given)
        if asked == "Network":
            given.setdefault("nat", NAT[given.pop("natPerZone", True)])
        formerly = [pulumi.Alias(type_=f"{NAME}:index:{export.formerly}")] if export.formerly != asked else []
        aliases = formerly if export.formerly else []
        options = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(aliases=aliases))
        super().__init__(token, name, {}, options)
        made = export.component(name, arguments(export, name, given, self, opts), pulumi.ResourceOptions(parent=self))  # type: ignore[arg-type]
        self.state = {camel(output): _output(export, made, output) for output in export.outputs}
        self.register_outputs(self.state)


class ComponentsProvider(Provider):
    """The package."""

    def __init__(self) -> None:
        super().__init__(VERSION, json.dumps(schema()))

    def construct(
        self, name: str, resource_type: str, inputs: Mapping[str, Any], options: pulumi.ResourceOptions | None = None
    ) -> ConstructResult:
        """Create one component; what is not allowed is told as its inputs' problems, without a traceback."""
        try:
            made = Exported(name, resource_type, inputs, options)
        except NotAllowed as refused:
            raise InputPropertiesError(
                str(refused), [{"property_path": one.key, "reason": str(one)} for one in refused.problems]
            ) from None
        return ConstructResult(made.urn, made.state)


def _output(export: Export, made: pulumi.ComponentResource, name: str) -> pulumi.Input[Any]:
    value = getattr(made, name)
    if isinstance(value, list | tuple):
        value = pulumi.Output.all(*value)
    if name in export.waits:
        after = [resource.urn for resource in getattr(made, export.waits[name])]
        return pulumi.Output.all(value, *after).apply(lambda known: known[0])
    return value
