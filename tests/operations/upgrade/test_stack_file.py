"""A stack's file keeps everything but the one setting that a step changes."""

import pytest
import yaml

from command_line.project import ROOT
from operations.upgrade.stack_file import with_setting

FILE = """\
# dev, seen by all
config:
  aws:region: eu-central-1
  softpos:clusterVersion: "1.35"  # until March
  softpos:clusterNodesMin: 2
  softpos:clusterAdminRoleArns:
    - arn:aws:iam::123456789012:role/one
  softpos:databaseReaders: 1
"""


def test_a_value_is_replaced_where_it_is_and_stays_text() -> None:
    changed = with_setting(FILE, "clusterVersion", "1.36")
    assert yaml.safe_load(changed)["config"]["softpos:clusterVersion"] == "1.36"
    assert [line for line in changed.splitlines() if line not in FILE.splitlines()] == [
        '  softpos:clusterVersion: "1.36"'
    ]


def test_a_new_value_stands_with_its_group() -> None:
    lines = with_setting(FILE, "clusterNodeVersion", "1.35").splitlines()
    assert lines[lines.index('  softpos:clusterNodeVersion: "1.35"') - 1] == "  softpos:clusterNodesMin: 2"


def test_an_empty_value_leaves_the_default() -> None:
    assert "clusterVersion" not in with_setting(FILE, "clusterVersion", "")
    assert with_setting(FILE, "clusterNodeVersion", "") == FILE


def test_a_boolean_is_no_text() -> None:
    changed = yaml.safe_load(with_setting(FILE, "databaseMajorUpgrade", "true"))
    assert changed["config"]["softpos:databaseMajorUpgrade"] is True


@pytest.mark.parametrize(("text", "key"), [(FILE, "clusterAdminRoleArns"), ("name: other\n", "clusterVersion")])
def test_what_cannot_be_changed_safely_is_refused(text: str, key: str) -> None:
    with pytest.raises(ValueError, match=r"by hand|no `config:`"):
        with_setting(text, key, "1.36")


@pytest.mark.parametrize("stack", ["dev", "prod"])
@pytest.mark.parametrize("key", ["clusterVersion", "clusterNodeVersion", "databaseMajorUpgrade", "cacheEngineVersion"])
def test_the_stacks_own_files_take_every_setting_of_an_upgrade(stack: str, key: str) -> None:
    text = (ROOT / f"Pulumi.{stack}.yaml").read_text(encoding="utf-8")
    changed = yaml.safe_load(with_setting(text, key, "true"))["config"]
    assert changed == {**yaml.safe_load(text)["config"], f"softpos:{key}": True}
