"""A reviewer sees what is dangerous first, and nothing that a program prints can break out of its place."""

from operations.pipeline.changes import Change, Finding, Preview
from operations.pipeline.comment import LIMIT_BYTES, Forecast, mark, render

PREFIX = "urn:pulumi:prod::softpos::softpos:x:Y$"
DATABASE = f"{PREFIX}aws:rds/cluster:Cluster::database-cluster"
RULE = f"{PREFIX}aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule::to-nodes"
TIMES = Forecast(change=95.0, from_zero=765.0)


def rendered(*changes: Change, **others: object) -> str:
    return render(Preview(stack="prod", changes=changes, unchanged=7, **others), TIMES, topic="preview prod")  # type: ignore[arg-type]


def test_the_comment_can_be_found_again_by_its_first_line() -> None:
    assert rendered().startswith(mark("preview prod") + "\n")
    assert mark("preview prod") != mark("preview dev")


def test_counts_and_times_stand_at_the_top() -> None:
    text = rendered(Change("create", RULE), Change("update", DATABASE, ("tags",)))
    assert "### `prod`: 1 to create, 1 to update, 7 unchanged" in text
    assert "**Forecast**: 1.6 min for this change; 12.8 min from nothing." in text


def test_what_is_replaced_or_deleted_stands_before_everything_else_and_data_is_named() -> None:
    text = rendered(Change("replace", DATABASE, ("engineMode",)), Change("delete", RULE), Change("create", RULE))
    warning = text.index("**Replaced or deleted**")
    assert warning < text.index("**Policies**") < text.index("<details>")
    assert (
        "> - replace `database-cluster` (aws:rds/cluster:Cluster) because of `engineMode`, **which holds data**" in text
    )
    assert "> - delete `to-nodes` (aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule)\n" in text


def test_without_danger_there_is_no_warning() -> None:
    assert "Replaced or deleted" not in rendered(Change("create", DATABASE))


def test_mandatory_violations_are_shown_and_notes_folded() -> None:
    mandatory = Finding("mandatory", "rds-tls", "database", "database: no TLS")
    note = Finding("advisory", "undetermined", "cache", "cache: unknown")
    text = rendered(findings=(mandatory, note))
    assert "**Policies**: 1 mandatory violations, 1 notes." in text
    assert "- :no_entry: `rds-tls`: database: no TLS" in text
    assert text.index("rds-tls") < text.index("<summary>Notes</summary>") < text.index("cache: unknown")


def test_silence_of_the_pack_is_said_as_compliance() -> None:
    assert "**Policies**: compliant." in rendered()


def test_a_failed_preview_says_so_first() -> None:
    text = rendered(Change("create", RULE), errors=("the program failed",))
    assert text.index("**The preview failed**") < text.index("**Policies**")


def test_nothing_that_a_program_prints_becomes_markup_or_a_mention() -> None:
    text = rendered(errors=("ping @everyone <img src=x>\n# big `code`",))
    assert "@everyone" not in text
    assert "<img" not in text
    assert "\n# big" not in text


def test_many_changes_are_cut_and_counted() -> None:
    text = rendered(*(Change("replace", f"{DATABASE}-{number}") for number in range(3000)))
    assert "and 2900 more, see the run's log." in text


def test_a_huge_change_still_fits_into_a_comment() -> None:
    long = tuple(f"p{number}" * 20 for number in range(40))
    text = rendered(*(Change("replace", f"{DATABASE}-{number}", long) for number in range(3000)))
    assert len(text.encode()) <= LIMIT_BYTES + 100
    assert text.endswith("The rest did not fit; see the run's log.\n")


def test_a_program_that_cannot_be_rehearsed_has_no_forecast() -> None:
    text = render(Preview(stack="prod"), None, topic="t")
    assert "**Forecast**: none" in text
