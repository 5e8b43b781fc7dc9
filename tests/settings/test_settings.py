"""Bad settings are refused before anything is registered: a case per kind, naming key, allowed and remedy."""

import difflib
import json
from pathlib import Path

import botocore.session
import pulumi
import pytest
import yaml

import settings
from components.foundations.values import REGIONS
from operations.plan.stack_recording import stack_settings
from recording.configuration import read_configuration
from settings import reading

ROOT = Path(__file__).parents[2]
WIDE_KEY = "softpos:bastionTrustedCidrs"


def given(stack: str = "dev", **overrides: object) -> dict[str, str]:
    """The stack's own configuration with some values replaced, as text."""
    values = dict(read_configuration(ROOT, stack, {}).values)
    for key, value in overrides.items():
        full = key.replace("aws_", "aws:") if key.startswith("aws_") else f"softpos:{key}"
        values[full] = value if isinstance(value, str) else json.dumps(value)
    return values


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_the_stacks_in_the_repository_are_valid(stack: str) -> None:
    found, problems = settings.read(given(stack), stack)
    assert problems == ()
    assert found is not None
    assert found.production == (stack == "prod")


BAD = [
    ("networkVpcCidr", "10.20.0.0/24", "between /16 and /20"),
    ("networkVpcCidr", "203.0.113.0/24", "a private IPv4 range"),
    ("networkVpcCidr", "10.20.0.1/16", "without host bits"),
    ("networkVpcCidr", "10.80.0.0/16", "apart from 10.80.0.0/16 of softpos:vpnOnPremisesCidrs"),
    ("networkVpcCidr", "172.20.0.0/16", "apart from 172.20.0.0/16 of softpos:clusterServiceCidr"),
    ("networkNat", "none", "single or per-zone"),
    ("networkAvailabilityZones", ["eu-central-1a", "eu-central-1b"], "exactly 3 items"),
    ("networkAvailabilityZones", ["eu-central-1a"] * 3, "without repetitions"),
    ("networkAvailabilityZones", ["us-east-1a", "us-east-1b", "us-east-1c"], "zones of eu-central-1"),
    ("bastionTrustedCidrs", ["0.0.0.0/0"], "no wider than /24"),
    ("bastionTrustedCidrs", ["::/0"], "no wider than /24"),
    ("bastionTrustedCidrs", ["203.0.112.0/23"], "no wider than /24"),
    ("bastionTrustedCidrs", ["0.0.0.0/1", "128.0.0.0/1"], "no wider than /24"),
    ("bastionTrustedCidrs", ["10.0.0.0/28"], "a public IPv4 range"),
    ("bastionTrustedCidrs", ["2001:db8::/56"], "a public IPv4 range"),
    ("bastionTrustedCidrs", [], "1 to 20 items"),
    ("bastionTrustedCidrs", "203.0.113.0/28", "a list"),
    ("bastionPublicKey", "ssh-ed25519 not-base64", "an OpenSSH public key"),
    ("clusterApiPublicCidrs", ["0.0.0.0/0"], "no wider than /24"),
    ("clusterApiPrivateCidrs", ["203.0.113.0/28"], "a private IPv4 range"),
    ("clusterVersion", "1.29", "1.35 or 1.36"),
    ("clusterNodesMin", 9, "at most softpos:clusterNodesDesired"),
    ("clusterNodesDesired", 99, "at most softpos:clusterNodesMax"),
    ("clusterNodesMin", 0, "from 1 to 100"),
    ("clusterNodesMin", "three", "a whole number"),
    ("clusterAdminRoleArns", [], "1 to 10 items"),
    ("serviceImage", "111122223333.dkr.ecr.eu-central-1.amazonaws.com/softpos:latest", "by digest"),
    ("serviceImage", f"111122223333.dkr.ecr.us-east-1.amazonaws.com/softpos@sha256:{'a' * 64}", "eu-central-1"),
    ("serviceReplicasMin", 100, "at most softpos:serviceReplicasMax"),
    ("edgeHostName", "pay.example.org", "a name within the zone dev.example.com"),
    ("edgeHostName", "https://pay.dev.example.com", "a lower-case DNS name"),
    ("edgeWafRules", "none", "fortinet or aws"),
    ("databaseEngineVersion", "5.7.mysql_aurora.2.11.1", "8.4.mysql_aurora.8.4.8"),
    ("databaseEngineVersion", "8.4.8", "for this engine"),
    ("databaseInstanceClass", "db.m6gd.large", "such as db.r7g.large for this engine"),
    ("databaseEngine", "mysql", "a class with local disks"),
    ("databaseBackupRetentionDays", 1, "from 7 to 35"),
    ("databaseReaders", 9, "at most softpos:databaseReadersMax"),
    ("databaseDeletionProtection", "yes", "true or false"),
    ("cacheReplicas", 1, "2, 4"),
    ("cacheReplicas", 3, "quorum"),
    ("vpnCustomerGatewayIp", "10.0.0.1", "a public IPv4 address"),
    ("vpnOnPremisesCidrs", ["8.8.8.0/24"], "private IPv4 ranges"),
    ("vpnOnPremisesCidrs", ["10.20.4.0/24"], "apart from 10.20.4.0/24"),
    ("migrationSchemas", ["%"], "a schema named in full"),
    ("migrationSourceCa", "not a certificate", "PEM text"),
    ("auditLogRetentionDays", 90, "365"),
    ("auditLogRetentionDays", 366, "365"),
    ("auditConfig", "yes", "create or adopt or off"),
    ("accountId", "12345", "12 digits"),
    ("environment", "staging", "production or development"),
    ("aws_region", "europe", "a public AWS Region"),
    ("aws_region", "il-central-1", "a Region whose RDS authority is in rds_certificates/"),
    ("vpnEnabled", "false", "true while softpos:migrationPhase is beside"),
    ("migrationEnabled", "true", "softpos:migrationPhase, which replaces it"),
    ("migrationPhase", "cutover", "none or beside or shifting or after"),
    ("migrationSourceAddresses", [], "1 to 4 addresses while softpos:migrationPhase is beside"),
    ("migrationSourceAddresses", ["203.0.113.9"], "a private IPv4 address"),
    ("migrationSourceAddresses", ["10.90.0.1"], "within softpos:vpnOnPremisesCidrs, not 10.90.0.1"),
    ("migrationOldAuthorities", [], "1 to 8 domain names while softpos:migrationPhase is beside"),
    ("migrationTestHostName", "pay.dev.example.com", "that is not softpos:edgeHostName"),
    ("migrationTestHostName", "", "a name within the zone dev.example.com"),
    ("migrationRouterHealthPath", "healthz", "a path such as /health"),
    ("migrationFirewallMode", "off", "block or count"),
    ("migrationScheduledWork", "both", "data-centre or aws"),
    ("temporaryUntil", "tomorrow", "a moment in UTC"),
    ("temporaryUntil", "2026-02-30T10:00:00Z", "a moment in UTC"),
    ("temporaryLimit", 201, "from 0 to 200"),
    ("temporaryHoursMax", 0, "at most 14 days"),
    ("temporaryCidrs", "10.64.0.0/20", "between /10 and /19"),
    ("databaseSnapshot", "9 lives", "the name or ARN of a cluster snapshot"),
]


