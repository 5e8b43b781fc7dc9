"""The contract as its page tells it, as the program keeps it and as the example application reads it: all the same."""

from __future__ import annotations

import dataclasses
import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from softpos.configuration import Configuration
from softpos.connection import Connection
from softpos.server import KEEP_ALIVE_SECONDS, LONGEST_REQUEST_SECONDS, Server

from operations.plan.stack_recording import record_stack
from recording.program import Recording
from tests.recorded import recorded

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/application-contract.md").read_text(encoding="utf-8")
STACKS = ["dev", "prod", "prod after the move"]
DEPLOYMENT = "kubernetes:apps/v1:Deployment"


@cache
def recording(stack: str) -> Recording:
    """The program of a stack as it is committed, or of prod in its last phase, when the login is IAM's."""
    if stack == "prod after the move":
        return record_stack("prod", {"migrationPhase": "after"})
    return recorded(stack)


def table(heading: str) -> list[list[str]]:
    """The cells of the first table after a heading, without its two head rows."""
    lines = PAGE.partition(f"## {heading}\n")[2].splitlines()
    rows = [line for line in lines[: next(i for i, line in enumerate(lines) if line.startswith("## "))] if "|" in line]
    return [[cell.strip().strip("`") for cell in row.strip("|").split("|")] for row in rows[2:]]


def pod(stack: str) -> dict[str, Any]:
    """The pod of the one service that enters the database."""
    [found] = [
        one.inputs["spec"]["template"]["spec"]
        for one in recording(stack).of(DEPLOYMENT)
        if "DATABASE_CONNECTION_SECRET" in str(one.inputs)
    ]
    return dict(found)


def environment(stack: str) -> dict[str, Any]:
    [container] = pod(stack)["containers"]
    return {entry["name"]: entry["value"] for entry in container["env"]}


@pytest.mark.parametrize("stack", STACKS)
def test_the_pod_gets_exactly_the_variables_of_the_page(stack: str) -> None:
    assert set(environment(stack)) == {row[0] for row in table("What the pod is told")}


def test_the_application_reads_exactly_those_and_the_ones_for_outside() -> None:
    optional = {field.name for field in dataclasses.fields(Configuration) if field.default is not dataclasses.MISSING}
    outside = set(re.findall(r"`((?:DATABASE|CACHE)_[A-Z_]+)`", PAGE.partition("## The same image outside AWS")[2]))
    own = {"INSTANCE", "LISTEN_ADDRESS", "SECRET_POLL_SECONDS", "DRAIN_SECONDS"}
    read = {field.name.upper() for field in dataclasses.fields(Configuration)}
    assert read == {row[0] for row in table("What the pod is told")} | outside | own
    assert {name.lower() for name in own | outside - set(environment("prod"))} <= optional


@pytest.mark.parametrize("stack", STACKS)
def test_the_application_starts_with_what_the_pod_gets(stack: str, tmp_path: Path) -> None:
    given = environment(stack)
    file = tmp_path / "ca.pem"
    file.write_text("here")
    found = Configuration.read({name: str(value) for name, value in given.items()} | {"DATABASE_CA_FILE": str(file)})
    assert found.cache_name
    assert found.tls_port == 8443


@pytest.mark.parametrize("stack", STACKS)
def test_the_secret_that_the_program_creates_has_the_fields_of_the_page(stack: str) -> None:
    [version] = [
        one.wire_inputs
        for one in recording(stack).of("aws:secretsmanager/secretVersion:SecretVersion")
        if "database-connection" in one.name
    ]
    secret = json.loads(version.fields["secretString"].struct_value.fields["value"].string_value)
    column = {"iam": 1, "password": 2}[secret["auth"]]
    fields = {row[0]: row[column] for row in table("The connection secret")}
    allowed = {name for name, told in fields.items() if told != "no"}
    assert set(secret) <= allowed
    # A person adds the password: it is in no plan and no state.
    assert set(secret) >= allowed - {"reader_host", "password"}
    assert "password" not in secret
    assert Connection.parse(json.dumps(secret | {"password": "added"})).auth == secret["auth"]
    assert (secret["auth"] == "iam") == (stack == "prod after the move")


@pytest.mark.parametrize("stack", STACKS)
def test_the_authorities_are_mounted_where_the_variable_says(stack: str) -> None:
    [container] = pod(stack)["containers"]
    directory, _, file = str(environment(stack)["DATABASE_CA_FILE"]).rpartition("/")
    [mount] = [one for one in container["volumeMounts"] if one["mountPath"] == directory]
    [volume] = [one for one in pod(stack)["volumes"] if one["name"] == mount["name"]]
    [held] = [
        one.inputs["data"]
        for one in recording(stack).of("kubernetes:core/v1:ConfigMap")
        if one.inputs["metadata"]["name"] == volume["configMap"]["name"]
    ]
    assert held[file].startswith("-----BEGIN CERTIFICATE-----")


@pytest.mark.parametrize("stack", STACKS)
def test_a_leaving_instance_has_the_time_that_it_needs(stack: str) -> None:
    [container] = pod(stack)["containers"]
    before = container["lifecycle"]["preStop"]["sleep"]["seconds"]
    drain = next(field.default for field in dataclasses.fields(Configuration) if field.name == "drain_seconds")
    grace = pod(stack)["terminationGracePeriodSeconds"]
    assert before + drain + LONGEST_REQUEST_SECONDS <= grace
    assert f"within {grace - before} seconds" in PAGE
    assert Server


@pytest.mark.parametrize("stack", STACKS)
def test_the_load_balancer_and_not_the_application_closes_idle_connections(stack: str) -> None:
    [balancer] = recording(stack).of("aws:lb/loadBalancer:LoadBalancer")
    assert balancer.inputs["idleTimeout"] < KEEP_ALIVE_SECONDS


@pytest.mark.parametrize("stack", STACKS)
def test_readiness_the_load_balancer_and_the_page_ask_the_same_path(stack: str) -> None:
    [container] = pod(stack)["containers"]
    [group] = recording(stack).of("aws:lb/targetGroup:TargetGroup")
    assert container["readinessProbe"]["httpGet"]["path"] == group.inputs["healthCheck"]["path"] == "/health"
    assert "`GET /health` answers 200 only" in PAGE
