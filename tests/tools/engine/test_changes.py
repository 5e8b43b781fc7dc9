"""What changes do to a deployed stack: refused ones nothing, renames nothing, upgrades no data."""

from collections.abc import Callable
from pathlib import Path

import pytest

from command_line.project import ROOT
from tools.engine.account import Account
from tools.engine.stack import EngineStack
from tools.engine.upgrades import UPGRADES, baseline, effect_of, table

StackOf = Callable[..., EngineStack]
SINGLETONS = (
    "softpos:auditConfig",
    "softpos:auditGuardduty",
    "softpos:auditSecurityHub",
    "softpos:auditInspector",
    "softpos:auditAccountBaseline",
    "softpos:migrationServiceRoles",
)
OPEN_GROUP = """
aws.ec2.SecurityGroup(
    "open-to-the-world",
    vpc_id=network.vpc_id,
    ingress=[aws.ec2.SecurityGroupIngressArgs(protocol="tcp", from_port=22, to_port=22, cidr_blocks=["0.0.0.0/0"])],
    opts=in_account,
)
"""
KEYS = 'EncryptionKeys("keys", EncryptionKeysArgs(placement=placement), in_account)'
RENAMED_KEYS = """EncryptionKeys(
    "vault",
    EncryptionKeysArgs(placement=placement),
    pulumi.ResourceOptions.merge(in_account, pulumi.ResourceOptions(aliases=[pulumi.Alias(name="keys")])),
)"""


def test_violating_change_reaches_no_provider_operation(stack_of: StackOf, pack: Path) -> None:
    engine = stack_of("dev")
    engine.edit("__main__.py", lambda program: program + OPEN_GROUP)
    run = engine.up("--policy-pack", str(pack), preview=True)
    assert run.code != 0
    assert any("open-to-the-world" in urn for _, urn, _ in run.violations())
    assert engine.account.operations == []
    assert engine.account.things == {}


@pytest.mark.slow
def test_renamed_component_with_its_alias_replaces_nothing(stack_of: StackOf) -> None:
    engine = stack_of("dev")
    assert engine.up().code == 0
    created = engine.account.created()
    engine.edit("__main__.py", lambda program: program.replace(KEYS, RENAMED_KEYS))
    run = engine.up()
    assert run.code == 0, run.diagnostics()
    assert {operation for operation, _ in run.steps()} <= {"update"}
    assert engine.account.created() == created


@pytest.mark.slow
def test_upgrades_touch_no_data_and_the_table_in_the_docs_says_what_they_do(stack_of: StackOf) -> None:
    engine = stack_of("dev", overrides=baseline())
    first = engine.up()
    assert first.code == 0, first.output
    effects = [effect_of(upgrade, engine) for upgrade in UPGRADES]
    assert {effect.upgrade.what: effect.problem for effect in effects if effect.problem} == {}
    at_risk = {effect.upgrade.what: effect.data_at_risk for effect in effects if effect.data_at_risk}
    assert set(at_risk) <= {"Migration off after the cutover"}
    assert not any("rds" in type_ for types in at_risk.values() for type_ in types)
    document = (ROOT / "docs" / "upgrades.md").read_text(encoding="utf-8")
    assert table(effects) in document


@pytest.mark.slow
def test_two_stacks_of_one_account_live_side_by_side(stack_of: StackOf) -> None:
    first = stack_of("dev")
    account: Account = first.account
    assert first.up().code == 0
    adopted = dict.fromkeys(SINGLETONS, "adopt")
    second = stack_of(
        "dev2", account, settings_of="dev", overrides={**adopted, "softpos:networkVpcCidr": "10.40.0.0/16"}
    )
    run = second.up()
    assert run.code == 0, run.diagnostics()
    retained = {one["urn"] for one in second.resources() if one.get("retainOnDelete")}
    of_first = {thing.urn for thing in account.things.values() if thing.urn.startswith("urn:pulumi:dev::")}
    run = second.destroy()
    assert run.code == 0, run.diagnostics()
    assert {thing.urn for thing in account.things.values() if thing.urn.startswith("urn:pulumi:dev::")} == of_first
    assert {thing.urn for thing in account.things.values() if thing.urn.startswith("urn:pulumi:dev2::")} <= retained
    assert first.refresh("--expect-no-changes").code == 0
    assert first.preview("--expect-no-changes").code == 0


@pytest.mark.slow
def test_destroyed_stack_can_be_deployed_again(stack_of: StackOf) -> None:
    """What belongs to the account outlives the stack; the next deployment adopts it."""
    engine = stack_of("dev")
    assert engine.up().code == 0
    run = engine.destroy()
    assert run.code == 0, run.diagnostics()
    for key in SINGLETONS:
        if key != "softpos:auditConfig":  # the recorder goes with its stack
            engine.set(key, "adopt")
    run = engine.up()
    assert run.code == 0, run.diagnostics()
