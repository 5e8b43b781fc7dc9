"""Bootstrap as a program: what it registers, under which names, with which settings it refuses to run."""

from __future__ import annotations

import json
import runpy
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from bootstrap.account import FORMS, SettingsError, read_account
from recording.configuration import Configuration, read_configuration
from recording.program import ProgramError, Recording, record
from recording.stand_in_cloud import StandInCloud

ROOT = Path(__file__).parents[2] / "bootstrap"


@cache
def recorded(stack: str) -> Recording:
    return play(read_configuration(ROOT, stack, {}))


def play(configuration: Configuration) -> Recording:
    account = configuration.values["softpos-bootstrap:accountId"]
    cloud = StandInCloud(configuration.values["softpos-bootstrap:region"], account)
    return record(lambda: runpy.run_path(str(ROOT / "__main__.py"), run_name="__main__") and None, cloud, configuration)


def names(recording: Recording, type_: str) -> set[str]:
    return {resource.inputs["name"] for resource in recording.of(type_)}


def test_dev_has_a_role_for_test_environments_and_production_has_none() -> None:
    assert names(recorded("dev"), "aws:iam/role:Role") == {
        "softpos-preview",
        "softpos-plan",
        "softpos-deploy",
        "softpos-images",
        "softpos-environments",
        "softpos-reaper",
    }
    assert names(recorded("prod"), "aws:iam/role:Role") == {"softpos-plan", "softpos-deploy", "softpos-images"}


def test_a_pull_request_takes_nothing_in_productions_account_and_in_devs_one_role() -> None:
    for stack, expected in (("prod", set()), ("dev", {"softpos-preview"})):
        roles = recorded(stack).of("aws:iam/role:Role")
        assert {one.inputs["name"] for one in roles if "pull_request" in one.inputs["assumeRolePolicy"]} == expected


def test_every_other_role_is_for_the_default_branch_or_an_environment_with_reviewers() -> None:
    key = "token.actions.githubusercontent.com:sub"
    for stack in ("dev", "prod"):
        for role in recorded(stack).of("aws:iam/role:Role"):
            if role.inputs["name"] == "softpos-preview":
                continue
            [statement] = json.loads(role.inputs["assumeRolePolicy"])["Statement"]
            for subject in statement["Condition"]["StringEquals"][key]:
                assert subject.endswith(
                    (":ref:refs/heads/main", f":environment:{stack}", ":environment:test-environments")
                )


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_whoever_deploys_is_held_by_a_boundary(stack: str) -> None:
    roles = {role.inputs["name"]: role.inputs for role in recorded(stack).of("aws:iam/role:Role")}
    for name, inputs in roles.items():
        assert inputs["path"] == "/softpos-bootstrap/"
        assert inputs["maxSessionDuration"] == 3600
        assert ("permissionsBoundary" in inputs) == (name not in ("softpos-preview", "softpos-plan"))


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_the_deploy_role_of_a_stack_is_taken_only_in_its_environment(stack: str) -> None:
    [role] = [one for one in recorded(stack).of("aws:iam/role:Role") if one.inputs["name"] == "softpos-deploy"]
    [statement] = json.loads(role.inputs["assumeRolePolicy"])["Statement"]
    subjects = statement["Condition"]["StringEquals"]["token.actions.githubusercontent.com:sub"]
    assert subjects == [f"repo:example-org/softpos:environment:{stack}"]


@pytest.mark.parametrize(("stack", "subject"), [("dev", "ref:refs/heads/main"), ("prod", "environment:prod")])
def test_images_are_pushed_by_the_default_branch_to_dev_and_by_reviewers_to_prod(stack: str, subject: str) -> None:
    recording = recorded(stack)
    [role] = [one for one in recording.of("aws:iam/role:Role") if one.inputs["name"] == "softpos-images"]
    assert subject in role.inputs["assumeRolePolicy"]
    [policy] = [one for one in recording.of("aws:iam/policy:Policy") if one.inputs["name"] == "softpos-images"]
    [login, images] = json.loads(policy.inputs["policy"])["Statement"]
    assert login["Action"] == ["ecr:GetAuthorizationToken"]
    assert images["Resource"].endswith(f":repository/{recording.of('aws:ecr/repository:Repository')[0].inputs['name']}")
    assert not [action for action in images["Action"] if "Delete" in action or "*" in action]


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_every_policy_is_attached_or_a_boundary(stack: str) -> None:
    recording = recorded(stack)
    attached = {
        urn
        for one in recording.of("aws:iam/rolePolicyAttachment:RolePolicyAttachment")
        for urn in one.property_dependencies["policyArn"]
    }
    loose = {one.inputs["name"] for one in recording.of("aws:iam/policy:Policy") if one.urn not in attached}
    boundaries = {
        "softpos-traffic",  # a person's, attached to a permission set
        *("softpos-deploy-boundary", "softpos-images-boundary", "softpos-workload-boundary"),
        *("softpos-environments-boundary", "softpos-environment-workload-boundary"),
    }
    assert loose == boundaries & names(recording, "aws:iam/policy:Policy")


