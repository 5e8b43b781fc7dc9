"""What users of a repository expect: its rules for owners, its templates, and a checkout that stays clean."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from command_line.exits import Stop
from operations.pipeline.release import notes

ROOT = Path(__file__).parents[1]
WRITTEN = re.compile(r"--(?:json|html|out|save|plan|markdown|file|output-file)[ =]([\w./-]+\.\w+|evidence[\w-]*)")
"""A file or directory that a documented command line writes."""


def owners() -> list[tuple[str, list[str]]]:
    lines = (ROOT / ".github/CODEOWNERS").read_text(encoding="utf-8").splitlines()
    rows = [line.split() for line in lines if line and not line.startswith("#")]
    return [(path, who) for path, *who in rows]


def owners_of(path: str) -> list[str]:
    """Who approves a path: the last line that matches counts, as GitHub reads it."""
    found = [who for pattern, who in owners() if pattern == "*" or f"/{path}".startswith(pattern)]
    return found[-1]


@pytest.mark.parametrize("pattern", [pattern for pattern, _ in owners() if pattern != "*"])
def test_every_owned_path_exists(pattern: str) -> None:
    assert (ROOT / pattern.strip("/")).exists()


@pytest.mark.parametrize(
    "path",
    ["policy-exceptions.yaml", "policy/rules/rds.py", "bootstrap/permissions.py", ".github/workflows/deploy.yml"],
)
def test_security_approves_what_may_weaken_it(path: str) -> None:
    assert owners_of(path) == ["@example-org/platform-security"]


def test_somebody_approves_everything_else() -> None:
    assert owners_of("components/network/anything.py") == ["@example-org/platform"]


def test_a_weakness_is_reported_in_private() -> None:
    config = yaml.safe_load((ROOT / ".github/ISSUE_TEMPLATE/config.yml").read_text(encoding="utf-8"))
    assert config["blank_issues_enabled"] is False
    assert "privately" in config["contact_links"][0]["about"]
    assert "privately" in (ROOT / "SECURITY.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["fault", "change"])
def test_an_issue_template_has_what_github_needs(name: str) -> None:
    found: dict[str, Any] = yaml.safe_load((ROOT / f".github/ISSUE_TEMPLATE/{name}.yml").read_text(encoding="utf-8"))
    assert {"name", "description", "body"} <= set(found)
    identifiers = [field["id"] for field in found["body"]]
    assert len(identifiers) == len(set(identifiers))
    assert {field["type"] for field in found["body"]} <= {"textarea", "input", "dropdown", "checkboxes", "markdown"}
    assert any(field.get("validations", {}).get("required") for field in found["body"])


def documented() -> set[str]:
    pages = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("*/README.md"), *ROOT.glob(".github/**/*.yml")]
    found = {name for page in pages for name in WRITTEN.findall(page.read_text(encoding="utf-8"))}
    return {name for name in found if not name.startswith(("..", "/"))}


def test_what_documented_commands_write_is_not_committed() -> None:
    names = sorted(documented())
    assert {"plan.html", "before.json", "preview.json", "plan.json", "evidence-prod"} <= set(names)
    done = subprocess.run(
        ["git", "check-ignore", "--no-index", "--stdin"],  # noqa: S607 (whichever git there is)
        cwd=ROOT,
        input="\n".join(f"{name}/x" if "." not in name else name for name in names),
        capture_output=True,
        text=True,
        check=False,
    )
    if "not a git repository" in done.stderr:
        pytest.skip("this checkout has no git repository")
    ignored = {line.removesuffix("/x") for line in done.stdout.splitlines()}
    assert [name for name in names if name not in ignored] == []


def test_the_release_notes_are_the_changelogs(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "x"\nversion = "1.2.0"\n', encoding="utf-8")
    changelog = tmp_path / "CHANGELOG.md"
    changelog.write_text(
        "# Changelog\n\n## Unreleased\n\n- later\n\n## 1.2.0 - 2026-12-01\n\n- new\n\n## 1.1.0\n\n- old\n"
    )
    assert notes("v1.2.0", tmp_path) == "- new\n"
    for tag, words in (("v1.1.0", "allowed: v1.2.0"), ("1.2.0", "allowed: v1.2.0")):
        with pytest.raises(Stop, match=words):
            notes(tag, tmp_path)
    changelog.write_text("## Unreleased\n\n- later\n")
    with pytest.raises(Stop, match=r"no section 1\.2\.0"):
        notes("v1.2.0", tmp_path)


def test_the_bill_of_materials_names_what_is_locked(tmp_path: Path) -> None:
    uv = Path(sys.executable).with_name("uv")
    if not uv.is_file():
        pytest.skip("uv is not installed in this environment")
    workflow = (ROOT / ".github/workflows/release.yml").read_text(encoding="utf-8")
    options = re.search(r"uv export (.*?)--output-file", workflow, re.DOTALL)
    assert options is not None
    bill = tmp_path / "sbom.json"
    command = [str(uv), "export", "--offline", *options[1].replace("\\", " ").split(), "--output-file", str(bill)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    found = json.loads(bill.read_text(encoding="utf-8"))
    assert found["bomFormat"] == "CycloneDX"
    locked = re.findall(r"^([\w.-]+)==([\w.]+)", (ROOT / "requirements.txt").read_text(encoding="utf-8"), re.MULTILINE)
    named = {(one["name"], one["version"]) for one in found["components"]}
    assert [one for one in locked if one not in named] == []
