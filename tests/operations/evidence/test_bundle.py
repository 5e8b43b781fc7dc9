"""What the assessor takes away: complete, in the standard's order, in valid OSCAL, sealed, the same each time."""

import csv
import html
import io
import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from command_line.exits import Stop
from operations.evidence.bundle import Seen, write_bundle
from operations.evidence.live import Observed
from operations.evidence.manifest import problems
from operations.evidence.records import number_key
from operations.evidence.requirement import State
from operations.evidence.responsibility import responsible
from operations.evidence.tables import plain_cell
from policy import pack
from policy.catalogue import controls
from recording.program import Recording
from tests.accessible import violations
from tests.operations.evidence.conftest import COMMIT, origin
from tests.operations.sample import SECRET

ALWAYS_TOLD = ("function", "owner", "data_class", "location", "in_scope", "reason", "id_source")
"""Cells of the inventory that no row leaves empty."""


def rows(directory: Path, name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO((directory / name).read_text(encoding="utf-8"))))


def test_each_row_says_all_that_an_assessor_asks(sealed: Path) -> None:
    row = next(row for row in rows(sealed, "evidence.csv") if (row["rule"], row["resource"]) == ("kms-rotation", "key"))
    assert row["verdict"] == "pass"
    assert row["requirement"] in ("3.6.1", "3.7.4", "3.7.1")
    assert "enableKeyRotation = true" in row["setting_found"]
    assert re.fullmatch(rf"{re.escape(pack.VERSION)}\+[0-9a-f]{{12}}", row["rule_version"])
    assert (row["commit"], row["stack"], row["time"]) == (COMMIT, "sample", "2026-11-22T20:00:00Z")
    assert "customer" in row["provided_by"]


def test_rows_are_in_the_order_of_the_standard(sealed: Path) -> None:
    numbers = [row["requirement"] for row in rows(sealed, "evidence.csv")]
    assert numbers == sorted(numbers, key=number_key)
    assert numbers.index("8.3.6") < numbers.index("10.2.1")


def test_a_control_that_only_the_account_can_answer_is_never_a_pass(sealed: Path) -> None:
    watched = [control for control in controls(pack.judgement().rules) if control.state == "watched"]
    assert watched
    verdicts = {
        row["claim"].partition(":")[0]: row["verdict"] for row in rows(sealed, "evidence.csv") if not row["rule"]
    }
    assert {verdicts[control.identifier] for control in watched} == {"undetermined"}


def test_every_requirement_has_somebody_who_is_responsible() -> None:
    judge = pack.judgement()
    numbers = {number for rule in judge.rules for number in rule.requirements}
    numbers |= {number for control in controls(judge.rules) for number in control.requirements}
    assert all(responsible(number).parties for number in numbers)


def test_the_inventory_names_every_resource_with_its_scope(sealed: Path, recording: Recording) -> None:
    inventory = {row["urn"]: row for row in rows(sealed, "inventory.csv")}
    assert set(inventory) == {resource.urn for resource in recording.resources if resource.custom}
    scopes = {row["name"]: row["in_scope"] for row in inventory.values()}
    assert (scopes["database"], scopes["bastion"], scopes["key"]) == ("cardholder", "connected", "security")
    assert {row["id_source"] for row in inventory.values()} == {"invented by the rehearsal"}
    assert [row["name"] for row in inventory.values() if not all(row[cell] for cell in ALWAYS_TOLD)] == []


def test_the_document_has_what_an_assessor_asks_for_first(sealed: Path) -> None:
    document = (sealed / "evidence.html").read_text(encoding="utf-8")
    for number in (
        "1.2.3",
        "1.2.4",
        "12.5.1",
        "12.5.2",
        "12.9",
        "11.4.5",
        "7.2.4",
        "8.4",
        "3.6.1.1",
        "12.3.3",
        "12.3.1",
    ):
        assert re.search(rf"<h2 id=[^>]*>[^<]*{re.escape(number)}", document), number
    contents = set(re.findall(r'<li><a href="#([^"]+)">', document))
    assert contents == set(re.findall(r'<h2 id="([^"]+)"', document)) - {"contents"}
    assert 'src="network.svg"' in document
    flow = (sealed / "data-flow.svg").read_text(encoding="utf-8")
    assert "MySQL database" in flow
    assert "Bastion" not in flow