def test_the_state_is_kept_versioned_encrypted_closed_and_for_good() -> None:
    recording = recorded("prod")
    bucket, key = recording.named("state-bucket"), recording.named("state-key")
    assert bucket.protect
    assert bucket.retain_on_delete
    assert key.protect
    assert key.retain_on_delete
    assert key.inputs["enableKeyRotation"]
    assert recording.named("state-bucket-versioning").inputs["versioningConfiguration"]["status"] == "Enabled"
    block = recording.named("state-bucket-public-access-block").inputs
    assert all(block[part] for part in ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls"))
    [rule] = recording.named("state-bucket-encryption").inputs["rules"]
    assert rule["applyServerSideEncryptionByDefault"]["sseAlgorithm"] == "aws:kms"
    [kept] = recording.named("state-bucket-lifecycle").inputs["rules"]
    assert "expiration" not in kept
    waits = recording.named("state-bucket-policy").dependencies
    assert recording.named("state-bucket-versioning").urn in waits


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_the_outputs_say_what_to_enter_on_github(stack: str) -> None:
    outputs: Mapping[str, Any] = recorded(stack).outputs
    assert outputs["backendUrl"].startswith(f"s3://softpos-state-{stack}-")
    assert outputs["secretsProvider"].startswith("awskms:///alias/softpos-secrets-stack?")
    assert {"plan", "deploy", "images"} <= set(outputs["roles"])


def test_the_bucket_is_named_alike_everywhere() -> None:
    for stack in ("dev", "prod"):
        values = read_configuration(ROOT, stack, {}).values
        account = read_account({key: values.get(f"softpos-bootstrap:{key}", "") for key in FORMS})
        assert recorded(stack).named("state-bucket").inputs["bucket"] == account.state_bucket
        assert len(account.state_bucket) <= 63


BAD = [
    ("accountId", "12345", "12 digits"),
    ("region", "europe", "an AWS Region"),
    ("stack", "staging", "dev or prod"),
    ("repository", "softpos", "OWNER/NAME"),
    ("repository", "acme/softpos:environment:prod", "OWNER/NAME"),
    ("repository", "acme/*", "OWNER/NAME"),
    ("environments", "perhaps", "true or false"),
    ("hostName", "Pay.example.com", "in small letters"),
]


@pytest.mark.parametrize(("key", "value", "allowed"), BAD)
def test_a_bad_setting_is_refused_before_anything_is_registered(key: str, value: str, allowed: str) -> None:
    good = read_configuration(ROOT, "prod", {f"softpos-bootstrap:{key}": value})
    with pytest.raises(ProgramError, match=allowed):
        play(good)


GIVEN = dict(read_configuration(ROOT, "prod", {}).values)


def given(**changes: str) -> dict[str, str]:
    return {**{key.rpartition(":")[2]: value for key, value in GIVEN.items()}, **changes}


def test_production_has_no_test_environments() -> None:
    with pytest.raises(SettingsError, match="they live in dev's account"):
        read_account(given(environments="true"))


def test_environments_need_the_name_that_they_may_not_take() -> None:
    with pytest.raises(SettingsError, match="the permanent stack's edgeHostName"):
        read_account(given(stack="dev", environments="true"))


def test_each_set_of_secrets_has_a_key_of_its_own() -> None:
    aliases = names(recorded("dev"), "aws:kms/alias:Alias")
    assert {"alias/softpos-state", "alias/softpos-secrets-stack", "alias/softpos-secrets-environments"} <= aliases
    assert "alias/softpos-secrets-environments" not in names(recorded("prod"), "aws:kms/alias:Alias")


def test_a_subject_with_immutable_ids_is_accepted() -> None:
    assert read_account(given(repository="acme@12/softpos@34")).subject == "acme@12/softpos@34"


def test_the_repository_of_images_is_there_before_any_stack() -> None:
    [repository] = recorded("dev").of("aws:ecr/repository:Repository")
    assert repository.inputs["name"] == "softpos"
    assert repository.inputs["tags"]["Stack"] == "bootstrap"


def test_every_setting_is_declared_with_a_description() -> None:
    declared = yaml.safe_load((ROOT / "Pulumi.yaml").read_text(encoding="utf-8"))["config"]
    assert set(declared) == {f"softpos-bootstrap:{key}" for key in FORMS}
    assert all(one["description"].endswith(".") for one in declared.values())
