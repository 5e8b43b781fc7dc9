"""One setting of a stack's file, changed in its text: comments, order and everything else stay."""

from __future__ import annotations

import json
import re

NAMESPACE = "softpos"


def with_setting(text: str, key: str, value: str) -> str:
    """The file's text with ``softpos:<key>`` set to `value`; an empty value removes the line: the default holds then.

    Args:
        text: a `Pulumi.<stack>.yaml`.
        key: a key whose value is a scalar, without its namespace.

    Raises:
        ValueError: when the file has no ``config:``, or the key holds a list.
    """
    lines = text.splitlines(keepends=True)
    full = f"{NAMESPACE}:{key}"
    found = [number for number, line in enumerate(lines) if re.match(rf"\s+{re.escape(full)}:", line)]
    new = [f"  {full}: {_scalar(value)}\n"] if value else []
    if found:
        [at] = found
        if re.fullmatch(rf"\s+{re.escape(full)}:\s*", lines[at]):
            raise ValueError(f"{full} holds a list or a block in the stack's file; change it by hand.")
        return "".join([*lines[:at], *new, *lines[at + 1 :]])
    heads = [number for number, line in enumerate(lines) if re.match(r"config:\s*(#.*)?$", line)]
    if not heads:
        raise ValueError("the stack's file has no `config:`; add it, with the stack's settings.")
    neighbours = [number for number, line in enumerate(lines) if re.match(rf"\s+{NAMESPACE}:", line)]
    at = _place(lines, neighbours, key) if neighbours else heads[0] + 1
    return "".join([*lines[:at], *new, *lines[at:]])


def _place(lines: list[str], neighbours: list[int], key: str) -> int:
    """After the last scalar key of the same group (``cluster``, ``database``), or before the first key of all."""
    group = re.match(r"[a-z]+", key)
    same = [
        number
        for number in neighbours
        if group
        and re.match(rf"\s+{NAMESPACE}:{group[0]}[A-Z]", lines[number])
        and not lines[number].rstrip().endswith(":")
    ]
    return same[-1] + 1 if same else neighbours[0]


def _scalar(value: str) -> str:
    """The value in YAML: booleans plain, everything else in quotes, so that 1.36 stays text."""
    return value if value in ("true", "false") else json.dumps(value)
