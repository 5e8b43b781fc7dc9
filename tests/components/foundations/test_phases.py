import pytest

from components.foundations.phases import PHASES, skipped


@pytest.mark.parametrize(
    ("live", "wanted", "left_out"),
    [
        ("none", "beside", ""),
        ("beside", "shifting", ""),
        ("shifting", "after", ""),
        ("shifting", "beside", ""),
        ("after", "none", ""),
        ("none", "after", ""),
        ("none", "shifting", "beside"),
        ("beside", "after", "shifting"),
        ("after", "beside", "shifting"),
        ("shifting", "none", "beside"),
    ],
)
def test_a_stack_goes_by_one_phase_at_a_time(live: str, wanted: str, left_out: str) -> None:
    assert skipped(live, wanted) == left_out


def test_one_side_alone_is_written_to_by_new_pods_and_the_way_there_is_open() -> None:
    assert {name for name, phase in PHASES.items() if phase.connects_to == "source"} == {
        name for name, phase in PHASES.items() if phase.moves_data
    }


def test_the_traffic_command_owns_weights_and_record_together_or_not_at_all() -> None:
    for phase in PHASES.values():
        assert (phase.weights == "traffic command") == (phase.record == "traffic command")
        assert (phase.weights == "traffic command") == phase.forwards_to_data_centre