@pytest.mark.parametrize(
    ("name", "module", "model"),
    [
        ("assessment-results", "assessment_results", "AssessmentResults"),
        ("component-definition", "component", "ComponentDefinition"),
    ],
)
def test_oscal_is_valid_by_nists_model(sealed: Path, name: str, module: str, model: str) -> None:
    trestle = pytest.importorskip(
        f"trestle.oscal.{module}", reason="compliance-trestle is not installed; run make setup"
    )
    read = getattr(trestle, model).oscal_read(sealed / "oscal" / f"{name}.json")
    assert read.metadata.oscal_version


def test_a_requirement_is_satisfied_only_where_nothing_stands_against_it(sealed: Path) -> None:
    document = json.loads((sealed / "oscal" / "assessment-results.json").read_text(encoding="utf-8"))
    (found,) = document["assessment-results"]["results"]
    outcomes = {one["uuid"]: one["props"][0]["value"] for one in found["observations"]}
    for finding in found["findings"]:
        behind = {outcomes[one["observation-uuid"]] for one in finding["related-observations"]}
        satisfied = finding["target"]["status"]["state"] == "satisfied"
        assert not satisfied or ("pass" in behind and behind <= {"pass", "not applicable"}), finding["title"]


def test_no_secret_is_in_any_file(sealed: Path) -> None:
    assert [path for path in sealed.rglob("*") if path.is_file() and SECRET in path.read_text(encoding="utf-8")] == []


def zulu(text: str) -> str:
    """The bundle's time as every file but those of OSCAL writes it."""
    return text.replace("+00:00", "Z")


def test_two_bundles_of_one_commit_differ_in_nothing_but_time(
    recording: Recording, sealed: Path, tmp_path: Path
) -> None:
    later = "2027-01-02T03:04:05Z"
    write_bundle(tmp_path / "again", recording.resources, origin(later))
    names = [path.relative_to(sealed) for path in sealed.rglob("*") if path.is_file() and path.name != "manifest.json"]
    assert len(names) >= 7
    for name in names:
        before, after = ((root / name).read_text(encoding="utf-8") for root in (sealed, tmp_path / "again"))
        assert zulu(after).replace(later, "2026-11-22T20:00:00Z") == zulu(before), name


def test_an_untouched_bundle_is_unchanged(sealed: Path) -> None:
    assert problems(sealed) == []
    assert problems(sealed, json.loads((sealed / "manifest.json").read_text(encoding="utf-8"))["seal"]) == []


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.fixture
def copy(sealed: Path, tmp_path: Path) -> Path:
    shutil.copytree(sealed, tmp_path / "copy")
    return tmp_path / "copy"


@pytest.mark.parametrize(
    "name",
    ["evidence.csv", "inventory.csv", "evidence.html", "network.svg", "oscal/assessment-results.json", "manifest.json"],
)
def test_one_changed_bit_is_found(copy: Path, name: str) -> None:
    flip(copy / name)
    assert any(name in problem for problem in problems(copy))


