"""Whether an object is what Kubernetes' own schema says.

The schemas are those of kubernetes-validate. Its own function reads and builds a schema again for each object, 40 ms
each time; here each is built once, by jsonschema-rs, and an object costs a tenth of a millisecond.
"""

from __future__ import annotations

import re
from functools import cache

from jsonschema_rs import Draft202012Validator, Registry
from kubernetes_validate.utils import latest_version, schema_contents

from operations.openshift.export import Item

OWN_GROUPS = re.compile(r"|apps|batch|autoscaling|policy|networking\.k8s\.io|rbac\.authorization\.k8s\.io")
DEFINITIONS = "https://kubernetes.io/api/_definitions.json"
"""The name under which the schemas refer to what they share."""


def schema_problem(item: Item) -> str:
    """The first field that the schema refuses, as a dotted path, and why; empty when there is none or no schema.

    The judge's own message is not used, because it quotes values.
    """
    version = item.value.get("apiVersion")
    if not isinstance(version, str) or not OWN_GROUPS.fullmatch(item.group):
        return ""
    validator = _validator(item.kind.lower(), version)
    error = next(iter(validator.iter_errors(item.value)), None) if validator else None
    if error is None:
        return ""
    path = ".".join(str(step) for step in error.instance_path if isinstance(step, str)) or "the object"
    return f"{path} ({type(error.kind).__name__.lower()})"


@cache
def _validator(kind: str, api_version: str) -> Draft202012Validator | None:
    group, _, version = api_version.rpartition("/")
    name = f"{kind}-{group.partition('.')[0]}{'-' if group else ''}{version}"
    latest = latest_version()
    try:
        schema = schema_contents(f"kubernetes-json-schema/v{latest}-local/{name}.json", latest)
    except FileNotFoundError:
        return None
    return Draft202012Validator(schema, registry=_definitions(latest))


@cache
def _definitions(latest: str) -> Registry:
    return Registry(
        [(DEFINITIONS, schema_contents(f"kubernetes-json-schema/v{latest}-local/_definitions.json", latest))]
    )
