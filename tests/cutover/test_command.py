"""The command line: exit codes, one sentence for each error, and a dry run that changes nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from command_line.project import ROOT
from cutover import migration
from cutover.command import cutover
from cutover.errors import SettingsError
from cutover.stack import OUTPUT, from_outputs
from operations.__main__ import main
from tests.cutover import application
from tests.cutover.rig import DMS_PASSWORD, OPERATOR_PASSWORD, Rig, aws_here


@pytest.fixture
def outputs(rig: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(migration, "Aws", lambda _: aws_here())
    file = tmp_path / "outputs.json"
    file.write_text(json.dumps(rig.outputs))
    return file


def test_a_dry_run_of_the_cutover_prints_statements_and_calls_and_changes_nothing(
    rig: Rig, outputs: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    rig.application.wait_for_commits()
    rig.advance("replicate")
    rig.application.stop()
    rig.replicated()
    record, calls = rig.record(), len(rig.dms.calls)
    positions = [rig.migration().server(role).binlog_position() for role in ("source", "target")]
    code = main(["cutover", "cutover", "--dry-run", "--stack", "test", "--outputs", str(outputs)])
    told = capsys.readouterr().out
    assert code == 0
    for expected in ("read_only = ON", "put_secret_value", "start_replication_task", "ACCOUNT UNLOCK"):
        assert expected in told.replace("\n", ""), expected
    assert rig.record() == record
    assert [rig.migration().server(role).binlog_position() for role in ("source", "target")] == positions
    changing = {"StartReplicationTask", "StopReplicationTask", "ModifyReplicationTask"}
    assert not changing & set(rig.dms.calls[calls:])
    assert rig.writable("source")
    assert rig.serving() == "source"


@pytest.mark.slow
def test_no_password_is_printed_or_recorded(rig: Rig, outputs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rig.application.wait_for_commits()
    rig.advance("watch")
    main(["cutover", "report", "--stack", "test", "--outputs", str(outputs)])
    main(["cutover", "rollback", "--dry-run", "--stack", "test", "--outputs", str(outputs)])
    told = capsys.readouterr()
    for secret in (OPERATOR_PASSWORD, DMS_PASSWORD, application.PASSWORD):
        assert secret not in told.out + told.err + rig.record().to_json()
    assert "downtime in seconds" in told.out


def test_preflight_passes_on_sound_servers_and_fails_with_one_remedy_on_a_broken_one(
    rig: Rig, outputs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    words = [
        "cutover",
        "preflight",
        "--stack",
        "test",
        "--outputs",
        str(outputs),
        "--json",
        str(tmp_path / "found.json"),
    ]
    assert main(words) == 0
    rig.source.run("SET GLOBAL binlog_row_image = 'MINIMAL'")
    try:
        assert main(words) == 1
    finally:
        rig.source.run("SET GLOBAL binlog_row_image = 'FULL'")
    assert "SET GLOBAL binlog_row_image = 'FULL'" in capsys.readouterr().out
    found = json.loads((tmp_path / "found.json").read_text())
    assert [item["check"] for item in found["results"] if item["level"] == "fail"] == ["binary log"]


def test_a_cutover_before_the_load_is_refused_in_one_sentence(
    rig: Rig, outputs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["cutover", "cutover", "--yes", "--stack", "test", "--outputs", str(outputs)])
    assert code == 1
    assert capsys.readouterr().err == "The migration is 'new'; run `cutover schema` and `cutover start` first.\n"
    assert rig.record().journal == ()


@pytest.mark.slow
def test_a_commit_before_the_agreed_days_is_refused(
    rig: Rig, outputs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rig.application.wait_for_commits()
    rig.advance("watch")
    assert main(["cutover", "commit", "--yes", "--stack", "test", "--outputs", str(outputs)]) == 1
    assert "7 days were agreed and 0.0 have passed" in capsys.readouterr().err
    assert (
        main(["cutover", "commit", "--yes", "--reverse-days", "0", "--stack", "test", "--outputs", str(outputs)]) == 0
    )
    assert "softpos:migrationPhase after" in capsys.readouterr().out.replace("\n", " ")
    assert rig.reverse.status in ("stopped", "stopping")
    assert main(["cutover", "rollback", "--yes", "--stack", "test", "--outputs", str(outputs)]) == 1
    assert not rig.writable("source")


@pytest.mark.slow
def test_status_tells_the_state_of_every_table(rig: Rig, outputs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rig.advance("replicate")
    assert main(["cutover", "status", "--json", "--stack", "test", "--outputs", str(outputs)]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["state"] == "replicate"
    assert {item["table"] for item in told["tables"]} >= {"softpos.payments", "softpos.settlements"}
    assert told["percent"] == 100


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["cutover", "--max-downtime", "5 minutes"], "is no duration"),
        (["cutover", "--max-downtime", "0s"], "is no duration"),
        (["cutover", "--parallel", "0"], "1<=x<=32"),
        (["status"], "Missing option '--stack'"),
    ],
)
def test_bad_arguments_end_with_2_and_one_line(words: list[str], sentence: str) -> None:
    stack = [] if words == ["status"] else ["--stack", "test"]
    result = CliRunner().invoke(cutover, [*words, *stack])
    assert result.exit_code == 2
    assert sentence in result.output


def test_every_missing_output_is_named_in_a_line_of_its_own() -> None:
    with pytest.raises(SettingsError) as refused:
        from_outputs("dev", {OUTPUT: {"region": "eu-central-1", "schemas": ["softpos"]}})
    lines = str(refused.value).splitlines()
    assert "Output migration.forward_task_arn of stack dev is missing; run `pulumi up` on this program." in lines
    assert len(lines) == 17


def test_a_stack_without_a_migration_says_which_setting_turns_it_on() -> None:
    with pytest.raises(SettingsError, match="set softpos:migrationPhase to beside"):
        from_outputs("dev", {})


def test_the_runbook_shows_after_the_load_what_the_status_says_then(
    rig: Rig, outputs: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    rig.application.wait_for_commits()
    rig.advance("replicate")
    capsys.readouterr()
    assert main(["cutover", "status", "--stack", "test", "--outputs", str(outputs)]) == 0
    told = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    runbook = (ROOT / "docs/runbooks/migration.md").read_text(encoding="utf-8")
    step = runbook.partition("\n6. Full load")[2].partition("\n7. ")[0]
    shown = step.partition("cutover status --stack prod\n")[2].splitlines()
    assert shown[:5] == [told[0].replace("test:", "prod:", 1), *told[1:5]]


def test_the_statements_of_a_repair_carried_out_as_written_make_both_sides_equal(
    rig: Rig, outputs: Path, tmp_path: Path
) -> None:
    rig.application.wait_for_commits()
    rig.advance("replicate")
    rig.application.stop()
    rig.replicated()
    rig.target.run(
        "UPDATE softpos.payments SET amount = amount + 1 WHERE id = 7",
        "DELETE FROM softpos.settlements WHERE terminal_id = 3",
        "INSERT INTO softpos.terminals (id, serial, model) VALUES (900, 'EXTRA', 'A')",
    )
    words = ["cutover", "repair", "--stack", "test", "--outputs", str(outputs), "--output"]
    file = tmp_path / "repair.sql"
    assert main([*words, str(file)]) == 0
    assert file.stat().st_mode & 0o077 == 0
    rig.target.run(*[line for line in file.read_text().splitlines() if not line.startswith("--")])
    assert main([*words, str(tmp_path / "none.sql")]) == 0
    assert not (tmp_path / "none.sql").exists()