def test_a_manifest_that_says_the_same_in_other_bytes_is_found(copy: Path) -> None:
    manifest = copy / "manifest.json"
    manifest.write_text(manifest.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    assert [problem for problem in problems(copy) if "manifest was changed" in problem]


def test_a_missing_and_an_added_file_are_found(copy: Path) -> None:
    (copy / "inventory.csv").unlink()
    (copy / "note.txt").write_text("trust me", encoding="utf-8")
    assert [problem.partition(": ")[0].rpartition("/")[2] for problem in problems(copy)] == [
        "inventory.csv",
        "note.txt",
    ]


def test_a_bundle_that_was_sealed_anew_does_not_have_the_old_seal(sealed: Path, copy: Path) -> None:
    seal = json.loads((sealed / "manifest.json").read_text(encoding="utf-8"))["seal"]
    other: dict[str, Any] = json.loads((copy / "manifest.json").read_text(encoding="utf-8"))
    assert problems(copy, seal) == []
    assert problems(copy, seal[::-1])
    other["facts"]["stack"] = "prod"
    (copy / "manifest.json").write_text(json.dumps(other, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    assert problems(copy) != []


def test_what_the_account_says_is_part_of_the_bundle(recording: Recording, tmp_path: Path) -> None:
    seen = (Observed("3.7.4", "KMS", "key", "fail", "does not rotate"),)
    write_bundle(tmp_path / "live", recording.resources, origin(), Seen(live=seen))
    assert rows(tmp_path / "live", "live.csv") == [
        {"requirement": "3.7.4", "source": "KMS", "subject": "key", "status": "fail", "detail": "does not rotate"}
    ]
    assert "does not rotate" in (tmp_path / "live" / "evidence.html").read_text(encoding="utf-8")


def test_a_directory_that_holds_something_is_not_touched(recording: Recording, tmp_path: Path) -> None:
    (tmp_path / "precious.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(Stop, match="is not empty"):
        write_bundle(tmp_path, recording.resources, origin())
    assert [path.name for path in tmp_path.iterdir()] == ["precious.txt"]


@pytest.mark.parametrize("text", ["=HYPERLINK(1)", "+1", "-1", "@SUM(A1)"])
def test_no_cell_is_a_formula(text: str) -> None:
    assert plain_cell(text) == f"'{text}"


def states(sealed: Path) -> dict[str, dict[str, str]]:
    """The state of each requirement as each file of a bundle says it."""
    document = (sealed / "evidence.html").read_text(encoding="utf-8")
    (found,) = json.loads((sealed / "oscal" / "assessment-results.json").read_text(encoding="utf-8"))[
        "assessment-results"
    ]["results"]
    headings = re.findall(r'<tr id="r([^"]+)">.*?<span class="badge (?!")[^"]+">([^<]+)</span>', document)
    return {
        "HTML": {number: html.unescape(state) for number, state in headings},
        "CSV": {row["requirement"]: row["state"] for row in rows(sealed, "evidence.csv")},
        "OSCAL": {one["title"].removeprefix("Requirement "): one["props"][0]["value"] for one in found["findings"]},
    }


def test_document_csv_and_oscal_say_the_same_of_every_requirement(sealed: Path) -> None:
    told = states(sealed)
    assert len(told["CSV"]) > 100
    assert told["HTML"] == told["CSV"] == told["OSCAL"]


def test_nothing_undetermined_is_satisfied(sealed: Path) -> None:
    verdicts: dict[str, set[str]] = {}
    for row in rows(sealed, "evidence.csv"):
        verdicts.setdefault(row["requirement"], set()).add(row["verdict"])
    document = json.loads((sealed / "oscal" / "assessment-results.json").read_text(encoding="utf-8"))
    satisfied = {
        one["title"].removeprefix("Requirement ")
        for one in document["assessment-results"]["results"][0]["findings"]
        if one["target"]["status"]["state"] == "satisfied"
    }
    assert satisfied
    assert {number for number in satisfied if not verdicts[number] <= {"pass", "not applicable"}} == set()


def test_every_state_says_what_remains_for_a_person(sealed: Path) -> None:
    found = rows(sealed, "evidence.csv")
    assert {row["requirement"] for row in found if not row["remains"] or not row["asks"]} == set()
    assert {row["state"] for row in found} <= {state.value for state in State}
    assert "pass" not in {row["state"] for row in found}
    document = (sealed / "evidence.html").read_text(encoding="utf-8")
    assert re.findall(r">pass(?:es|ed)?<", document) == []


def test_the_document_prints_on_fewer_than_60_pages_and_axe_finds_nothing(
    production: Recording, tmp_path: Path, browser: Any
) -> None:
    pytest.importorskip("axe_playwright_python", reason="axe-playwright-python is not installed; run make setup")
    write_bundle(tmp_path / "bundle", production.resources, origin())
    tab = browser.new_page()
    tab.goto((tmp_path / "bundle" / "evidence.html").as_uri())
    pages = re.findall(rb"/Type\s*/Page\b", tab.pdf(prefer_css_page_size=True))
    assert 10 < len(pages) < 60
    for name in ("worksheets", "mpoc", "judges"):
        assert list(violations(tab, (tmp_path / "bundle" / f"{name}.html").as_uri(), (390,))) == []
    tab.close()


@pytest.mark.slow
def test_axe_finds_nothing_in_the_document_at_any_width(sealed: Path, browser: Any) -> None:
    pytest.importorskip("axe_playwright_python", reason="axe-playwright-python is not installed; run make setup")
    tab = browser.new_page()
    assert list(violations(tab, (sealed / "evidence.html").as_uri())) == []
    tab.close()
