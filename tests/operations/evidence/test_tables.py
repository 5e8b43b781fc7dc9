"""The tables that QSAs ask for first: inventory, access, keys, suites, risk, segmentation, worksheets, other judges."""

from dataclasses import replace
from pathlib import Path

import pytest

from command_line.exits import BAD_INPUT, Stop
from operations.diagram.architecture import read_architecture
from operations.evidence.access import principals
from operations.evidence.assessment import Outcome, assess
from operations.evidence.cryptography import POLICIES, keys, suites
from operations.evidence.inventory import UNKNOWN, Scope, inventory, known_type
from operations.evidence.judges import COLUMNS, read_checks
from operations.evidence.risk import NOT_SET, analyses
from operations.evidence.segmentation import CLOSED, UNNEEDED, counts, ways
from operations.evidence.worksheet import OPEN, worksheets
from operations.journeys.proof import ways_of_stack
from operations.plan.stack_recording import stack_settings
from recording.program import Recording
from tests.operations.evidence.conftest import origin
from tests.recorded import recorded


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_every_type_of_the_program_has_a_function_and_a_scope(stack: str) -> None:
    types = {resource.type for resource in recorded(stack).resources if resource.custom}
    assert {type_ for type_ in types if known_type(type_) is UNKNOWN} == set()


def test_an_unknown_type_counts_as_in_scope() -> None:
    assert known_type("other:thing/thing:Thing").scope == Scope.SECURITY


def test_what_provides_security_is_in_scope(production: Recording) -> None:
    architecture = read_architecture("prod", production.resources)
    rows = inventory(production.resources, architecture, origin())
    scopes = {(row.type, row.name): row.in_scope for row in rows}
    security = ("kms/key", "secretsmanager/secret:", "cloudtrail/", "guardduty/", "cfg/", "inspector2/", "ec2/vpn")
    security += ("ec2/networkAcl", "cloudwatch/logGroup", "iam/role:")
    for kind in security:
        found = {scope for (type_, _), scope in scopes.items() if type_.startswith(f"aws:{kind}")}
        assert found, kind
        assert found <= {Scope.SECURITY, Scope.CARDHOLDER, Scope.CONNECTED}, kind
    out = {type_ for (type_, _), scope in scopes.items() if scope is Scope.OUT}
    assert out
    assert not {type_ for type_ in out if type_.startswith(("aws:ec2", "aws:iam", "aws:kms", "aws:rds/cluster"))}
    locations = {row.name: row.location for row in rows}
    assert locations["service-deployment"] == "Kubernetes, namespace softpos"
    assert locations["database-cluster"].endswith("eu-central-1, zones eu-central-1a, eu-central-1b, eu-central-1c")
    assert locations["bastion-role"] == "account 123456789012, global"


def test_an_id_of_a_state_is_not_called_invented(production: Recording) -> None:
    architecture = read_architecture("prod", production.resources)
    rows = inventory(production.resources, architecture, replace(origin(), source="state prod.json"))
    assert {row.id_source for row in rows} == {"of the state"}


def test_the_review_of_access_names_everybody_who_reaches_card_data(production: Recording) -> None:
    found = {(one.kind, one.principal): one for one in principals(production.resources)}
    application = found["IAM role", "service-role"]
    assert "logs in to the database" in application.reaches
    assert "logs in to the cache" in application.reaches
    assert found["database account", "softpos_app"].log_in == "IAM token"
    assert "managed by RDS" in found["database account", "softpos_master"].log_in
    (admin,) = (
        one for kind, one in ((key[0], value) for key, value in found.items()) if kind == "Kubernetes access entry"
    )
    assert "everything in Kubernetes" in admin.reaches
    assert found["SSH key pair", "bastion-key-pair"].log_in == "SSH key, one factor"
    roles = {resource.name for resource in production.of("aws:iam/role:Role")}
    assert roles == {principal for kind, principal in found if kind == "IAM role"}