@pytest.mark.parametrize(("key", "value", "allowed"), BAD, ids=[f"{key}={value}"[:60] for key, value, _ in BAD])
def test_a_bad_value_is_refused_with_key_allowed_and_remedy(key: str, value: object, allowed: str) -> None:
    found, problems = settings.read(given(**{key: value}), "dev")
    assert found is None
    mine = [problem for problem in problems if allowed in problem.allowed]
    assert mine, list(map(str, problems))
    assert "\n" not in str(mine[0])
    assert mine[0].remedy


def test_a_shift_needs_the_routers_addresses() -> None:
    _, problems = settings.read(given(migrationPhase="shifting", migrationRouterAddresses=[]), "dev")
    assert [problem.key for problem in problems] == ["softpos:migrationRouterAddresses"]


@pytest.mark.parametrize(
    ("phase", "set_to", "on_aws"),
    [
        ("none", "data-centre", True),
        ("beside", "aws", False),
        ("shifting", "data-centre", False),
        ("shifting", "aws", True),
        ("after", "data-centre", True),
    ],
)
def test_scheduled_work_runs_on_one_side_in_every_phase(phase: str, set_to: str, on_aws: bool) -> None:
    found, problems = settings.read(given(migrationPhase=phase, migrationScheduledWork=set_to), "dev")
    assert found is not None, problems
    assert found.migration.runs_scheduled_work is on_aws


