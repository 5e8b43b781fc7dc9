from pathlib import Path

import pytest

from recording.configuration import ConfigurationError, read_configuration

PROJECT = """\
name: shop
config:
  shop:size: {type: integer, default: 3}
  shop:open: {type: boolean, default: true}
  shop:names: {type: array, items: {type: string}, default: [a, b]}
  shop:owner: {type: string}
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "Pulumi.yaml").write_text(PROJECT, encoding="utf-8")
    (tmp_path / "Pulumi.dev.yaml").write_text("config:\n  shop:owner: me\n  aws:region: eu-west-1\n", encoding="utf-8")
    return tmp_path


def test_values_arrive_as_the_engine_hands_them_to_a_program(root: Path) -> None:
    assert read_configuration(root, "dev", {}).values == {
        "shop:size": "3",
        "shop:open": "true",
        "shop:names": '["a", "b"]',
        "shop:owner": "me",
        "aws:region": "eu-west-1",
    }


def test_the_stacks_file_is_stronger_than_defaults_and_overrides_are_strongest(root: Path) -> None:
    (root / "Pulumi.dev.yaml").write_text("config:\n  shop:size: 5\n  shop:owner: me\n", encoding="utf-8")
    values = read_configuration(root, "dev", {"owner": "you", "aws:region": "us-east-1"}).values
    assert (values["shop:size"], values["shop:owner"], values["aws:region"]) == ("5", "you", "us-east-1")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("config: [1]\n", "is not a mapping"),
        ("just text\n", "holds no mapping"),
        ("config: {a: }}\n", "line 1"),
        ("config:\n  shop:owner:\n    secure: v1:abc\n", "encrypted"),
    ],
)
def test_an_unusable_stack_file_is_told_in_one_sentence(root: Path, content: str, sentence: str) -> None:
    (root / "Pulumi.dev.yaml").write_text(content, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=sentence) as refused:
        read_configuration(root, "dev", {})
    assert "\n" not in str(refused.value)


def test_an_empty_stack_file_means_the_defaults(root: Path) -> None:
    (root / "Pulumi.dev.yaml").write_text("", encoding="utf-8")
    assert read_configuration(root, "dev", {}).values["shop:size"] == "3"


def test_a_missing_stack_names_those_that_exist(root: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"no stack 'dve'; allowed: dev; did you mean dev\?"):
        read_configuration(root, "dve", {})