def test_every_key_certificate_and_secret_is_listed_with_its_period(production: Recording) -> None:
    found = keys(production.resources)
    of_kind = {kind: [one for one in found if one.kind == kind] for kind in {one.kind for one in found}}
    assert len(of_kind["KMS key"]) == len(production.of("aws:kms/key:Key"))
    assert len(of_kind["certificate"]) == len(production.of("aws:acm/certificate:Certificate"))
    assert len(of_kind["secret"]) == len(production.of("aws:secretsmanager/secret:Secret"))
    assert {one.cryptoperiod for one in of_kind["KMS key"]} == {"365 days, rotated by KMS"}
    (database,) = (one for one in found if one.name == "keys-database")
    assert "database-cluster" in database.protects


def test_every_way_says_its_protocol_and_none_is_plain(production: Recording) -> None:
    found = {one.where: one for one in suites(production.resources)}
    assert {"phones to load balancer", "pods to cache", "pods and DMS to database"} <= set(found)
    assert {one.where for one in found.values() if one.protocols == "none"} == set()
    listener = production.of("aws:lb/listener:Listener")[0].inputs["sslPolicy"]
    assert found["phones to load balancer"].protocols == POLICIES[listener][0]


def test_a_frequency_is_read_from_the_stack_or_left_to_the_entity(production: Recording, recording: Recording) -> None:
    set_here = {one.requirement: one.frequency for one in analyses(production.resources)}
    assert set_here["8.6.3"] == "rotation rate(30 days)"
    assert set_here["5.3.2.1"] == NOT_SET
    assert {one.frequency for one in analyses(())} == {NOT_SET}


def test_the_record_of_segmentation_tests_every_way_and_names_each_open_one(production: Recording) -> None:
    _, settings = stack_settings("prod")
    found = ways(ways_of_stack(production.resources, settings))
    assert counts(found)[UNNEEDED] == 0
    assert counts(found)[CLOSED] > 200
    assert {way for way in found if way.result != CLOSED and not way.reason} == set()
    closed = {(way.who, way.whom) for way in found if way.result == CLOSED}
    assert {("internet", "database"), ("internet", "nodes"), ("administrators", "database")} <= closed


def test_each_exception_that_covers_something_has_a_worksheet(production: Recording) -> None:
    assessment = assess("prod", production.resources)
    sheets = worksheets(assessment)
    excepted = {result.rule.name for result in assessment.results if result.outcome is Outcome.EXCEPTED}
    assert {sheet.title for sheet in sheets} == excepted
    names = ["Constraints", "Definition of the control", "Objective", "Identified risk"]
    names += ["Validation of the control", "Maintenance"]
    for sheet in sheets:
        assert [name for name, _ in sheet.parts] == names
        assert dict(sheet.parts)["Identified risk"] == OPEN
        assert "answers for it. It ends on 20" in dict(sheet.parts)["Maintenance"]


def test_tables_of_other_judges_are_read_whole_or_refused(tmp_path: Path) -> None:
    good = tmp_path / "checkov.csv"
    good.write_text(
        ",".join(COLUMNS) + "\ncheckov 3,CKV_AWS_1,aws_iam_policy,stays,because,owner@example.com,2026-12-01\n",
        encoding="utf-8",
    )
    (check,) = read_checks([good])
    assert (check.tool, check.verdict, check.owner) == ("checkov 3", "stays", "owner@example.com")
    bad = tmp_path / "bad.csv"
    bad.write_text(",".join(COLUMNS) + "\ncheckov 3,CKV_AWS_1,aws_iam_policy,stays,,,2026-12-01\n", encoding="utf-8")
    with pytest.raises(Stop, match=r"bad\.csv, line 2: explanation, owner is empty") as refused:
        read_checks([bad, tmp_path / "none.csv"])
    assert refused.value.code == BAD_INPUT