@pytest.mark.parametrize(
    ("phase", "mode"), [("none", "block"), ("beside", "count"), ("shifting", "count"), ("after", "block")]
)
def test_the_firewall_counts_until_the_move_is_over(phase: str, mode: str) -> None:
    found, problems = settings.read(given("prod", migrationPhase=phase), "prod")
    assert found is not None, problems
    assert found.firewall_mode == mode


PRODUCTION_ONLY = [
    ("databaseDeletionProtection", False, "true in production"),
    ("networkNat", "single", "per-zone in production"),
    ("edgeWafMode", "count", "block in production"),
    ("auditTrail", "adopt", "create in production"),
    ("environment", "development", "production in the stack prod"),
]


@pytest.mark.parametrize(("key", "value", "allowed"), PRODUCTION_ONLY)
def test_production_cannot_be_less_than_whole(key: str, value: object, allowed: str) -> None:
    _, problems = settings.read(given("prod", **{key: value}), "prod")
    assert [problem.key for problem in problems if allowed in problem.allowed] == [f"softpos:{key}"]


@pytest.mark.parametrize("name", ["a-name-of-21-letters-x", "Dev", "dev_1", "1dev", ""])
def test_a_stack_name_that_aws_names_cannot_carry_is_refused(name: str) -> None:
    _, problems = settings.read(given(), name)
    assert [problem.key for problem in problems] == ["stack"]


def test_an_unknown_key_names_the_nearest_known_one() -> None:
    _, problems = settings.read(given(clusterNodeMax="4"), "dev")
    assert [problem.key for problem in problems] == ["softpos:clusterNodeMax"]
    assert "softpos:clusterNodesMax" in problems[0].allowed


def test_an_unknown_key_like_no_other_names_none() -> None:
    _, problems = settings.read(given(foo="bar"), "dev")
    assert [(problem.key, "nearest" in problem.allowed) for problem in problems] == [("softpos:foo", False)]


def test_a_misspelt_region_names_the_one_that_was_meant_and_no_zones_of_the_misspelt_one() -> None:
    _, problems = settings.read(given(aws_region="eu-centrl-1"), "dev")
    assert [problem.key for problem in problems] == ["aws:region"]
    assert "did you mean eu-central-1 or" in problems[0].remedy


def test_the_known_regions_are_those_of_the_aws_sdk() -> None:
    assert set(botocore.session.get_session().get_available_regions("ec2", "aws")) == set(REGIONS)


@pytest.mark.parametrize("watch", ["auditConfig", "auditGuardduty", "auditSecurityHub", "auditInspector"])
def test_production_is_watched_by_what_it_makes_or_finds(watch: str) -> None:
    for choice, expected in (("off", 1), ("adopt", 0)):
        values, _ = stack_settings("prod")
        _, problems = settings.read({**values.values, f"softpos:{watch}": choice}, "prod")
        assert [one.allowed for one in problems] == ["create or adopt in production"] * expected


def test_an_image_of_another_account_needs_a_setting_that_names_the_account() -> None:
    image = f"999999999999.dkr.ecr.eu-central-1.amazonaws.com/softpos@sha256:{'a' * 64}"
    _, refused = settings.read(given(serviceImage=image), "dev")
    assert [(one.key, "softpos:imageAccountId" in one.remedy) for one in refused] == [("softpos:serviceImage", True)]
    _, accepted = settings.read(given(serviceImage=image, imageAccountId="999999999999"), "dev")
    assert accepted == ()


