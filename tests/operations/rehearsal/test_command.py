"""The command's contract: arguments, exit codes, JSON, and one clear sentence for each thing that is wrong."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from command_line.exits import BAD_INPUT, FAILED, REFUSED
from operations.__main__ import main

ROOT = Path(__file__).parents[3]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the project that a test may break."""
    for name in ("command_line", "components", "facts", "operations", "policy", "recording", "settings"):
        shutil.copytree(ROOT / name, tmp_path / name)  # with its bytecode, which is what a start costs
    for path in [*ROOT.glob("*.py"), *ROOT.glob("Pulumi*.yaml")]:
        shutil.copy(path, tmp_path)
    return tmp_path


def rehearse(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "operations", "rehearse", *arguments]
    return subprocess.run(command, cwd=project, capture_output=True, text=True, timeout=120, check=False)


def assert_one_sentence(done: subprocess.CompletedProcess[str], code: int, *words: str) -> None:
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, lines
    assert [word for word in words if word not in lines[0]] == []


def test_a_compliant_stack_ends_with_0_and_the_json_of_the_contract(tmp_path: Path) -> None:
    done = rehearse(ROOT, "--stack", "dev", "--json", str(tmp_path / "dev.json"))
    assert done.returncode == 0, done.stdout + done.stderr
    document = json.loads((tmp_path / "dev.json").read_text(encoding="utf-8"))
    assert document["stack"] == "dev"
    assert {"urn", "type", "name", "parent", "dependencies", "inputs", "protect"} <= set(document["resources"][0])
    assert document["violations"] == []
    assert {"seconds", "critical_path", "limit_seconds"} <= set(document["forecast"])
    known = {resource["urn"] for resource in document["resources"]}
    assert set(document["forecast"]["critical_path"]) <= known
    assert {needed for resource in document["resources"] for needed in resource["dependencies"]} <= known


def test_a_mandatory_violation_ends_with_1_and_names_rule_and_requirement(project: Path) -> None:
    source = project / "components" / "network" / "secure_vpc.py"
    text = source.read_text(encoding="utf-8")
    source.write_text(text.replace("map_public_ip_on_launch=False", "map_public_ip_on_launch=True"), encoding="utf-8")
    done = rehearse(project, "--stack", "dev")
    assert done.returncode == REFUSED, done.stderr
    assert "network-public-a" in done.stdout
    assert "PCI DSS 1.4.4" in done.stdout
    assert "at components/network/secure_vpc.py:" in done.stdout


def test_bad_settings_end_with_2_and_a_line_each(capfd: pytest.CaptureFixture[str]) -> None:
    code = main(["rehearse", "--stack", "dev", "--config", "networkNat=none", "--config", "clusterNodesMin=0"])
    lines = capfd.readouterr().err.strip().splitlines()
    assert code == BAD_INPUT
    assert [line.partition(" ")[0] for line in lines] == ["softpos:networkNat:", "softpos:clusterNodesMin:"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], ["--stack"]),
        (["--stack", "prd"], ["prd", "did you mean prod"]),
        (["--stack", "../dev"], ["dev, prod"]),
        (["--stack", "dev", "--config", "novalue"], ["--config", "KEY=VALUE"]),
        (["--stack", "dev", "--frobnicate"], ["--frobnicate"]),
        (["--stack", "dev", "--json", "/nonexistent/there.json"], ["/nonexistent/there.json"]),
    ],
)
def test_bad_arguments_end_with_2_and_one_sentence(arguments: list[str], words: list[str]) -> None:
    assert_one_sentence(rehearse(ROOT, *arguments), BAD_INPUT, *words)


def test_malformed_yaml_names_the_place(project: Path) -> None:
    (project / "Pulumi.dev.yaml").write_text("config:\n  softpos:owner: [unclosed\n", encoding="utf-8")
    assert_one_sentence(rehearse(project, "--stack", "dev"), BAD_INPUT, "Pulumi.dev.yaml", "line")


def test_an_encrypted_value_is_refused(project: Path) -> None:
    (project / "Pulumi.dev.yaml").write_text("config:\n  softpos:owner:\n    secure: AAAB\n", encoding="utf-8")
    assert_one_sentence(rehearse(project, "--stack", "dev"), BAD_INPUT, "softpos:owner", "Secrets Manager")


def test_a_program_that_fails_ends_with_3_and_the_place(project: Path) -> None:
    source = project / "components" / "network" / "secure_vpc.py"
    text = source.read_text(encoding="utf-8")
    source.write_text(text.replace("self._close_defaults()", "self._no_such_step()", 1), encoding="utf-8")
    assert_one_sentence(
        rehearse(project, "--stack", "dev"), FAILED, "_no_such_step", "components/network/secure_vpc.py:"
    )


def test_a_pack_that_crashes_ends_with_3_and_nothing_counts_as_judged(project: Path) -> None:
    (project / "policy" / "__main__.py").write_text("raise RuntimeError('broken pack')\n", encoding="utf-8")
    assert_one_sentence(rehearse(project, "--stack", "dev"), FAILED, "policy", "nothing counts as judged")


def test_an_unwritable_result_is_refused_before_the_work(tmp_path: Path) -> None:
    assert_one_sentence(rehearse(ROOT, "--stack", "dev", "--json", str(tmp_path)), BAD_INPUT, "is a directory")
    assert list(tmp_path.iterdir()) == []
