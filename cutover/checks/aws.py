"""Preflight of what lies between the servers: VPN, DMS and the application's secret."""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from cutover.checks.preflight import Evening, Observation, Room, require
from cutover.servers.catalogue import MARKER_TABLE
from cutover.stack import Stack

room = Room("aws")
CERTIFICATE_DAYS = 30
"""An expiry during the weeks of replication would stop it."""
STARTABLE = ("ready", "stopped", "running")


@room.check("VPN tunnels")
def tunnels(evening: Evening) -> Iterator[Observation]:
    states = evening.migration.aws.tunnels(evening.migration.stack.vpn_connection_id)
    down = sorted(address for address, state in states.items() if state != "UP")
    yield require(
        len(states) == 2 and not down,
        f"{len(states) - len(down)} of 2 tunnels up" + (f", down: {', '.join(down)}" if down else ""),
        "Bring the tunnel up on the customer gateway; the evening wants both, so that one may fail.",
    )


@room.check("replication instance")
def instance(evening: Evening) -> Iterator[Observation]:
    status = evening.migration.aws.instance(evening.migration.stack.replication_instance_arn)[
        "ReplicationInstanceStatus"
    ]
    yield require(status == "available", str(status), "Wait for `available`, or look at the instance's events.")


@room.check("endpoint connections")
def connections(evening: Evening) -> Iterator[Observation]:
    stack = evening.migration.stack
    for role, arn in _endpoints(stack):
        status = evening.migration.aws.connection_test(arn, stack.replication_instance_arn)
        yield require(
            status == "successful",
            f"{role}: {status}",
            f"aws dms test-connection --replication-instance-arn {stack.replication_instance_arn} --endpoint-arn {arn}",
        )


@room.check("certificates")
def certificates(evening: Evening) -> Iterator[Observation]:
    stack, aws = evening.migration.stack, evening.migration.aws
    now = datetime.datetime.now(datetime.UTC)
    for role, arn in _endpoints(stack):
        endpoint = aws.endpoint(arn)
        mode = endpoint.get("SslMode", "none")
        yield require(
            mode in ("verify-ca", "verify-full"),
            f"{role}: ssl_mode {mode}",
            "Set ssl_mode to verify-full or verify-ca.",
        )
        ends = aws.certificate(endpoint.get("CertificateArn", ""))["ValidToDate"]
        days = (ends - now).days
        yield require(
            days >= CERTIFICATE_DAYS,
            f"{role}: authority valid for {days} days",
            f"Import the new authority's certificate and give it to the {role} endpoint.",
        )


def selects(rules: list[Mapping[str, Any]], schema: str, table: str) -> bool:
    """Whether DMS selection rules take the table: an exclude wins over any include."""
    taken = False
    for rule in rules:
        place = rule.get("object-locator", {})
        if rule.get("rule-type") != "selection" or not (
            _like(schema, place.get("schema-name", "")) and _like(table, place.get("table-name", ""))
        ):
            continue
        if rule.get("rule-action") == "exclude":
            return False
        taken = True
    return taken


def removes(rules: list[Mapping[str, Any]], schema: str, table: str, column: str) -> bool:
    """Whether a transformation rule leaves the column out."""
    return any(
        rule.get("rule-action") == "remove-column"
        and _like(schema, rule.get("object-locator", {}).get("schema-name", ""))
        and _like(table, rule.get("object-locator", {}).get("table-name", ""))
        and _like(column, rule.get("object-locator", {}).get("column-name", ""))
        for rule in rules
    )


def _endpoints(stack: Stack) -> tuple[tuple[str, str], ...]:
    return (
        ("source", stack.source_endpoint_arn),
        ("target", stack.target_endpoint_arn),
        ("reverse source", stack.reverse_source_endpoint_arn),
        ("reverse target", stack.reverse_target_endpoint_arn),
    )


def _like(name: str, pattern: str) -> bool:
    """DMS's wildcards: % for any text, _ for one character, [x] for the character itself."""
    parts = re.findall(r"\[(.)\]|(.)", pattern)
    wild = {"%": ".*", "_": "."}
    expression = "".join(re.escape(one) if one else wild.get(plain, re.escape(plain)) for one, plain in parts)
    return re.fullmatch(expression, name) is not None


@room.check("tasks")
def tasks(evening: Evening) -> Iterator[Observation]:
    stack, aws = evening.migration.stack, evening.migration.aws
    for role, arn in (("forward", stack.forward_task_arn), ("reverse", stack.reverse_task_arn)):
        task = aws.task(arn)
        status = str(task["Status"])
        good = status in STARTABLE and not (role == "reverse" and status == "running")
        yield require(
            good,
            f"{role}: {status}",
            f"Stop the {role} task, or read its failure: {task.get('LastFailureMessage', '')}",
        )
        wanted = "full-load-and-cdc" if role == "forward" else "cdc"
        kind = task.get("MigrationType")
        yield require(kind == wanted, f"{role}: {kind}", f"The {role} task must be of type {wanted}.")
        rules = json.loads(task.get("TableMappings", "{}")).get("rules", [])
        wide = [rule for rule in rules if rule.get("object-locator", {}).get("schema-name") == "%"]
        yield require(
            not wide, f"{role}: {len(rules)} mapping rules", "Name the schemas: % would take the system schemas along."
        )
        names = [(table.schema, table.name) for table in evening.source_catalogue.tables]
        names.append((stack.schemas[0], MARKER_TABLE))
        lost = [f"{schema}.{table}" for schema, table in names if not selects(rules, schema, table)]
        yield require(
            not lost,
            f"{role}: not mapped: {', '.join(lost)}" if lost else f"{role}: all {len(names)} tables mapped",
            "Add a selection rule that includes them; the marker table shows what has been applied.",
        )


@room.check("task settings")
def task_settings(evening: Evening) -> Iterator[Observation]:
    stack, aws = evening.migration.stack, evening.migration.aws
    for role, arn in (("forward", stack.forward_task_arn), ("reverse", stack.reverse_task_arn)):
        settings = json.loads(aws.task(arn).get("ReplicationTaskSettings", "{}"))
        batch = bool(settings.get("TargetMetadata", {}).get("BatchApplyEnabled"))
        yield require(
            not batch,
            f"{role}: BatchApplyEnabled {str(batch).lower()}",
            "Set BatchApplyEnabled to false: batches apply out of order, and a marker would prove nothing.",
        )
        if role == "reverse":
            continue
        validated = bool(settings.get("ValidationSettings", {}).get("EnableValidation"))
        yield require(
            validated, f"EnableValidation {str(validated).lower()}", "Set ValidationSettings.EnableValidation to true."
        )
        prepare = settings.get("FullLoadSettings", {}).get("TargetTablePrepMode")
        yield require(
            prepare in ("DO_NOTHING", "TRUNCATE_BEFORE_LOAD"),
            f"TargetTablePrepMode {prepare}",
            "Set it to DO_NOTHING or TRUNCATE_BEFORE_LOAD: DROP_AND_CREATE loses indexes, defaults and AUTO_INCREMENT.",
        )


@room.check("application secret")
def application_secret(evening: Evening) -> Iterator[Observation]:
    migration = evening.migration
    secret = migration.aws.secret(migration.stack.application_secret_arn)
    lacks = [name for name in ("host", "username") if not secret.get(name)]
    yield require(not lacks, f"lacks {', '.join(lacks)}" if lacks else "readable", "Store host and username in it.")
    host = secret.get("host")
    yield require(
        evening.started or host == migration.source.account.host,
        f"the application's host is {host}",
        f"Before the migration it must be {migration.source.account.host}: aws secretsmanager put-secret-value.",
    )
