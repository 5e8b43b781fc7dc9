"""Every command line that the documents show works when it is copied into a fresh shell."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from command_line.project import ROOT

DOCUMENTS = sorted(
    path
    for pattern in ("*.md", "docs/**/*.md", "*/README.md")
    for path in ROOT.glob(pattern)
    if not path.parent.name.startswith(".") and path.parent.name != "adr"  # decisions tell, and show nothing to copy
)
SOURCES = sorted(
    path
    for folder in ("bootstrap", "command_line", "components", "cutover", "operations", "policy", "settings", "tools")
    for path in (ROOT / folder).rglob("*.py")
)
OURS = re.compile(r"(?:\.venv/bin/)?(?:python3?|pip|uv|pulumi|make|mkdocs|pytest) ")


def command_lines(document: Path) -> Iterator[str]:
    """The commands of a document: lines of shell blocks, lines after a prompt, and commands in the text."""
    text = document.read_text(encoding="utf-8").replace("\\\n", " ")
    blocks = re.findall(r"^ *```(\w+)\n(.*?)^ *```", text, re.DOTALL | re.MULTILINE)
    for language, block in blocks:
        lines = [line.strip() for line in block.splitlines()]
        if language in ("sh", "bash", "shell"):
            yield from lines
        elif language == "console":
            yield from (line[2:] for line in lines if line.startswith("$ "))
    prose = re.sub(r"^ *```.*?^ *```", "", text, flags=re.DOTALL | re.MULTILINE)
    yield from (span for span in re.findall(r"`([^`\n]+)`", prose) if OURS.match(span))


def printed(source: Path) -> Iterator[str]:
    """The commands that sentences of the program tell a user to run, with a word for each value that is filled in."""
    text = re.sub(r'"\n\s*f?"', "", source.read_text(encoding="utf-8"))
    for span in re.findall(r"(?<!`)`([^`\n]+)`(?!`)", text):
        command = re.sub(r"\{[^{}]*\}", "NAME", span)
        if OURS.match(command):
            yield command


def commands() -> Iterator[tuple[str, tuple[str, ...]]]:
    """Each simple command with the document that shows it."""
    for document in (*DOCUMENTS, *SOURCES):
        for line in (command_lines if document.suffix == ".md" else printed)(document):
            for part in re.split(r" && | \| |; ", line):
                if OURS.match(part):
                    words = shlex.split(re.sub(r"<([\w ]+)>", r"\1", part), comments=True)
                    yield document.relative_to(ROOT).as_posix(), tuple(words)


FOUND = sorted(set(commands()))


def shown(program: str) -> list[tuple[str, ...]]:
    return sorted({words for _, words in FOUND if words[0] == program})


def subcommand(words: tuple[str, ...]) -> tuple[str, ...]:
    """The words before the first option or argument: what `--help` can be asked of."""
    return tuple(word for word in words if re.fullmatch(r"[a-z][a-z-]+", word))


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The checkout as a user has it: the environment at .venv, and nothing on PATH but the system's own."""
    folder = tmp_path_factory.mktemp("checkout")
    for entry in ROOT.iterdir():
        if entry.name != ".venv":
            (folder / entry.name).symlink_to(entry)
    (folder / ".venv").symlink_to(sys.prefix)
    return folder


@cache
def told(checkout: Path, line: str, path: str = "/usr/bin:/bin") -> str:
    environment = {"PATH": path, "HOME": str(checkout), "COLUMNS": "200"}
    command = ["bash", "-c", line]
    done = subprocess.run(command, cwd=checkout, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
    return done.stdout + done.stderr


def test_the_documents_are_read() -> None:
    assert len(shown(".venv/bin/python")) > 20
    assert len(shown("make")) > 5
    assert len(shown("pulumi")) > 10


def test_no_document_takes_whatever_python_is_on_the_path() -> None:
    """Except to make an environment, and in the policy pack's own words, which are for the owner of another project."""
    own = [(document, words) for document, words in FOUND if not document.startswith("policy/")]
    bare = {words for _, words in own if words[0] in ("python", "python3", "pip", "pytest", "uv", "mkdocs")}
    assert bare - {("python3", "-m", "venv", ".venv")} == set()


OF_ANOTHER_PROJECT = ("pci_dss_aws",)
"""Modules of an environment that has the pack's wheel installed; `tests/policy` plays them there."""


@pytest.mark.parametrize(
    "words", [words for words in shown(".venv/bin/python") if words[2] not in OF_ANOTHER_PROJECT], ids=" ".join
)
def test_a_command_of_the_environment_is_known_with_each_of_its_options(checkout: Path, words: tuple[str, ...]) -> None:
    python, dash, module, *rest = words
    assert dash == "-m"
    names = subcommand(tuple(rest))[:2] if module == "operations" else ()
    help_text = ""
    for count in range(len(names), -1, -1):  # `env up ana`: ana is no command
        line = shlex.join([python, dash, module, *names[:count], "--help"])
        try:
            help_text = told(checkout, line)
        except AssertionError:
            if count == 0 or count < min(len(names), 1):
                raise
            continue
        assert count >= min(len(names), 1), f"{line}: not a command"
        break
    assert [word for word in rest if word.startswith("--") and word.partition("=")[0] not in help_text] == []


@pytest.mark.parametrize("words", shown("make"), ids=" ".join)
def test_a_make_target_exists(checkout: Path, words: tuple[str, ...]) -> None:
    told(checkout, shlex.join(["make", "--dry-run", *words[1:]]))


@pytest.mark.engine
@pytest.mark.parametrize("words", shown("pulumi"), ids=" ".join)
def test_a_command_of_the_cli_is_known_with_each_of_its_options(checkout: Path, words: tuple[str, ...]) -> None:
    cli = shutil.which("pulumi")
    if cli is None:
        pytest.skip("no Pulumi CLI on PATH")
    help_text = told(checkout, shlex.join([cli, *subcommand(words[1:]), "--help"]))
    assert [word for word in words if word.startswith("--") and word.partition("=")[0] not in help_text] == []
