"""What the tool needs of a stack, read from its outputs: the only place that knows the outputs' names.

`pulumi stack output --json` is the real source; a file with the same JSON serves where the stack is not at hand.
"""

from __future__ import annotations

import ipaddress
import json
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any, get_type_hints

from command_line.exits import NO_PULUMI
from cutover.errors import SettingsError
from cutover.public_side import PublicSide, read_public_side

OUTPUT = "migration"
"""Name of the stack output that holds one object with the fields of `Stack` below."""
PULUMI_SECONDS = 120


@dataclass(frozen=True, kw_only=True)
class Stack:
    """One stack's migration, as its outputs describe it. Each field is the output of the same name."""

    name: str
    """The Pulumi stack's name; the key of the migration's record."""
    region: str
    state_table_name: str
    """DynamoDB table with the string hash key `stack`."""
    vpn_connection_id: str
    replication_instance_arn: str
    forward_task_arn: str
    """Full load and change capture, on-premises to AWS."""
    reverse_task_arn: str
    """Change capture only, AWS to on-premises: the way back."""
    source_endpoint_arn: str
    """DMS endpoint of the on-premises server as the forward task's source."""
    target_endpoint_arn: str
    reverse_source_endpoint_arn: str
    """DMS endpoint of the target as the reverse task's source."""
    reverse_target_endpoint_arn: str
    source_secret_arn: str
    """Login by which DMS reads the on-premises server: JSON with `host`, `port`, `username`, `password`."""
    target_secret_arn: str
    """Login by which DMS writes the target."""
    reverse_source_secret_arn: str
    """Login by which DMS reads the target for the way back."""
    reverse_target_secret_arn: str
    """Login by which DMS writes the on-premises server on the way back."""
    source_operator_secret_arn: str
    """Login of this tool on the on-premises server, same fields. It freezes, so it has more rights than DMS's."""
    target_operator_secret_arn: str
    """Login of this tool on the target. A managed master secret has no `host`: the writer endpoint then serves."""
    application_secret_arn: str
    """What the application reads to find its database: `host`, `port`, `username`, and `reader_host` if it uses one."""
    application_authentication: str = ""
    """`iam`: on the target the application enters by IAM, so its secret says so there and holds no password."""
    database_writer_endpoint: str
    database_reader_endpoint: str = ""
    """Written to `reader_host` at the switch, where the application's secret has that field."""
    database_cluster_id: str = ""
    database_port: int = 3306
    schemas: tuple[str, ...]
    """The schemas that move, by name."""
    vpc_cidr: str = ""
    """Private range of the VPC: sessions from elsewhere are not AWS's pods."""
    health_url: str = ""
    """What must answer 2xx for the application to count as healthy; empty: only the database is watched."""
    public: PublicSide | None = None
    """Where payments arrive while both sides serve; None without a public name. From the output `traffic`."""


FORMS = {str: "a text", int: "a port from 1 to 65535", tuple[str, ...]: "a list of texts"}
"""What each type of a field may be in the outputs."""


def _fits(value: object, type_: object) -> bool:
    if type_ is int:
        return type(value) is int and 0 < value < 65536
    if type_ is str:
        return isinstance(value, str)
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _wrong_forms(stack: str, values: Mapping[str, Any]) -> list[str]:
    """What is a text and yet no address or range."""
    problems = []
    if not str(values.get("health_url", "") or "https://").startswith(("http://", "https://")):
        problems.append(f"Output {OUTPUT}.health_url of stack {stack} is no http or https address; correct it.")
    try:
        ipaddress.IPv4Network(values.get("vpc_cidr", "") or "10.0.0.0/8")
    except ValueError:
        problems.append(
            f"Output {OUTPUT}.vpc_cidr of stack {stack} is {values['vpc_cidr']!r}; allowed: an IPv4 range; run `pulumi "
            "up` on this program."
        )
    return problems


def from_outputs(stack: str, outputs: Mapping[str, Any]) -> Stack:
    """The stack described by its outputs. Raises `SettingsError` with one line per missing or wrong field."""
    given = outputs.get(OUTPUT)
    if not isinstance(given, Mapping):
        raise SettingsError(
            f"Stack {stack} has no output '{OUTPUT}'; set softpos:migrationPhase to beside and run `pulumi up`."
        )
    problems = []
    values: dict[str, Any] = {"name": stack}
    types = get_type_hints(Stack)
    for field in fields(Stack):
        if field.name in ("name", "public"):
            continue
        value = given.get(field.name)
        if value is None and field.default is MISSING:
            problems.append(
                f"Output {OUTPUT}.{field.name} of stack {stack} is missing; run `pulumi up` on this program."
            )
        elif value is not None and not _fits(value, types[field.name]):
            problems.append(
                f"Output {OUTPUT}.{field.name} of stack {stack} is {json.dumps(value)[:80]}; allowed: "
                f"{FORMS[types[field.name]]}; run `pulumi up` on this program."
            )
        elif value is not None:
            values[field.name] = tuple(value) if field.name == "schemas" else value
    problems += _wrong_forms(stack, values)
    if not problems and not values["schemas"]:
        problems.append(f"Output {OUTPUT}.schemas of stack {stack} is empty; name at least one schema to move.")
    if problems:
        raise SettingsError(*problems)
    return Stack(**values, public=read_public_side(stack, outputs))


def read_outputs(stack: str, file: Path | None) -> Mapping[str, Any]:
    """The stack's outputs, from `file` or from the Pulumi CLI. Raises `SettingsError` if neither can be read."""
    if file is not None:
        try:
            text = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not UTF-8"
            raise SettingsError(f"The outputs file {file} cannot be read ({reason}); check the path.") from error
    else:
        text = _ask_pulumi(stack)
    try:
        outputs = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise SettingsError(
            f"The outputs of stack {stack} are not JSON ({error}); use the output of `pulumi stack output --json`."
        ) from error
    if not isinstance(outputs, dict):
        raise SettingsError(
            f"The outputs of stack {stack} are no JSON object; use the output of `pulumi stack output --json`."
        )
    return outputs


def _ask_pulumi(stack: str) -> str:
    program = shutil.which("pulumi")
    if program is None:
        raise SettingsError(f"{NO_PULUMI}, or give --outputs FILE.")
    try:
        answer = subprocess.run(
            [program, "stack", "output", "--json", "--stack", stack],
            capture_output=True,
            text=True,
            check=False,
            timeout=PULUMI_SECONDS,
        )
    except subprocess.TimeoutExpired as error:
        raise SettingsError(
            f"`pulumi stack output` did not answer within {PULUMI_SECONDS} s; check the backend."
        ) from error
    if answer.returncode != 0:
        reason = answer.stderr.strip().splitlines()[-1:] or ["no reason given"]
        raise SettingsError(f"`pulumi stack output --stack {stack}` failed: {reason[0]}")
    return answer.stdout
