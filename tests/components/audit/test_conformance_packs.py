import json
import re
from typing import get_type_hints

import pytest
import yaml

from components.audit.account_baseline import PASSWORD_DAYS, PASSWORD_LENGTH, PASSWORDS_REMEMBERED
from components.audit.conformance_packs import (
    CONFORMANCE_PACKS,
    MAXIMUM_TEMPLATE_BYTES,
    ConfigRule,
    Pack,
    table,
    template,
)
from settings import PCI_LOG_RETENTION_DAYS, ClusterSettings

MAXIMUM_RULES = 130
"""Config rules in one conformance pack (service quota)."""


def rule(identifier: str) -> ConfigRule:
    (found,) = [row for row in table() if row.identifier == identifier]
    return found


@pytest.mark.parametrize("pack", CONFORMANCE_PACKS)
def test_pack_fits_the_limits_of_config(pack: Pack) -> None:
    assert len(template(pack).encode()) <= MAXIMUM_TEMPLATE_BYTES
    resources = yaml.safe_load(template(pack))["Resources"]
    assert 10 <= len(resources) <= MAXIMUM_RULES


@pytest.mark.parametrize("pack", CONFORMANCE_PACKS)
def test_pack_holds_each_rule_of_its_table_once(pack: Pack) -> None:
    resources = json.loads(template(pack))["Resources"].values()
    sources = [resource["Properties"]["Source"]["SourceIdentifier"] for resource in resources]
    assert sorted(sources) == sorted(row.identifier for row in table() if row.pack == pack and not row.left_out)
    assert all(resource["Properties"]["Source"]["Owner"] == "AWS" for resource in resources)


def test_table_names_each_rule_once_and_in_a_known_pack() -> None:
    identifiers = [row.identifier for row in table()]
    assert len(identifiers) == len(set(identifiers))
    assert {row.pack for row in table()} == set(CONFORMANCE_PACKS)
    assert all(re.fullmatch(r"[A-Z0-9_]+", identifier) for identifier in identifiers)


def test_requirement_numbers_have_the_standards_form() -> None:
    numbers = {number for row in table() for number in row.requirements}
    assert len(numbers) > 50
    assert [n for n in numbers if not re.fullmatch(r"(1[0-2]|[1-9])(\.\d{1,2}){2,3}|A[123](\.\d{1,2}){2}", n)] == []


def test_what_is_left_out_has_a_reason_and_no_parameters() -> None:
    left_out = [row for row in table() if row.left_out]
    assert left_out
    assert all(len(row.left_out.split()) >= 3 and not row.parameters for row in left_out)


def test_account_is_judged_by_what_this_platform_does() -> None:
    assert int(rule("CW_LOGGROUP_RETENTION_PERIOD_CHECK").parameters["MinRetentionTime"]) == PCI_LOG_RETENTION_DAYS
    passwords = rule("IAM_PASSWORD_POLICY").parameters
    assert int(passwords["MinimumPasswordLength"]) <= PASSWORD_LENGTH
    assert int(passwords["PasswordReusePrevention"]) <= PASSWORDS_REMEMBERED
    assert int(passwords["MaxPasswordAge"]) >= PASSWORD_DAYS


def test_oldest_cluster_version_that_settings_allow_is_the_oldest_that_config_allows() -> None:
    allowed = get_type_hints(ClusterSettings, include_extras=True)["version"].__metadata__[0].choices
    assert rule("EKS_CLUSTER_SUPPORTED_VERSION").parameters["oldestVersionSupported"] == min(allowed)