@pytest.mark.parametrize("key", ["aws:profile", "aws:assumeRole", "kubernetes:kubeconfig", "nonsense", "shop:owner"])
def test_a_setting_that_no_provider_reads_is_refused(key: str) -> None:
    _, problems = settings.read({**given(), key: "x"}, "dev")
    assert [problem.key for problem in problems] == [key]


def test_the_engines_own_keys_are_left_to_it() -> None:
    assert settings.read({**given(), "pulumi:tags": "{}"}, "dev")[1] == ()


def test_the_engine_shows_bad_settings_without_a_traceback() -> None:
    assert issubclass(settings.SettingsError, pulumi.RunError)


def test_a_missing_value_is_named() -> None:
    values = given()
    del values["softpos:serviceImage"]
    _, problems = settings.read(values, "dev")
    assert [(problem.key, problem.value) for problem in problems] == [("softpos:serviceImage", "nothing")]


def test_all_problems_are_found_at_once() -> None:
    _, problems = settings.read(
        given(networkNat="none", clusterNodesMin=99, bastionTrustedCidrs=["0.0.0.0/0"], unknownThing="x"), "dev"
    )
    assert {problem.key for problem in problems} == {
        "softpos:networkNat",
        "softpos:clusterNodesMin",
        "softpos:bastionTrustedCidrs",
        "softpos:unknownThing",
    }


def test_key_material_pasted_by_mistake_is_refused_and_never_shown() -> None:
    leaked = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjE\n-----END OPENSSH PRIVATE KEY-----"
    for key in ("bastionPublicKey", "migrationSourceCa"):
        _, problems = settings.read(given(**{key: leaked}), "dev")
        assert [problem.key for problem in problems] == [f"softpos:{key}"]
        assert "b3Blbn" not in str(problems[0])
        assert "private key" in problems[0].remedy


def test_every_key_is_declared_with_a_description_and_nothing_else_is() -> None:
    declared = yaml.safe_load((ROOT / "Pulumi.yaml").read_text(encoding="utf-8"))["config"]
    known = {key.name for key in settings.known_keys()} - {"aws:region"}
    assert set(declared) == known, difflib.ndiff(sorted(declared), sorted(known))
    assert all(declaration["description"].endswith(".") for declaration in declared.values())


def test_the_declared_default_of_every_setting_is_allowed() -> None:
    kinds = {key.name: key.kind for key in settings.known_keys()}
    declared = yaml.safe_load((ROOT / "Pulumi.yaml").read_text(encoding="utf-8"))["config"]
    defaults = {name: d["default"] for name, d in declared.items() if "default" in d}
    assert len(defaults) > 30
    for name, default in defaults.items():
        kinds[name](default if isinstance(default, str) else json.dumps(default))


def test_stack_files_hold_only_what_differs_from_the_defaults() -> None:
    declared = yaml.safe_load((ROOT / "Pulumi.yaml").read_text(encoding="utf-8"))["config"]
    for stack in ("dev", "prod"):
        own = yaml.safe_load((ROOT / f"Pulumi.{stack}.yaml").read_text(encoding="utf-8"))["config"]
        repeated = [k for k, v in own.items() if k in declared and declared[k].get("default") == v]
        assert [key for key in repeated if key != "softpos:environment"] == []


def test_a_real_deployment_refuses_every_example_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(settings.REHEARSAL, raising=False)
    monkeypatch.setattr(reading, "_given", given)
    monkeypatch.setattr(reading.pulumi, "get_stack", lambda: "dev")
    with pytest.raises(settings.SettingsError) as refused:
        settings.load()
    keys = {problem.key for problem in refused.value.problems}
    assert {"softpos:accountId", "softpos:migrationSourceCa", "softpos:bastionTrustedCidrs"} <= keys
    assert all("a value of your own" in problem.allowed for problem in refused.value.problems)


def test_a_rehearsal_accepts_example_values(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(settings.REHEARSAL, "1")
    monkeypatch.setattr(reading, "_given", given)
    monkeypatch.setattr(reading.pulumi, "get_stack", lambda: "dev")
    assert settings.load().stack == "dev"
